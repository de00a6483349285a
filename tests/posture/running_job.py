# SPDX-License-Identifier: Apache-2.0
"""A job that holds still to be looked at, and what tests of postures share.

Entry points: facts, RunningJob, recorded, expected_here. DIFFERENCES is the whole list of what may
be otherwise on one host than on another; golden files say what holds with root, cgroup v2 and
AppArmor.
"""

import argparse
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from typing import Callable, List, NamedTuple, Optional, Sequence

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from host_view import jobs_with  # noqa: E402

import posture  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
IS_ROOT = os.geteuid() == 0
READY_SECONDS = 60


def facts(cordon: str) -> dict:
    done = subprocess.run([cordon, "doctor", "--format", "json"], capture_output=True, check=False,
                          stdin=subprocess.DEVNULL)
    return json.loads(done.stdout)["facts"]


def arguments():
    """Of a test program: command, payload, what the host has, and the options of unittest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cordon", required=True)
    parser.add_argument("--payload", required=True)
    known, rest = parser.parse_known_args()
    cordon, payload = os.path.abspath(known.cordon), os.path.abspath(known.payload)
    return cordon, payload, facts(cordon), rest


def have_groups(host: dict) -> bool:
    return {"memory", "pids"} <= set(host["cgroup_controllers"])


class Difference(NamedTuple):
    holds: Callable[[dict], bool]  # on which hosts (or for whom)
    recorded: str                  # the line of the golden file, or its beginning with a "*";
                                   # {name} stands for the profile's, with a dash
    here: Optional[str]            # what stands there instead; None: nothing; {processes} stands
                                   # for the recorded limit of the group
    reason: str


def _user(_host) -> bool:
    return not IS_ROOT


def _v1(host) -> bool:
    return host["cgroup_mode"] != "CGROUP_V2" and have_groups(host)


def _without_groups(host) -> bool:
    return not have_groups(host)


def _lacks(path: str) -> Callable[[dict], bool]:
    return lambda _host: not os.path.exists(path)


def _own_profile(host) -> bool:
    return host["apparmor"]["present"] and host["apparmor"]["may_load"]


def _family_only(host) -> bool:
    return not _own_profile(host) and host["apparmor"]["family"]


def _label_is(found: str) -> str:
    return f"apparmor label: {found}"


_PROFILE = "apparmor label: cordon-{name}-HASH (enforce)"
DIFFERENCES = (
    Difference(_user, "status Uid: a fresh one, four times", "status Uid: the caller's, four times",
               "only root may map another id than its own"),
    Difference(_user, "status Gid: a fresh one, four times", "status Gid: the caller's, four times",
               "only root may map another id than its own"),
    Difference(lambda host: _user(host) and os.getgroups(), "status Groups: none",
               "status Groups: the caller's", "setgroups needs a privilege that a user lacks"),
    Difference(_user, "ids setgroups: allow", "ids setgroups: deny",
               "without privilege it is given up before gid_map can be written"),
    Difference(_v1, "group kill as one: 1", "group kill as one: cgroup v1 cannot",
               "memory.oom.group is of cgroup v2"),
    Difference(_v1, "group groups below: 0", "group groups below: cgroup v1 cannot",
               "cgroup.max.descendants is of cgroup v2"),
    Difference(lambda host: have_groups(host) and not host["swap_accounting"], "group swap: 0",
               "group swap: not accounted", "the kernel was booted without swap accounting"),
    Difference(_without_groups, "group of memory: its own", "group of memory: not one of Cordon",
               "nobody delegated a group; the profile was told that it may do without"),
    Difference(_without_groups, "group of pids: its own", "group of pids: not one of Cordon",
               "as for memory"),
    Difference(_without_groups, "limits Max processes: the caller's",
               "limits Max processes: {processes}", "the limit of the group is this one then"),
    *(Difference(_without_groups, f"group {label}: *", None, "as for memory") for label in
      ("kill as one", "groups below", "swap", "memory", "processes, init included")),
    Difference(lambda host: not host["apparmor"]["present"], _PROFILE,
               _label_is("this kernel runs without AppArmor"), "profiles ask for it IF_AVAILABLE"),
    Difference(_family_only, _PROFILE, _label_is("cordon-job (enforce)"),
               "who may not load profiles gets the administrator's"),
    Difference(lambda host: host["apparmor"]["present"] and not _own_profile(host)
               and not _family_only(host), _PROFILE, _label_is("unconfined"),
               "nobody has loaded a profile, and this caller may not"),
    *(Difference(_lacks(path), f"mounts {path}: *", None, "optional in the profiles") for path in
      ("/etc/ld.so.cache", "/etc/alternatives", "/etc/java-17-openjdk")),
)


def dashed(profile: str) -> str:
    return profile.replace("/", "-")


def matches(difference: Difference, line: str, profile: str) -> bool:
    wanted = difference.recorded.replace("{name}", dashed(profile))
    return line.startswith(wanted[:-1]) if wanted.endswith("*") else line == wanted


def expected_here(golden: List[str], profile: str, host: dict) -> List[str]:
    """What the golden file means on this host."""
    lines = list(golden)
    head = "group processes, init included: "
    [processes] = [line[len(head):] for line in golden if line.startswith(head)]
    for each in DIFFERENCES:
        if each.holds(host):
            here = each.here and each.here.replace("{processes}", processes)
            lines = [here if matches(each, line, profile) else line for line in lines]
            lines = [line for line in lines if line is not None]
    return lines


def as_recorded(found: List[str], profile: str, host: dict) -> List[str]:
    """The way back: what a golden file says when this was seen here."""
    before = recorded(profile) if os.path.exists(golden_path(profile)) else []
    lines = list(found)
    for each in DIFFERENCES:
        if not each.holds(host):
            continue
        if each.here is None:  # not to be seen here: as it was
            lines += [line for line in before if matches(each, line, profile)]
        else:
            usual = each.recorded.replace("{name}", dashed(profile))
            lines = [usual if line == each.here else line for line in lines]
    return lines


def _host_mounts_below_usr() -> List[str]:
    rows = posture.text_of("/proc/self/mountinfo").splitlines()
    return [row.split()[4] for row in rows if row.split()[4].startswith("/usr/")]


def without_host_mounts(lines: List[str]) -> List[str]:
    """/usr is bound with what a host has mounted below it; the golden host has nothing there."""
    heads = tuple(f"mounts {place}: " for place in _host_mounts_below_usr())
    return [line for line in lines if not line.startswith(heads)] if heads else lines


def golden_path(profile: str) -> str:
    return os.path.join(ROOT, "tests/golden", dashed(profile) + ".posture.txt")


def recorded(profile: str) -> List[str]:
    return posture.text_of(golden_path(profile)).splitlines()


class RunningJob:
    """`cordon run` of the payload's mode `posture`, or of other words, until the end of `with`."""

    def __init__(self, cordon: str, payload: str, policy: str, host: dict, token: str,
                 words: Sequence[str] = ("posture",), flags: Sequence[str] = (), **popen):
        self.folder = tempfile.mkdtemp(prefix="cordon_posture_")
        os.chmod(self.folder, 0o755)
        self.report = os.path.join(self.folder, "report.json")
        self.token = token
        self.host = host
        self.popen = popen
        self.line = [cordon, "run", "--policy", policy, "--report", self.report, "--bind",
                     f"{os.path.dirname(payload)}:/payload", *flags, "--", "/payload/payload",
                     *words, token]
        self.process = None
        self.errors = b""

    def __enter__(self):
        for stream, usual in (("stdin", subprocess.DEVNULL), ("stdout", subprocess.PIPE),
                              ("stderr", subprocess.PIPE)):
            self.popen.setdefault(stream, usual)
        self.process = subprocess.Popen(self.line, **self.popen)
        return self

    def __exit__(self, *_unused):
        self.stop()
        shutil.rmtree(self.folder)

    def stop(self) -> None:
        """Ends it as a user would, once; a run that has ended is left as it is."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        if self.process.stdout is not None and self.process.stdout.closed:
            return
        self.errors += self.process.communicate(timeout=READY_SECONDS)[1] or b""

    def stopped_errors(self) -> str:
        self.stop()
        return self.errors.decode()

    def document(self) -> dict:
        os.chmod(self.report, 0o600)  # whatever the caller's umask was
        with open(self.report, encoding="utf-8") as file:
            return json.load(file)

    def ready(self) -> bool:
        """False when there was no payload."""
        if not select.select([self.process.stdout], [], [], READY_SECONDS)[0]:
            return False
        return os.read(self.process.stdout.fileno(), 6) == b"ready\n"

    def lines(self, supervisor: int = 0) -> List[str]:
        [pid] = jobs_with(self.token)
        observer = posture.Observer(os.getpid(), supervisor or self.process.pid,
                                    self.host["cgroup_mode"] == "CGROUP_V2")
        return without_host_mounts(posture.of_process(pid, observer))


class PolicyTest(unittest.TestCase):
    """A test that runs jobs under a shipped profile, as far as the host allows it."""

    def prepare(self, host: dict) -> None:
        if not host["user_namespaces"]:
            self.skipTest("needs user namespaces")

    def policy(self, profile: str, host: dict, *more: str) -> str:
        """The profile; as a file that extends it where something is to be otherwise."""
        text = list(more)
        if not have_groups(host):
            text.append("cgroup { enforcement: IF_AVAILABLE }")
        if not text:
            return profile
        handle, path = tempfile.mkstemp(prefix="cordon_posture_", suffix=".textproto")
        self.addCleanup(os.unlink, path)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("\n".join([f'extends: "{profile}"', *text]))
        return path
