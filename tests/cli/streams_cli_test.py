# SPDX-License-Identifier: Apache-2.0
"""The caller's ends of a job's streams, from outside: nothing that is stuck there stops a limit,
and nothing that an earlier job left there leads anywhere.

Run by ctest: streams_cli_test.py --cordon PROGRAM --payload PROGRAM [unittest options].
"""

import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import tempfile
import termios
import time
import unittest

import command_line
from host_view import jobs_with, wait_until


CORDON = ""
PAYLOAD = ""
FACTS = {}
IS_ROOT = os.geteuid() == 0
NOBODY = 65534
# Of what takes a moment; an emulated machine needs many of them.
PATIENCE = 60

POLICY = """
mounts {{ bind {{ source: "{folder}" target: "/payload" }} proc {{}} dev {{}}
         tmpfs {{ target: "/work" size: "4MiB" executable: true }} }}
working_directory: "/work"
environment {{ name: "PATH" value: "/payload" }}
limits {{ wall_time: "{wall}" cpu_time: "50s" memory: "64MiB" processes: 8 output: "64MiB" }}
cgroup {{ enforcement: IF_AVAILABLE }} apparmor {{ enforcement: IF_AVAILABLE }}
landlock {{ enforcement: IF_AVAILABLE }} seccomp {{ enforcement: OFF }}
"""


