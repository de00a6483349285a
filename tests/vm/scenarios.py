# SPDX-License-Identifier: Apache-2.0
"""What each boot of the VM lab is for, and which programs run in it as whom.

Entry points: SCENARIOS, budget and programs_for. A scenario runs the kernel tests that ctest knows,
chosen by name, and scripts of its own from tests/vm/cases/, which judge what only this boot can
show.
"""

import os
import re
from typing import Dict, List, NamedTuple, Sequence, Tuple

import disk


class Scenario(NamedTuple):
    name: str
    purpose: str
    cgroup: str                             # v2, v1, systemd: see guest_groups.py
    seconds: int                            # thrice what the boot takes, or more: see budget
    tests: Sequence[Tuple[str, str]] = ()   # (who, expression of names of ctest)
    cases: Sequence[Tuple[str, str]] = ()   # (who, script of tests/vm/cases/)
    kernel: str = "apparmor=1"
    counted: bool = False                   # see machine.Start


# Cutting down: what knows nothing of the host's features has run in `full`.
_HOST_FACTS = (r"^sandbox_(host_.*|layers_.*|sandbox|every_step|launch_launcher"
               r"|supervise_supervisor)_test$|^posture$")
# The attacks are many runs: they have a boot of their own. The hostile starts run there as a user,
# and as root in `root`: root may do what a host outside often forbids. The corpus has one, too: the
# CPU time that it checks is best not shared with other programs.
# How streams are read and written, how jobs talk and in what order they end, what becomes of files
# behind the gate, and what a batch makes of its lines is the same on every host; the tests of their
# parts run here (sandbox_api_*, sandbox_files_*). The lab has ordinary users.
_NO_ATTACKS = (r"^(?!(escape|hostile_start|corpus|posture_as_user|streams_cli|files_cli"
               r"|talk_cli|talk_parts|sandbox_supervise_talk_test|batch_(cli|stream|soak))$)")

# What root does otherwise than a user: sources, ids, descriptors, groups, profiles; and the whole.
_AS_ROOT = (r"^sandbox_(child_ops_(cred|fd|mount|apparmor)|launch_.*|layers_(cgroup|apparmor).*"
            r"|os_(apparmor|audit|kernel_log)|every_step|sabotage|weakening|clone_flags|sandbox"
            r"|supervise_(supervisor|denials)|files_.*)_test$"
            r"|^(posture|hostile_start)$")

# The long ones first.
SCENARIOS = (
    Scenario("full", "AppArmor, Landlock, cgroup v2: kernel tests as a user", "v2", 4000,
             tests=(("user", _NO_ATTACKS),)),
    Scenario("attacks", "hostile programs and hostile parents on cgroup v2", "v2", 3000,
             tests=(("user", r"^(escape|hostile_start)$"),)),
    Scenario("systemd", "systemd and a user's manager: delegation as users have it", "systemd", 900,
             tests=(("user", r"^sandbox_(layers_cgroup.*|api_batch|sandbox)_test$"),),
             cases=(("root", "setup.py"), ("root", "scope.py"), ("root", "languages.py"))),
    Scenario("root", "AppArmor, Landlock, cgroup v2: what root does otherwise", "v2", 2000,
             tests=(("root", _AS_ROOT),),
             cases=(("root", "apparmor_user.py"), ("root", "denials.py"),
                    ("root", "clock.py"), ("root", "core_dump.py"))),
    Scenario("corpus", "programs that use exactly so much, and their accounts on cgroup v2", "v2",
             1500, tests=(("user", r"^corpus$"),), counted=True),
    Scenario("no-apparmor", "AppArmor off, controllers on cgroup v1", "v1", 600,
             tests=(("root", _HOST_FACTS),), kernel="apparmor=0"),
    Scenario("no-userns", "user namespaces shut to users, by each of the switches", "v2", 300,
             cases=(("root", "no_userns.py"),)),
)


def budget(scenario: Scenario) -> int:
    """Seconds that a boot may take; every further round of the corpus has two minutes."""
    rounds = int(os.environ.get("CORDON_CORPUS_REPEAT", "1"))
    return scenario.seconds + (rounds - 1) * 120 * (scenario.name == "corpus")


def programs_for(scenario: Scenario, known: List[disk.Program], pattern: str, tree: str) -> List:
    """The entries of the plan; `pattern` narrows by name (an empty one: everything)."""
    chosen: Dict[str, dict] = {}

    def add(who: str, program: disk.Program) -> None:
        if pattern and not re.search(pattern, program.name):
            return
        entry = chosen.setdefault(program.name, dict(program._asdict(), who=[]))
        if who not in entry["who"]:
            entry["who"].append(who)

    for who, expression in scenario.tests:
        for program in known:
            if re.search(expression, program.name):
                add(who, program)
    for who, script in scenario.cases:
        path = os.path.join(tree, "tests/vm/cases", script)
        name = "vm_" + os.path.splitext(script)[0]
        add(who, disk.Program(name, ["python3", "-B", path], tree, 600, name, plain=True))
    return list(chosen.values())
