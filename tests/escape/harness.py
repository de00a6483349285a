# SPDX-License-Identifier: Apache-2.0
"""What all attack tests share: runs of the command, policies with a layer taken away, the host.

Entry points: configure, EscapeTest, Run, Host. An attack is judged by the report's counters and by
what is left on the host (files, mounts, processes, groups, IPC), never by its own words alone.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

CORDON = ""
ATTACK = ""
IS_ROOT = os.geteuid() == 0
FACTS: Dict[str, Any] = {}
PATIENT = 'cpu_time: "10m" wall_time: "10m"'
# What the controls did not show on this host: test name -> reason.
VACUOUS: Dict[str, str] = {}


def configure(cordon: str, attack: str) -> None:
    global CORDON, ATTACK  # pylint: disable=global-statement
    CORDON, ATTACK = os.path.abspath(cordon), os.path.abspath(attack)
    told = subprocess.run([CORDON, "doctor", "--format", "json"], capture_output=True, check=False)
    FACTS.update(json.loads(told.stdout)["facts"])


class Run(NamedTuple):
    status: int
    out: bytes
    err: bytes
    report: Dict[str, Any]
    seconds: float

    @property
    def verdict(self) -> str:
        return self.report.get("verdict", "NO_REPORT")

    @property
    def text(self) -> str:
        return self.out.decode(errors="replace")

    def usage(self, field: str) -> float:
        value = self.report["usage"].get(field, 0)
        return float(value[:-1] if isinstance(value, str) and value.endswith("s") else value)

    def number(self, word: str) -> int:
        """The number after a word that the attack printed."""
        for line in self.text.splitlines():
            if line.startswith(word + " "):
                return int(line.split()[1])
        return -1

    def answers(self) -> Dict[str, str]:
        """Probe -> killed (by the filter), ok, SIGxxx, hung, or the name of an errno."""
        found = {}
        for line in self.text.splitlines():
            name, _, result = line.partition(" ")
            kind, _, number = result.partition(":")
            if kind == "killed":
                number = int(number)
                found[name] = "killed" if number == signal.SIGSYS else signal.Signals(number).name
            else:
                found[name] = kind
        return found


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def tree_hash(folder: str) -> str:
    """Names, modes, owners, times and contents of everything below a folder."""
    digest = hashlib.sha256()
    for top, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(top, name)
            info = os.lstat(path)
            digest.update(repr((path, info.st_mode, info.st_uid, info.st_gid, info.st_size,
                                info.st_mtime_ns, info.st_nlink)).encode())
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    digest.update(file.read())
    return digest.hexdigest()


def processes_with(token: str) -> List[int]:
    """Processes of a job: those whose environment has the token that the harness gave it."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and f"TOKEN={token}" in _read(f"/proc/{name}/environ").split("\0"):
            found.append(int(name))
    return found


class Host(NamedTuple):
    """What no job may change. Other programs of this host may: so only what is ours or rare."""

    hostname: str
    mounts: str
    modules: str
    ipc: str
    core_pattern: str
    binary: str

    @staticmethod
    def now() -> "Host":
        mounts = "\n".join(sorted(" ".join(line.split()[2:])
                                  for line in _read("/proc/self/mountinfo").splitlines()))
        modules = " ".join(sorted(line.split()[0] for line in _read("/proc/modules").splitlines()))
        ipc = "".join(_read("/proc/sysvipc/" + kind) for kind in ("shm", "sem", "msg"))
        with open(CORDON, "rb") as file:
            binary = hashlib.sha256(file.read()).hexdigest()
        return Host(os.uname().nodename, mounts, modules,
                    "\n".join(line.split()[0] for line in ipc.splitlines() if line.split()),
                    _read("/proc/sys/kernel/core_pattern"), binary)

    def differences(self, later: "Host") -> List[str]:
        return [f"{field} of the host changed" for field in self._fields
                if getattr(self, field) != getattr(later, field)]


