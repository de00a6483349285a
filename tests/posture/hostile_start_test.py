# SPDX-License-Identifier: Apache-2.0
"""`cordon run` started by a hostile or careless parent.

Run by ctest: hostile_start_test.py --cordon PROGRAM --payload PROGRAM [unittest options]. A start
has one of three ends, judged from the host: the job has the recorded posture of its profile but for
what the case names, and its right verdict; or Cordon refuses with the words of the case and no
payload begins; or, where the kernel or the loader ended the program before its first line, nothing
was there. Never anything is left behind: processes, groups, mounts, files.
"""

import os
import resource
import signal
import subprocess
import sys
import unittest
from typing import Callable, NamedTuple, Sequence, Tuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)

import odd_parents as odd  # noqa: E402
import running_job  # noqa: E402
from host_view import group_folders, jobs_with, processes_with, wait_until  # noqa: E402
from posture_test import difference  # noqa: E402
from running_job import IS_ROOT, RunningJob, have_groups  # noqa: E402

CORDON = ""
PAYLOAD = ""
HOST = {}
PROFILE = "judge/cpp"
# The VM lab, where all is slow, looks at the posture only.
SOAK = float(os.environ.get("CORDON_TEST_SOAK", "1"))
SAME, REFUSED, DEAD = "same", "refused", "dead"


class Case(NamedTuple):
    name: str
    setup: Callable[[], None]           # between fork and exec of the command
    outcome: str = SAME
    words: Sequence[str] = ()           # of a refusal
    changes: Sequence[Tuple[str, str]] = ()  # recorded line -> what stands there instead
    root: bool = False                  # the start needs root
    report: bool = True                 # a refusal can still be written
    environment: Callable[[], dict] = lambda: dict(os.environ)
    signals: bool = True                # SIGTERM ends the run


def limit(name, value, hard=None):
    number = getattr(resource, "RLIMIT_" + name, {"LOCKS": 10}.get(name))
    return lambda: resource.setrlimit(number, (value, value if hard is None else hard))


def inherited(row, value):
    return ((f"limits {row}: the caller's", f"limits {row}: {value}"),)


OPEN_FILES = ("limits.open_files", "RLIMIT_NOFILE", "ulimit -H")
LIMITS = (
    *(Case(f"at most {n} descriptors", limit("NOFILE", n), REFUSED, OPEN_FILES)
      for n in (16, 64, 255)),
    Case("at most 8 descriptors", limit("NOFILE", 8), REFUSED, ("open",), report=False),
    Case("no descriptor beyond stdio", limit("NOFILE", 3), REFUSED, ("EMFILE", "ulimit -n"),
         report=False),
    Case("exactly the descriptors of the policy", limit("NOFILE", 256)),
    Case("a low soft limit of descriptors", limit("NOFILE", 16, 4096)),
    Case("a lower soft limit of descriptors", limit("NOFILE", 8, 4096)),
    Case("no file may grow", limit("FSIZE", 0), REFUSED, ("ulimit -f",), report=False),
    Case("no file may grow, softly", limit("FSIZE", 0, resource.RLIM_INFINITY), REFUSED,
         ("ulimit -f",), report=False),
    Case("files below the policy's size", limit("FSIZE", 1 << 20), REFUSED, ("RLIMIT_FSIZE",)),
    Case("hardly any stack", limit("STACK", 65536), REFUSED, ("limits.stack", "ulimit -H")),
    Case("hardly any stack, softly", limit("STACK", 65536, resource.RLIM_INFINITY)),
    Case("a stack without end", limit("STACK", resource.RLIM_INFINITY)),
    Case("core files", limit("CORE", resource.RLIM_INFINITY)),
    Case("little address space", limit("AS", 2 << 30),
         changes=inherited("Max address space", 2 << 30)),
    Case("no pending signals", limit("SIGPENDING", 0),
         changes=(("limits Max pending signals: 1024", "limits Max pending signals: 0"),)),
    Case("no resident set", limit("RSS", 0), changes=inherited("Max resident set", 0)),
    Case("no locks", limit("LOCKS", 0), changes=inherited("Max file locks", 0)),
    Case("three seconds of processor time", limit("CPU", 3),
         changes=inherited("Max cpu time", 3)),
    Case("less memory to lock than ours", limit("MEMLOCK", 0),
         changes=(("limits Max locked memory: 65536", "limits Max locked memory: 0"),)),
    Case("fewer message queues than ours", limit("MSGQUEUE", 4096),
         changes=(("limits Max msgqueue size: 65536", "limits Max msgqueue size: 4096"),)),
    Case("one process", limit("NPROC", 1), REFUSED, ("ulimit -u",) if IS_ROOT else ()),
    Case("no data segment", limit("DATA", 0), DEAD),
)
LESS_PRIORITY = (("scheduling nice: 0", "scheduling nice: 19"),
                 ("scheduling priority: 20", "scheduling priority: 39"))
