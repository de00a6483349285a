# SPDX-License-Identifier: Apache-2.0
"""Jobs of several sandboxes that talk, from outside: who decides, what a hostile one can do.

Run by ctest: talk_cli_test.py --cordon PROGRAM --payload PROGRAM [unittest options]. The grader is
always named "grader" and decides. What is left behind is read from the host.
"""

import json
import os
import signal
import subprocess
import sys
import unittest

import talk_case
from host_view import jobs_with, processes_with, wait_until
from talk_case import IS_ROOT, OWNER, PYTHON, TalkTest

HERE = os.path.dirname(os.path.abspath(__file__))


class Verdicts(TalkTest):
    def test_accepted(self):
        report, done = self.expect(self.pair(["talk_ask", "200"], ["cat"]), "EXITED", "grader",
                                   grader="EXITED 0", contestant="EXITED 0")
        self.assertEqual(done.returncode, 0)
        self.assertEqual([int(stream["bytes"]) for stream in report["stream"]], [200, 200])
        self.assertEqual(done.stderr, "")
        for each in report["sandbox"]:
            self.assertTrue(each["report"]["layers"])
            self.assertEqual(each["report"]["usage"]["output_bytes"], "200")
        # Of all together; every program has page faults.
        faults = [int(each["report"]["usage"]["minor_faults"]) for each in report["sandbox"]]
        self.assertTrue(all(faults))
        self.assertEqual(int(report["usage"]["minor_faults"]), sum(faults))
        self.assertEqual(report["usage"]["stdout_bytes"], "400")
        self.assertIn(report["timing_quality"], ("CLEAN", "TAINTED"))

    def test_the_exit_status_is_the_graders(self):
        _, done = self.expect(self.pair(["exit", "7"], ["talk_wait", "read"]), "EXITED", "grader",
                              grader="EXITED 7", contestant="EXITED 0")
        self.assertEqual(done.returncode, 7)

    def test_a_contestant_that_dies_first_is_at_fault(self):
        # The grader finds the end of its input and says 5.
        self.expect(self.pair(["talk_ask", "9"], ["abort"]), "SIGNALED", "contestant",
                    grader="EXITED 5", contestant="SIGNALED SIGABRT")

    def test_a_contestant_that_gives_up_is_a_no_of_the_grader(self):
        self.expect(self.pair(["talk_ask", "9"], ["exit", "0"]), "EXITED", "grader",
                    grader="EXITED 5", contestant="EXITED 0")

    def test_what_happens_after_a_no_is_not_the_contestants_fault(self):
        # The grader leaves without a word; the contestant writes on and dies of it.
        self.expect(self.pair(["talk_hear", "1"], ["talk_slow", "100000", "1"]), "EXITED", "grader",
                    grader="EXITED 1", contestant="SIGNALED SIGPIPE")

    def test_a_deadlock_is_seen_and_described(self):
        report, done = self.expect(self.pair(["talk_wait", "read"], ["talk_wait", "poll"]),
                                   "DEADLOCK", "contestant", grader="DEADLOCK",
                                   contestant="DEADLOCK")
        self.assertEqual(done.returncode, 128 + signal.SIGKILL)
        self.assertIn("cordon: DEADLOCK of contestant", done.stderr)
        waits = [e["observed"] for e in report["evidence"] if e["name"] == "talk.waits"]
        self.assertEqual(waits, ["grader waits in read for its stdin, from contestant.stdout",
                                 "contestant waits in poll for its stdin, from grader.stdout"])

    def test_after_much_talk_a_deadlock_is_one_still(self):
        # The grader asks for one answer more than the contestant has questions.
        self.expect(self.pair(["cat"], ["talk_wait", "read"]), "DEADLOCK", "contestant",
                    grader="DEADLOCK", contestant="DEADLOCK")

    def test_a_signal_cancels_all(self):
        line = self.start(self.pair(["talk_wait", "sleep"], ["talk_wait", "sleep"]))
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            self.assertTrue(wait_until(lambda: len(jobs_with(self.token)) == 2, 60))
            self.pids.append(run.pid)
            run.terminate()
            run.wait(timeout=60)
        report = self.report()
        self.assertEqual(report["verdict"], "CANCELLED")
        self.assertEqual(self.ends(report), {"grader": "CANCELLED", "contestant": "CANCELLED"})

    def test_the_death_of_the_supervisor_is_the_death_of_all(self):
        line = self.start(self.pair(["talk_wait", "sleep"], ["talk_wait", "sleep"]))
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            self.assertTrue(wait_until(lambda: len(jobs_with(self.token)) == 2, 60))
            self.pids.append(run.pid)
            run.kill()
        self.assertTrue(wait_until(lambda: not processes_with(self.token), 60))
        # Groups of a supervisor that was killed are swept by the next one.
        self.talk(self.pair(["exit", "0"], ["exit", "0"]))


