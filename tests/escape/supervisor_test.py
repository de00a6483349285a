# SPDX-License-Identifier: Apache-2.0
"""The supervisor itself: hostile arguments, environment, files and policies; many runs at once."""

import concurrent.futures
import json
import os
import random
import signal
import subprocess
import tempfile
import time

import harness
from harness import EscapeTest, processes_with


class Supervisor(EscapeTest):
    def test_each_way_to_fail_to_execute_says_so(self):
        folder = tempfile.mkdtemp(prefix="programs_", dir=self.folder)
        os.chmod(folder, 0o755)

        def make(name, content, mode):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, mode)

        make("plain", b"no program", 0o755)
        make("denied", b"#!/bin/true\n", 0o644)
        make("lost", b"#!/no/such/interpreter\n", 0o755)
        make("broken", b"\x7fELF" + b"\xff" * 200, 0o755)
        make("real", b"#!/bin/sh\nexit 127\n", 0o755)
        bind = ["--bind", f"{folder}:/programs:ro"]
        for name, status, errno_name in (("plain", 126, "ENOEXEC"), ("denied", 126, "EACCES"),
                                         ("lost", 127, "ENOENT"), ("broken", 126, "ENOEXEC"),
                                         ("nothing", 127, "ENOENT")):
            run = self.command([f"/programs/{name}"], flags=bind)
            self.assertEqual(run.status, status, name)
            self.assertEqual(run.verdict, "SETUP_FAILED", name)
            self.assertIn(errno_name, json.dumps(run.report["error"]), name)
        control = self.command(["/programs/real"], flags=bind)
        self.assertEqual((control.status, control.verdict), (127, "EXITED"))

    def test_arguments_are_passed_as_they_are(self):
        words = ["--help", "--", "-rf", "; touch /tmp/x", "$(id)", "`id`", "new\nline", "", "%s%n",
                 "\x1b[2J", "*", "~", "a=b", "x" * 100000]
        run = self.command(["/usr/bin/printf", "%s\\0", *words])
        self.assert_verdict(run, "EXITED")
        self.assertEqual(run.out.decode().split("\0")[:-1], words)
        many = [str(i) for i in range(10000)]
        run = self.command(["/usr/bin/printf", "%s\\n", *many])
        self.assert_verdict(run, "EXITED")
        self.assertEqual(run.text.split(), many)

    def test_streams_can_be_opened_by_name(self):
        """As programs of judges and builds do; it leads to the job's own pipes."""
        path = os.path.join(self.folder, "input")
        with open(path, "wb") as file:
            file.write(b"input")
        with open(path, "rb") as file:
            run = self.command(["/bin/sh", "-c",
                                "cat /dev/stdin > /dev/stdout; echo e > /dev/stderr"], stdin=file)
        self.assertEqual((run.out, run.err), (b"input", b"e\n"))

    def test_the_environment_of_the_caller_does_nothing(self):
        hostile = {"LD_PRELOAD": "/no/such.so", "LD_AUDIT": "/no/such.so",
                   "GCONV_PATH": self.folder,
                   "GLIBC_TUNABLES": "glibc.malloc.check=3", "TMPDIR": "/no/such",
                   "PATH": self.folder, "LANG": "xx_YY", "MALLOC_CHECK_": "3", "IFS": "x",
                   "BASH_ENV": "/no/such", "HOME": "/no/such", "XDG_RUNTIME_DIR": "/no/such"}
        run = self.command(["/usr/bin/env"], env=hostile)
        self.assert_verdict(run, "EXITED")
        self.assertEqual(set(run.text.split("\n")[:-1]),
                         {"HOME=/tmp", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin",
                          f"TOKEN={self.token}"})
        control = subprocess.run(["/usr/bin/env"], env=hostile, capture_output=True, check=False)
        self.assertIn(b"GCONV_PATH", control.stdout)

    def test_signals_of_the_caller_are_not_inherited(self):
        """Ignored and blocked by the caller: the job starts as if they were not."""
        def hostile():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR2])

        run = self.attack("look", preexec_fn=hostile)
        self.assert_verdict(run, "EXITED")
        own = run.text[run.text.rindex("== process "):]
        self.assertIn("SigIgn:\t0000000000000000", own)
        self.assertIn("SigBlk:\t0000000000000000", own)
        control = self.outside("look", "/proc/self/status", preexec_fn=hostile)
        self.assertRegex(control.text, r"SigBlk:\t0*4800")

    def test_hostile_policies_are_refused_in_short_time(self):
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        empty = os.path.join(self.folder, "empty.textproto")
        huge = os.path.join(self.folder, "huge.textproto")
        with open(empty, "w", encoding="utf-8"):
            pass
        with open(huge, "wb") as file:
            file.truncate(1 << 30)
        hostile = [fifo, "/dev/zero", self.folder, huge, "/proc/self/mem", "no/such"]
        # As a policy, and as what an honest one extends.
        for policy in hostile + [self.policy("", base=each) for each in hostile]:
            start = time.monotonic()
            run = self.attack("exit", "0", policy=policy)
            self.assertEqual(run.status, 125, policy)
            self.assertEqual(run.verdict, "SETUP_FAILED", policy)
            self.assertLess(time.monotonic() - start, 20)
        control = self.attack("exit", "0", policy=self.policy(""))
        self.assert_verdict(control, "EXITED")

    def test_an_id_that_is_none_is_not_root(self):
        for bad in ("4294967296", "-1", '"1 "', '"0x0"', "65536:0", '"root"', '"1:"', "root", "1.0",
                    "1e0", "65535", "4294967295", "[]", ""):
            policy = self.policy(f"identity {{ uid: {bad} }}")
            run = self.attack("status", policy=policy)
            self.assertEqual((run.status, run.verdict), (125, "SETUP_FAILED"), bad)
            self.assertEqual(run.out, b"", bad)
        control = self.attack("status", policy=self.policy("identity { uid: 77 gid: 78 }"))
        self.assert_verdict(control, "EXITED")
        self.assertIn("Uid:\t77\t77\t77\t77", control.text)

    def test_no_name_writes_lines_of_its_own(self):
        """Names that a stranger chose, in what the command says: no control character of theirs,
        and one message however often a call is refused."""
        name = "x\ncordon: fine\x1b]0;y\x07\x7f"
        program = os.path.join(self.folder, name)
        os.symlink(harness.ATTACK, program)
        runs = [self.attack("loud-name", name, "20000"),
                self.attack("exit", "0", policy=f"./{name}"),
                self.attack("exit", "0", program=f"/{name}"),
                self.attack("exit", "0", flags=["--bind", f"/{name}:/x:ro"]),
                self.attack("exit", "0", flags=["--env", f"A B={name}"])]
        self.assert_verdict(runs[0], "SYSCALL_VIOLATION")
        for index, run in enumerate(runs):
            self.assertNotRegex(run.err, rb"[\x00-\x08\x0b-\x1f\x7f]", index)
            self.assertNotIn(b"cordon: fine", run.err.split(b"\n"), index)
            self.assertTrue(run.err, index)
            self.assertLess(len(run.err), 4096, index)
        self.assertIn(b"fine", runs[2].err)
        # The control: what the job itself says is passed on as it is.
        control = self.command(["/bin/sh", "-c", 'printf %s "$1" >&2', "sh", name])
        self.assertIn(name.encode(), control.err)

    def test_a_report_is_written_nowhere_else(self):
        target = os.path.join(self.folder, "target")
        link = os.path.join(self.folder, "report.link")
        with open(target, "w", encoding="utf-8") as file:
            file.write("untouched")
        os.symlink(target, link)
        line = [harness.CORDON, "run", "-q", "--report", link, "--", harness.ATTACK, "exit", "0"]
        subprocess.run(line, check=False, capture_output=True)
        with open(target, encoding="utf-8") as file:
            self.assertEqual(file.read(), "untouched")
        line[line.index(link)] = "/dev/full"
        full = subprocess.run(line, check=False, capture_output=True)
        self.assertEqual(full.returncode, 125)
        line[line.index("/dev/full")] = target
        self.assertEqual(subprocess.run(line, check=False).returncode, 0)
        with open(target, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["verdict"], "EXITED")

    def test_a_killed_supervisor_leaves_nobody(self):
        """At many moments, also during the set-up; the kernel ends the job."""
        seed = random.SystemRandom().randrange(2**32)
        moments = random.Random(seed)
        for _ in range(15):
            line = [harness.CORDON, "run", "-q", "--policy", "base/compute", "--env",
                    f"TOKEN={self.token}", "--", harness.ATTACK, "swarm"]
            with subprocess.Popen(line, stdin=subprocess.DEVNULL) as process:
                time.sleep(moments.uniform(0, 0.15))
                process.send_signal(signal.SIGKILL)
            deadline = time.monotonic() + 60
            while processes_with(self.token):
                self.assertLess(time.monotonic(), deadline, f"seed {seed}")
                time.sleep(0.005)
        # SIGKILL leaves groups without processes; the next run of the same user removes them.
        self.supervisors.clear()

    def test_a_stopped_supervisor_catches_up(self):
        line = [harness.CORDON, "run", "-q", "--policy", "base/compute", "--wall-time", "5s",
                "--cpu-time", "4s", "--env", f"TOKEN={self.token}", "--", harness.ATTACK,
                "sleeper"]
        with subprocess.Popen(line, stdin=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60
            while not processes_with(self.token):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.005)
            process.send_signal(signal.SIGSTOP)
            time.sleep(5.5)
            process.send_signal(signal.SIGCONT)
            self.assertEqual(process.wait(timeout=60), 124)

    def test_runs_at_the_same_time_do_not_mix(self):
        """Verdicts, outputs and groups of a dozen different jobs at once."""
        cases = [(["exit", "7"], 7), (["forge"], 9), (["heap", "400"], 137),
                 (["here", "ptrace_me"], 159), (["fork-bomb"], 3), (["flood", "1"], 153),
                 (["spinner"], 124), (["sleeper"], 124)]

        def one(index):
            words, status = cases[index % len(cases)]
            # Only where time is the cause: it runs away from the others on a slow machine.
            cpu = "300ms" if words[0] == "spinner" else "5s"
            wall = "3s" if words[0] == "sleeper" else "20s"
            report = os.path.join(self.folder, f"report{index}.json")
            done = subprocess.run(
                [harness.CORDON, "run", "-q", "--policy", "base/compute", "--memory", "32MiB",
                 "--cpu-time", cpu, "--wall-time", wall, "--output-limit", "64KiB", "--report",
                 report, "--", harness.ATTACK, *words], check=False, capture_output=True,
                stdin=subprocess.DEVNULL, timeout=120)
            with open(report, encoding="utf-8") as file:
                return words, status, done, json.load(file)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for words, status, done, report in pool.map(one, range(2 * len(cases))):
                if words[0] == "flood":
                    self.assertEqual(report["verdict"], "OUTPUT_LIMIT")
                    self.assertLessEqual(len(done.stdout), 65536)
                else:
                    self.assertEqual(done.returncode, status, (words, report["verdict"]))
                    self.assertLess(len(done.stdout), 4096)

    def test_many_runs_leave_nothing(self):
        before = self.counts()
        for index in range(20):
            self.attack(*(["exit", "0"], ["here", "bpf"], ["swarm"], ["many-files", "/tmp", "file"]
                          )[index % 4])
        after = self.counts()
        self.assertLessEqual(after["tmp"], before["tmp"])
        self.assertEqual(after["mounts"], before["mounts"])

    @staticmethod
    def counts():
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            mounts = len(file.readlines())
        return {"mounts": mounts,
                "tmp": len([name for name in os.listdir("/tmp") if name.startswith("cordon-")])}