ATTRIBUTES = (
    Case("umask 0777", lambda: os.umask(0o777)),
    Case("umask 0", lambda: os.umask(0)),
    Case("a directory that is gone", odd.in_a_directory_that_is_gone),
    Case("a directory that cannot be read", odd.in_a_locked_directory),
    Case("least nice", lambda: os.nice(19), changes=LESS_PRIORITY),
    Case("above others", lambda: os.nice(-5), root=True),
    Case("first in, first out", odd.scheduled(os.SCHED_FIFO, 5), root=True),
    Case("round robin", odd.scheduled(os.SCHED_RR, 5), root=True),
    Case("batch", odd.scheduled(os.SCHED_BATCH),
         changes=(("scheduling policy: 0", "scheduling policy: 3"),)),
    Case("first at the disk", odd.io_real_time, root=True),
    Case("one processor", odd.on_one_cpu,
         changes=(("status Cpus_allowed: the caller's", "status Cpus_allowed: 1"),)
         if odd.many_cpus() and odd.keeps_cpus() else ()),
    Case("a middling out-of-memory score", odd.oom_score(500)),
    Case("spared when memory is short", odd.oom_score(-500), root=True),
    *(Case(name, odd.personality(bits)) for name, bits in odd.PERSONALITIES.items()),
    Case("not dumpable", odd.prctl(odd.PR_SET_DUMPABLE, 0)),
    Case("no new privileges", odd.prctl(odd.PR_SET_NO_NEW_PRIVS, 1)),
    Case("dies with its parent", odd.prctl(odd.PR_SET_PDEATHSIG, signal.SIGKILL)),
    Case("exact timers", odd.prctl(odd.PR_SET_TIMERSLACK, 1)),
    Case("a session of its own", os.setsid),
    Case("ids that keep capabilities", odd.prctl(odd.PR_SET_SECUREBITS, odd.KEEP_CAPS), root=True),
    Case("root that is none", odd.prctl(odd.PR_SET_SECUREBITS, odd.NO_ROOT), REFUSED, root=True),
    Case("many descriptors of the host", odd.many_descriptors),
)
SIGNALS = (
    Case("every signal blocked", odd.block_all),
    Case("every signal ignored", odd.ignore_all),
    Case("an alarm", lambda: signal.setitimer(signal.ITIMER_REAL, 2)),
    Case("timers of its processor time", odd.slow_timers),
    Case("an alarm at once", lambda: signal.setitimer(signal.ITIMER_REAL, 1e-6, 1e-6), DEAD),
)
MORE_FILTERS = (("status Seccomp_filters: 1", "status Seccomp_filters: 2"),)
FILTERS = (
    Case("a filter without consequence", odd.denied("acct"), changes=MORE_FILTERS),
    *(Case(f"a filter without {call}", odd.denied(call), REFUSED, (call, "EPERM"))
      for call in ("mount", "open_tree", "clone3", "seccomp", "prctl", "epoll_create1", "waitid",
                   "timerfd_create", "keyctl", "personality")),
    Case("a filter without pidfd_open", odd.denied("pidfd_open"), REFUSED, ("pidfd_open", "EPERM")),
    Case("a filter without pidfd_send_signal", odd.denied("pidfd_send_signal"),
         changes=MORE_FILTERS),
)
ENVIRONMENTS = (
    Case("no environment", lambda: None, environment=dict),
    Case("a library that is not there", lambda: None,
         environment=lambda: {"LD_PRELOAD": "/nowhere.so"}),
    Case("switches of the loader", lambda: None,
         environment=lambda: {"GLIBC_TUNABLES": "glibc.malloc.check=3:glibc.rtld.nns=1",
                              "LD_BIND_NOW": "1", "MALLOC_PERTURB_": "165"}),
    Case("no place for temporary files", lambda: None,
         environment=lambda: {"TMPDIR": "/nowhere", "XDG_RUNTIME_DIR": "/nowhere"}),
    Case("a huge environment", lambda: None,
         environment=lambda: {f"A{i}": "x" * 100000 for i in range(15)}),
)