class Attacks(TalkTest):
    def test_a_flood_into_a_reader(self):
        report, _ = self.expect(self.pair(["talk_wait", "read"], ["talk_flood", "0"]),
                                "OUTPUT_LIMIT", "contestant", grader="EXITED 0",
                                contestant="OUTPUT_LIMIT")
        self.assertEqual(int(report["stream"][1]["bytes"]), 2**20)

    def test_a_flood_into_one_that_does_not_read(self):
        # The pipes are full long before the limit: a wall limit, since the grader sleeps.
        slow = self.sandbox("grader", "talk_wait", "sleep", limits={"wall_time": "1s"})
        report, _ = self.talk(self.pair(slow, ["talk_flood", "0"]))
        self.assertEqual((report["verdict"], report["decided_by"]), ("WALL_LIMIT", "grader"))
        self.assertLess(int(report["stream"][1]["bytes"]), 2**20)

    def test_floods_from_both_sides(self):
        self.expect(self.pair(["talk_flood", "0"], ["talk_flood", "0"]), "DEADLOCK", "contestant",
                    grader="DEADLOCK", contestant="DEADLOCK")

    def test_one_that_stops_itself_is_no_deadlock(self):
        stopped = self.sandbox("contestant", "talk_wait", "stop", limits={"wall_time": "1s"})
        self.expect(self.pair(["talk_wait", "read"], stopped), "WALL_LIMIT", "contestant",
                    grader="EXITED 0", contestant="WALL_LIMIT")

    def test_one_that_sleeps_or_computes_is_no_deadlock(self):
        for how in ("sleep", "spin", "timer", "alarm_handled", "poll_timeout", "sleeping_child"):
            with self.subTest(how):
                slow = self.sandbox("contestant", "talk_wait", how, limits={"wall_time": "1s"})
                self.expect(self.pair(["talk_wait", "read"], slow), "WALL_LIMIT", "contestant",
                            grader="EXITED 0", contestant="WALL_LIMIT")

    def test_a_closed_stdin_breaks_the_writers_pipe(self):
        # The grader closes its ear, lives on, and then says no: not the contestant's fault.
        self.expect(self.pair(["talk_close", "0", "3000", "1"], ["talk_flood", "0"]), "EXITED",
                    "grader", grader="EXITED 1", contestant="SIGNALED SIGPIPE")

    def test_a_closed_stdout_is_the_end_of_the_readers_input(self):
        report, _ = self.expect(self.pair(["talk_wait", "read"], ["talk_close", "1", "3000", "0"]),
                                "EXITED", "grader", grader="EXITED 0", contestant="EXITED 0")
        after = {each["name"]: float(each["ended_after"][:-1]) for each in report["sandbox"]}
        self.assertLess(after["grader"], after["contestant"])

    def test_a_process_that_stays_behind_holds_no_end(self):
        self.expect(self.pair(["talk_wait", "read"], ["talk_hold"]), "EXITED", "grader",
                    grader="EXITED 0", contestant="EXITED 0")

    def test_no_end_of_anothers_pipe_is_open(self):
        # Each may open /dev/stdin to write to it, and reaches only its own supervisor with it.
        script = ("import os, sys\n"
                  "fds = sorted(int(n) for n in os.listdir('/proc/self/fd'))\n"
                  "pipes = {os.readlink(f'/proc/self/fd/{n}') for n in fds[:-1]}\n"
                  "os.write(2, repr(sorted(pipes)).encode())\n")
        self.write(PYTHON, "python.textproto")
        sides = [self.python(name, "./python.textproto", script, stderr=f"{name}.txt")
                 for name in ("grader", "contestant")]
        report, done = self.talk(self.pair(*sides))
        self.assertEqual(report["verdict"], "EXITED", done.stderr)
        found = []
        for side in sides:
            with open(self.path(side["stderr"]), encoding="utf-8") as file:
                found.append(set(eval(file.read())))  # pylint: disable=eval-used
        self.assertEqual([len(each) for each in found], [3, 3], found)
        self.assertFalse(found[0] & found[1])

    def test_descriptors_cannot_be_passed(self):
        """An abstract address of one sandbox is not there in the other one. Control: in one
        sandbox the same two programs meet."""
        listen = ("import socket, time\n"
                  "s = socket.socket(socket.AF_UNIX)\n"
                  f"s.bind('\\0{self.token}'); s.listen(); s.settimeout(TIME)\n"
                  "print('ready', flush=True)\n"
                  "try:\n    s.accept(); print('met', flush=True)\n"
                  "except TimeoutError:\n    pass\n")
        connect = ("import socket, sys\n"
                   "sys.stdin.readline()\n"
                   "s = socket.socket(socket.AF_UNIX)\n"
                   f"sys.exit(9 if s.connect_ex('\\0{self.token}') == 0 else 0)\n")
        self.write(PYTHON + 'seccomp { allow: "unix" rule { calls: "socket" action: ALLOW } }',
                   "unix.textproto")
        sides = [self.python("grader", "./unix.textproto", listen.replace("TIME", "2")),
                 self.python("contestant", "./unix.textproto", connect)]
        report, done = self.talk(self.pair(*sides))
        self.assertEqual(self.ends(report), {"grader": "EXITED 0", "contestant": "EXITED 0"},
                         done.stderr)
        both = ("import subprocess, sys\n"
                "a = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=-1)\n"
                "b = subprocess.run([sys.executable, '-c', sys.argv[2]], stdin=a.stdout)\n"
                "sys.exit(b.returncode)\n")
        alone = subprocess.run(
            [self.cordon, "run", "--policy", self.path("unix.textproto"), "--", "python3", "-c",
             both, listen.replace("TIME", "60"), connect], check=False,
            capture_output=True, timeout=600)
        self.assertEqual(alone.returncode, 9, alone.stderr)