class StreamsTest(unittest.TestCase):
    def setUp(self):
        if not FACTS["user_namespaces"]:
            self.skipTest("needs user namespaces")
        self.folder = tempfile.mkdtemp(prefix="cordon_streams_")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.token = f"token_{os.getpid()}_{self.id()}"

    def path(self, name):
        return os.path.join(self.folder, name)

    def line(self, job, *flags, wall="300ms", name="report"):
        policy = self.path(f"policy-{wall}")
        if not os.path.exists(policy):  # a run beside this one may be reading it
            with open(policy, "w", encoding="utf-8") as file:
                file.write(POLICY.format(folder=os.path.dirname(PAYLOAD), wall=wall))
        command = job if "/" in job[0] else ["/payload/payload", *job, self.token]
        return [CORDON, "run", "--policy", policy, "--report", self.path(name), *flags, "--",
                *command]

    def report(self, name="report"):
        with open(self.path(name), encoding="utf-8") as file:
            return json.load(file)

    def start(self, line, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen(line, **options)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait()))
        return process

    def terminal(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        return ours, theirs

    def expect_begun_and_dead(self, begun):
        """The jobs print until they wait; then their limit ends them, though nobody reads."""
        self.assertTrue(wait_until(begun, PATIENCE), "a job did not begin")
        self.assertTrue(wait_until(lambda: not jobs_with(self.token), PATIENCE),
                        "a job is alive after its wall limit")

    def expect_end(self, process, verdict, name="report"):
        """A signal ends the job or the waiting for a reader; what is said may need another."""
        deadline = time.monotonic() + PATIENCE
        while not os.path.exists(self.path(name)):
            self.assertLess(time.monotonic(), deadline, "signals are not heard")
            process.terminate()
            wait_until(lambda: os.path.exists(self.path(name)), 1)
        if process.poll() is None:
            process.terminate()
        process.wait(PATIENCE)
        self.assertEqual(self.report(name)["verdict"], verdict)


class Output(StreamsTest):
    def test_a_terminal_that_nobody_reads_stops_no_limit(self):
        for both in (False, True):
            with self.subTest(stderr=both):
                ours, theirs = self.terminal()
                process = self.start(self.line(["flood"]), stdout=theirs,
                                     stderr=theirs if both else subprocess.DEVNULL)
                self.expect_begun_and_dead(lambda end=ours: readable(end))
                self.assertEqual(fcntl.fcntl(theirs, fcntl.F_GETFL) & os.O_NONBLOCK, 0)
                self.expect_end(process, "WALL_LIMIT")
                os.remove(self.path("report"))

    def test_a_stopped_terminal_stops_no_signal(self):
        _, theirs = self.terminal()
        termios.tcflow(theirs, termios.TCOOFF)
        process = self.start(self.line(["flood"], wall="100s"), stdout=theirs)
        self.assertTrue(wait_until(lambda: jobs_with(self.token), PATIENCE))
        time.sleep(0.3)  # it prints meanwhile
        process.terminate()
        self.assertTrue(wait_until(lambda: not jobs_with(self.token), PATIENCE))
        self.expect_end(process, "CANCELLED")

    def test_a_pipe_of_two_supervisors_that_nobody_reads_stops_no_limit(self):
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        self.addCleanup(os.close, write_end)
        names = [f"report-{i}" for i in range(4)]
        processes = [self.start(self.line(["flood"], wall="10s", name=each), stdout=write_end)
                     for each in names]
        seen = set()

        def all_begun():
            seen.update(jobs_with(self.token))
            return len(seen) >= len(names)

        self.expect_begun_and_dead(all_begun)
        for process, name in zip(processes, names):
            self.expect_end(process, "WALL_LIMIT", name)


class Input(StreamsTest):
    def test_a_pipe_of_two_supervisors_stops_no_limit(self):
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        self.addCleanup(os.close, write_end)
        names = [f"report-{i}" for i in range(4)]
        processes = [self.start(self.line(["cat"], wall="5s", name=each), stdin=read_end,
                                stdout=subprocess.DEVNULL) for each in names]
        self.assertTrue(wait_until(lambda: jobs_with(self.token), PATIENCE))
        deadline = time.monotonic() + PATIENCE
        while any(each.poll() is None for each in processes):
            self.assertLess(time.monotonic(), deadline, "a supervisor waits for input for ever")
            os.write(write_end, b"x")  # one of them gets it
            time.sleep(0.002)
        for name in names:
            self.assertEqual(self.report(name)["verdict"], "WALL_LIMIT")

    def test_input_that_cannot_be_read_is_an_error(self):
        with open("/proc/self/mem", "rb") as memory:  # at 0 there is nothing
            done = subprocess.run(self.line(["cat"], wall="50s"), stdin=memory,
                                  capture_output=True, check=False)
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn(b"input of the job", done.stderr)
        self.assertEqual(self.report()["error"]["errno_name"], "EIO")

    def test_a_link_of_an_earlier_job_is_not_followed(self):
        with open(self.path("secret"), "w", encoding="utf-8") as file:
            file.write("secret of the caller\n")
        os.chmod(self.path("secret"), 0o600)
        os.symlink("secret", self.path("x"))
        if IS_ROOT:
            os.lchown(self.path("x"), NOBODY, NOBODY)
        done = subprocess.run(self.line(["cat"], "--stdin", self.path("x")), capture_output=True,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (125, b""))
        self.assertIn(b"only links of root are followed", done.stderr)
        jobs = self.path("jobs.jsonl")
        with open(jobs, "w", encoding="utf-8") as file:
            file.write(json.dumps({"name": "a", "policy": self.path("policy-300ms"), "stdin": "x",
                                   "stdout": "out", "argv": ["/payload/payload", "cat"]}))
        done = subprocess.run([CORDON, "batch", "--report", self.path("batch"), jobs],
                              capture_output=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        with open(self.path("batch"), encoding="utf-8") as file:
            self.assertIn("only links of root are followed", file.read())

    def test_a_fifo_without_a_writer_is_waited_for_within_the_limits(self):
        os.mkfifo(self.path("fifo"))
        done = subprocess.run(self.line(["cat"], "--stdin", self.path("fifo")),
                              capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 124, done.stderr)
        process = self.start(self.line(["cat"], "--stdin", self.path("fifo"), wall="100s"),
                             stdout=subprocess.PIPE)
        self.assertTrue(wait_until(lambda: jobs_with(self.token), PATIENCE))
        with open(self.path("fifo"), "wb") as writer:
            writer.write(b"late")
        self.assertEqual(process.communicate(timeout=PATIENCE)[0], b"late")
        self.assertEqual(process.returncode, 0)

    def test_a_descriptor_by_its_name(self):
        read_end, write_end = os.pipe()
        os.write(write_end, b"through the pipe")
        os.close(write_end)
        done = subprocess.run(
            self.line(["cat"], "--stdin", f"/dev/fd/{read_end}", wall="50s"), capture_output=True,
            pass_fds=[read_end], check=False)
        os.close(read_end)
        self.assertEqual((done.returncode, done.stdout), (0, b"through the pipe"), done.stderr)

    def test_a_terminal_whose_foreground_is_another_group_keeps_its_input(self):
        """What is typed for a shell is neither taken nor the end of the job's input."""
        ours, theirs = self.terminal()
        line = self.line(["cat"], wall="2s")
        pid = os.fork()
        if pid == 0:
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
            done = subprocess.run(line, stdin=theirs, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, check=False,
                                  preexec_fn=lambda: os.setpgid(0, 0))
            os._exit(done.returncode)
        self.assertTrue(wait_until(lambda: jobs_with(self.token), PATIENCE))
        os.write(ours, b"for the shell\n")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 124)
        self.assertEqual(self.report()["verdict"], "WALL_LIMIT")


class Program(StreamsTest):
    def test_a_link_of_an_earlier_job_is_not_run(self):
        shutil.copy(PAYLOAD, self.path("solution"))
        os.symlink("solution", self.path("prog"))
        good = subprocess.run(self.line([self.path("solution"), "exit", "7"], wall="50s"),
                              capture_output=True, check=False)
        self.assertEqual(good.returncode, 7, good.stderr)
        if IS_ROOT:
            os.lchown(self.path("prog"), NOBODY, NOBODY)
        done = subprocess.run(self.line([self.path("prog"), "exit", "7"], wall="50s"),
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn(b"only links of root are followed", done.stderr)


class Report(StreamsTest):
    def test_a_descriptor_that_is_closed_is_known_before_the_job_runs(self):
        done = subprocess.run(
            self.line(["cat"], "--report-fd", "3", "--stdout", self.path("out")),
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            preexec_fn=lambda: os.closerange(3, 64))
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"--report-fd", done.stderr)
        self.assertFalse(os.path.exists(self.path("out")), "the job was prepared")


def readable(fd):
    queued = fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0")
    return int.from_bytes(queued, "little") > 0


if __name__ == "__main__":
    ARGUMENTS = command_line.take("cordon", "payload")
    CORDON, PAYLOAD = ARGUMENTS.cordon, ARGUMENTS.payload
    FACTS = command_line.facts_of(CORDON)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    command_line.run("streams_cli")