class StartTest(running_job.PolicyTest):
    def setUp(self):
        self.prepare(HOST)
        self.mounts = odd.text_of("/proc/self/mountinfo")

    def expected(self, case):
        lines = running_job.expected_here(running_job.recorded(PROFILE), PROFILE, HOST)
        for recorded, here in case.changes:
            self.assertIn(recorded, lines, case.name)
            lines = [here if line == recorded else line for line in lines]
        return lines

    def nothing_is_left(self, token, pid):
        self.assertTrue(wait_until(lambda: not processes_with(token), 60), processes_with(token))
        self.assertTrue(wait_until(lambda: not group_folders(pid), 60), group_folders(pid))
        self.assertEqual(odd.text_of("/proc/self/mountinfo"), self.mounts)

    def job(self, case, token, words=("posture",)):
        return RunningJob(CORDON, PAYLOAD, self.policy(PROFILE, HOST), HOST, token, words,
                          preexec_fn=case.setup, env=case.environment())

    def check(self, case):
        token = f"start_{os.getpid()}_{case.name.replace(' ', '_')}"
        with self.job(case, token) as job:
            ready = job.ready()
            if case.outcome == SAME:
                if not ready:
                    self.fail(job.stopped_errors())
                changed = difference(self.expected(case), job.lines())
                self.assertFalse(changed, "\n" + changed)
            else:
                self.assertFalse(ready)
                self.assertEqual(jobs_with(token), [])
            job.stop()
            self.check_end(case, job)
            self.nothing_is_left(token, job.process.pid)
        if case.outcome == SAME and SOAK >= 1:
            with self.job(case, token, ("exit", "7")) as job:
                self.assertEqual(job.process.wait(timeout=running_job.READY_SECONDS), 7)
                self.assertEqual(job.document()["verdict"], "EXITED")
                self.nothing_is_left(token, job.process.pid)

    def check_end(self, case, job):
        code, errors = job.process.returncode, job.errors.decode()
        if case.outcome == DEAD:
            self.assertTrue(code < 0 or code == 127, (code, errors))
            self.assertEqual([name for name in os.listdir(job.folder) if name == "report.json"], [])
            return
        if case.outcome == SAME:
            self.assertEqual((code, job.document()["verdict"]), (128 + signal.SIGKILL, "CANCELLED"))
            return
        self.assertEqual(code, 125, errors)
        for word in ("cordon: ", *case.words):
            self.assertIn(word, errors)
        if case.report:
            self.assertEqual(job.document()["verdict"], "SETUP_FAILED")
            self.assertTrue(job.document()["setup_only"])

    def check_all(self, cases):
        for case in cases:
            if case.root and not IS_ROOT:
                continue
            with self.subTest(case.name):
                if not odd.possible(case.setup):
                    self.skipTest(f"needs the right to start a program like this: {case.name}")
                self.check(case)


class Starts(StartTest):
    def test_limits_of_the_caller(self):
        self.check_all(LIMITS)

    def test_attributes_of_the_caller(self):
        self.check_all(ATTRIBUTES)

    def test_signals_and_timers_of_the_caller(self):
        self.check_all(SIGNALS)

    def test_filters_of_the_caller(self):
        self.check_all(FILTERS)

    def test_environments_of_the_caller(self):
        self.check_all(ENVIRONMENTS)


def main():
    global CORDON, PAYLOAD, HOST  # pylint: disable=global-statement
    CORDON, PAYLOAD, HOST, rest = running_job.arguments()
    unittest.main(argv=[sys.argv[0], *rest], testRunner=python_results.Runner("hostile_start"))


if __name__ == "__main__":
    main()