class EscapeTest(unittest.TestCase):
    """A folder for the test, bound nowhere; the host is compared before and after."""

    def setUp(self):
        if not FACTS["user_namespaces"]:
            self.skipTest("needs user namespaces")
        if not {"memory", "pids"} <= set(FACTS.get("cgroup_controllers", [])):
            self.skipTest("needs control groups that the caller may use")
        self.folder = tempfile.mkdtemp(prefix="cordon_escape_")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.token = f"escape_{os.getpid()}_{self._testMethodName}"
        self.supervisors: List[int] = []
        self.last: Optional[Run] = None
        self.before = Host.now()
        self.addCleanup(self.check_host)

    # pylint: disable-next=arguments-renamed
    def _formatMessage(self, msg, standard):  # noqa: N802 (unittest's own name)
        """Of a failure: what the last run came to first, its report last."""
        text = super()._formatMessage(msg, standard)
        if self.last is None:
            return text
        report = {name: value for name, value in self.last.report.items()
                  if name not in ("layers", "steps", "limits")}
        return f"[last run: {self.last.verdict} {self.last.status}] {text}\n{report}"

    def check_host(self):
        self.assertEqual(self.before.differences(Host.now()), [])
        deadline = time.monotonic() + 5
        while processes_with(self.token) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(processes_with(self.token), [], "processes of the job are left")
        prefixes = tuple(f"cordon-{pid}-" for pid in self.supervisors)
        left = [folder for folder, _, _ in os.walk("/sys/fs/cgroup")
                if prefixes and os.path.basename(folder).startswith(prefixes)]
        self.assertEqual(left, [], "control groups are left")

    def policy(self, text: str, base: str = "base/compute") -> str:
        """A policy file that extends `base`; gives its path. Where it names no times it is patient:
        what is not about time must not end for the pauses of a host."""
        if "limits {" not in text:
            text += f"\nlimits {{ {PATIENT} }}"
        elif "_time:" not in text:
            text = text.replace("limits {", f"limits {{ {PATIENT} ", 1)
        name = os.path.join(self.folder, f"policy{len(os.listdir(self.folder))}.textproto")
        with open(name, "w", encoding="utf-8") as file:
            file.write(f'extends: "{base}"\n{text}\n')
        return name

    def without(self, layer: str, base: str = "base/compute", more: str = "") -> str:
        return self.policy(f"{layer} {{ enforcement: OFF }}\n{more}", base)

    def apart(self, base: str = "base/compute") -> str:
        """The kernel kills the one process that breaks a rule: many can be tried in one job."""
        return self.policy("seccomp { kill_evidence: KERNEL }", base)

    def attack(self, *words: str, policy: str = "base/compute", flags: Sequence[str] = (),
               program: Optional[str] = None, **options) -> Run:
        """Runs the attack program under a policy. The report is always written and well formed."""
        command = [program or ATTACK, *words]
        return self.command(command, policy=policy, flags=flags, **options)

    def command(self, command: Sequence[str], policy: str = "base/compute",
                flags: Sequence[str] = (), **options) -> Run:
        report = os.path.join(self.folder, "report.json")
        if re.fullmatch("(base|ci|compile|judge)/[a-z]+", policy):
            policy = self.policy("", policy)  # flags may still say less
        line = [CORDON, "run", "--policy", policy, "--report", report, "--env",
                f"TOKEN={self.token}", *flags, "--", *command]
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        start = time.monotonic()
        with subprocess.Popen(line, **options) as process:
            self.supervisors.append(process.pid)
            try:
                out, err = process.communicate(timeout=180)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        seconds = time.monotonic() - start
        with open(report, encoding="utf-8") as file:
            document = json.load(file)
        os.unlink(report)
        run = self.last = Run(process.returncode, out or b"", err or b"", document, seconds)
        self.check_report(run)
        return run

    def check_report(self, run: Run):
        """The invariants of accounting, for every attack."""
        error = run.report.get("error", {})
        self.assertNotEqual(run.verdict, "INTERNAL_ERROR", error)
        # A job that has begun gets a verdict.
        self.assertNotEqual(error.get("stage"), "run", error)
        if run.verdict == "SETUP_FAILED" or run.report.get("usage") is None:
            return
        for field in ("memory_peak_bytes", "output_bytes", "cpu_time", "wall_time"):
            self.assertGreaterEqual(run.usage(field), 0, field)

    def outside(self, *words: str, **options) -> Run:
        """The same program without a sandbox: the control of what a sandbox takes away."""
        done = subprocess.run([ATTACK, *words], capture_output=True, check=False, timeout=30,
                              stdin=subprocess.DEVNULL, **options)
        return Run(done.returncode, done.stdout, done.stderr, {}, 0.0)

    def vacuous(self, reason: str):
        """The control shows nothing on this host; the reason is printed at the end."""
        VACUOUS[self.id().rpartition(".")[2]] = reason

    def assert_verdict(self, run: Run, *verdicts: str):
        self.assertIn(run.verdict, verdicts, run.err.decode(errors="replace") + run.text[:500])