class Specifications(TalkTest):
    def broken(self, text, *parts):
        done = subprocess.run([self.cordon, "talk", self.write(text, "bad.textproto")], check=False,
                              capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 125, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)

    def test_errors_have_their_place(self):
        self.broken('job { name: "j" verdict_of: "a"\n'
                    '  sandbox { name: "a" argv: "x" }\n'
                    '  sandbox { name: "b" argv: "x" }\n'
                    '  connect { from: "a.stdout" to: "c.stdin" }\n'
                    '  connect { from: "a.stdout" to: "b.stdin" } }',
                    "bad.textproto:4:", 'there is no sandbox "c"', "bad.textproto:5:",
                    "is connected already")

    def test_a_job_of_one_sandbox_is_not_for_talk(self):
        self.broken('job { name: "j" argv: "true" }', "this job has one sandbox only")

    def test_one_of_several_is_named(self):
        jobs = [self.pair(["exit", "1"], ["exit", "0"]), self.pair(["exit", "0"], ["exit", "0"])]
        jobs[1]["name"] = "second"
        self.assertEqual(self.talk(jobs, "--job", "second")[0]["verdict"], "EXITED")
        done = subprocess.run(self.start(jobs), check=False, capture_output=True, text=True,
                              timeout=600)
        self.assertEqual(done.returncode, 125)
        self.assertIn("there are 2 jobs", done.stderr)
        done = subprocess.run(self.start(jobs, "--job", "third"), check=False, capture_output=True,
                              text=True, timeout=600)
        self.assertIn('there is no job "third"', done.stderr)

    def test_nothing_runs_when_one_cannot_be_set_up(self):
        marks = self.path("marks")
        os.mkdir(marks)
        if IS_ROOT:
            os.chown(marks, OWNER, OWNER)
        bind = [{"source": "marks", "target": "/marks", "read_only": False}]
        grader = self.sandbox("grader", "canary", "/marks/ran", bind=bind)
        missing = self.sandbox("contestant", "exit", bind=[{"source": "no", "target": "/no"}])
        report, done = self.talk(self.pair(grader, missing))
        self.assertEqual(done.returncode, 125)
        self.assertEqual((report["verdict"], report["decided_by"]), ("SETUP_FAILED", "contestant"))
        self.assertEqual(self.ends(report)["grader"], "CANCELLED")
        self.assertEqual(os.listdir(marks), [])
        # Control: the grader would have left its mark.
        self.talk(self.pair(grader, ["exit"]))
        self.assertEqual(os.listdir(marks), ["ran"])

    def test_a_program_that_is_not_there_ends_the_other_one(self):
        lost = self.sandbox("contestant")
        lost["argv"] = ["/payload/lost", self.token]
        report, done = self.talk(self.pair(["talk_wait", "sleep"], lost))
        self.assertEqual(done.returncode, 127, done.stderr)
        self.assertEqual((report["verdict"], report["decided_by"]), ("SETUP_FAILED", "contestant"))
        self.assertEqual(self.ends(report)["grader"], "CANCELLED")

    def test_streams_that_are_not_connected(self):
        self.write("hello\n", "in.txt")
        job = {"name": "pipeline", "verdict_of": "last",
               "sandbox": [self.sandbox("first", "cat", stdin="in.txt"),
                           self.sandbox("last", "cat", stdout="out.txt")],
               "connect": [{"from": "first.stdout", "to": "last.stdin"}]}
        report, _ = self.talk(job)
        self.assertEqual(report["verdict"], "EXITED")
        with open(self.path("out.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "hello\n")
        del job["sandbox"][1]["stdout"]
        _, done = self.talk(job)
        self.assertEqual(done.stdout, "hello\n")

    def test_a_file_is_copied_into_the_one_sandbox_only(self):
        # The input first, so that the contestant does not leave before the grader has written.
        look = {"policy": "./payload.textproto",
                "argv": ["sh", "-c", f": {self.token}; cat > /dev/null; cat /work/answer"]}
        job = {"name": "files", "verdict_of": "grader",
               "sandbox": [{"name": "grader", "stderr": "grader.txt", **look,
                            "copy_in": [{"target": "/work/answer", "text": "789\n"}]},
                           {"name": "contestant", "stderr": "contestant.txt", **look,
                            "stdout": "out.txt"}],
               "connect": [{"from": "grader.stdout", "to": "contestant.stdin"}]}
        report, _ = self.talk(job)
        self.assertEqual(report["stream"][0]["bytes"], "4")
        self.assertEqual(os.path.getsize(self.path("out.txt")), 0)
        with open(self.path("contestant.txt"), encoding="utf-8") as file:
            self.assertIn("No such file", file.read())
        self.assertEqual(report["verdict"], "EXITED")


class Batch(TalkTest):
    def test_each_job_is_good_as_it_expects(self):
        jobs = [self.pair(["talk_ask", "50"], ["cat"], name="accepted"),
                self.pair(["exit", "1"], ["cat"], name="wrong", expect={"exit_code": 1}),
                self.pair(["talk_wait", "read"], ["talk_wait", "read"], name="deadlock",
                          expect={"verdict": "DEADLOCK"}),
                self.pair(["talk_wait", "read"], ["talk_flood", "0"], name="flood",
                          expect={"verdict": "OUTPUT_LIMIT"}),
                self.pair(["talk_wait", "read"], ["talk_wait", "read"], name="bad"),
                {"name": "plain", "policy": "./payload.textproto", "after": ["accepted"],
                 "argv": ["/payload/payload", "exit", "0"]}]
        path = self.write(json.dumps({"job": jobs}), "jobs.json")
        line = [self.cordon, "batch", path, "--jobs", "2", "--report", self.path("report.json"),
                "--journal", self.path("journal")]
        done = subprocess.run(line, check=False, capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 1, done.stderr)
        report = self.report()
        self.assertEqual({each["name"]: each["outcome"] for each in report["result"]},
                         {"accepted": "GOOD", "wrong": "GOOD", "deadlock": "GOOD", "flood": "GOOD",
                          "bad": "BAD", "plain": "GOOD"})
        self.assertIn("DEADLOCK, expected EXITED", report["result"][4]["why"])
        again = subprocess.run(line, check=False, capture_output=True, text=True, timeout=600)
        self.assertEqual(again.returncode, 1)
        self.assertIn("6 of them from the journal", again.stderr)

    def test_a_policy_of_a_sandbox_is_checked_before_anything_runs(self):
        wide = self.sandbox("contestant", "exit", limits={"memory": "1GiB"})
        jobs = [self.pair(["exit"], wide)]
        path = self.write(json.dumps({"job": jobs}), "jobs.json")
        done = subprocess.run([self.cordon, "batch", path], check=False, capture_output=True,
                              text=True, timeout=600)
        self.assertEqual(done.returncode, 125)
        self.assertIn("limits.memory", done.stderr)


class Demo(unittest.TestCase):
    def test_the_interactive_problem_gives_four_right_verdicts(self):
        demo = os.path.join(HERE, "..", "..", "tools", "demo", "demo.py")
        done = subprocess.run([sys.executable, demo, "--cordon", TalkTest.cordon, "--no-ci",
                               "--only", "interactive/"], check=False, capture_output=True,
                              text=True, timeout=900)
        if done.returncode == 3:
            self.skipTest("needs what the judge profiles require")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("4 of 4 as expected", done.stdout)


if __name__ == "__main__":
    talk_case.main("talk_cli")
