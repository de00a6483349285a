# SPDX-License-Identifier: Apache-2.0
"""What one sandbox of several has as a job of its own would: files that are taken from it, a
timeline, health checks, a grace when it is cancelled. From outside.

Run by ctest: talk_parts_test.py --cordon PROGRAM --payload PROGRAM [unittest options].
"""

import json
import os
import re
import signal
import subprocess

import talk_case
from host_view import jobs_with, wait_until
from talk_case import PYTHON, TalkTest


class PartsTest(TalkTest):
    def part(self, report, name):
        return next(each["report"] for each in report["sandbox"] if each["name"] == name)

    def text(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()


class Files(PartsTest):
    def test_what_each_leaves_is_taken_from_it(self):
        sides = []
        for name in ("grader", "contestant"):
            side = self.sandbox(name, "write_file", "/work/said", f"by {name}")
            side["copy_out"] = [{"path": "/work/said", "to": f"{name}.txt"}]
            sides.append(side)
        report, done = self.talk(self.pair(*sides))
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("grader", "contestant"):
            self.assertEqual(self.text(f"{name}.txt"), f"by {name}")
            (row,) = self.part(report, name)["collected"]
            self.assertEqual(row["to"], os.path.realpath(self.path(f"{name}.txt")))
        # The job's report has both.
        self.assertEqual([os.path.basename(row["to"]) for row in report["collected"]],
                         ["grader.txt", "contestant.txt"])

    def test_it_is_taken_whatever_became_of_it(self):
        script = "import os\nopen('/work/note', 'w').write('before the end')\nos.abort()\n"
        self.write(PYTHON, "python.textproto")
        contestant = self.python("contestant", "./python.textproto", script,
                                 copy_out=[{"path": "/work/note", "to": "note.txt"}])
        report, _ = self.talk(self.pair(["talk_ask", "9"], contestant))
        self.assertEqual((report["verdict"], report["decided_by"]), ("SIGNALED", "contestant"))
        self.assertEqual(self.text("note.txt"), "before the end")

    def test_it_is_taken_when_all_are_dead(self):
        """Of one that ended long before the other, too."""
        early = self.sandbox("contestant", "write_file", "/work/said", "early")
        early["copy_out"] = [{"path": "/work/said", "to": "early.txt"}]
        late = self.sandbox("grader", "sleep", "600")
        report, _ = self.talk(self.pair(late, early))
        self.assertEqual(self.ends(report), {"grader": "EXITED 0", "contestant": "EXITED 0"})
        self.assertEqual(self.text("early.txt"), "early")

    def test_what_is_missing_is_said_and_told_by_the_exit_status(self):
        silent = self.sandbox("contestant", "exit", "0")
        silent["copy_out"] = [{"path": "/work/said", "to": "said.txt"}]
        report, done = self.talk(self.pair(["exit", "0"], silent))
        self.assertEqual(report["verdict"], "EXITED")
        self.assertTrue(report["outputs_missing"])
        self.assertTrue(self.part(report, "contestant")["outputs_missing"])
        self.assertFalse(self.part(report, "grader").get("outputs_missing", False))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/work/said", done.stderr)
        self.assertFalse(os.path.exists(self.path("said.txt")))
        silent["copy_out"][0]["optional"] = True
        report, done = self.talk(self.pair(["exit", "0"], silent))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(report.get("outputs_missing", False))

    def test_a_link_leads_nowhere(self):
        """Control: the same name as a file is taken."""
        self.write(PYTHON, "python.textproto")
        for script, taken in (("import os\nos.symlink('/etc/passwd', '/work/x')\n", False),
                              ("open('/work/x', 'w').write('x')\n", True)):
            contestant = self.python("contestant", "./python.textproto", script,
                                     copy_out=[{"path": "/work/x", "to": "x.txt"}])
            self.talk(self.pair(["exit", "0"], contestant))
            self.assertEqual(os.path.exists(self.path("x.txt")), taken)

    def test_an_artifact_needs_a_batch(self):
        side = self.sandbox("contestant", "exit", "0")
        side["copy_out"] = [{"path": "/work/said", "artifact": "said"}]
        report, done = self.talk(self.pair(["exit", "0"], side))
        self.assertEqual(report["verdict"], "SETUP_FAILED")
        self.assertIn("needs a store", done.stderr)

    def batch(self, jobs, *flags):
        path = self.write(json.dumps({"job": jobs}), "jobs.json")
        return subprocess.run(
            [self.cordon, "batch", path, "--report", self.path("batch.json"), *flags],
            check=False, capture_output=True, text=True, timeout=600)

    def test_artifacts_go_from_a_talk_to_a_talk(self):
        maker = self.sandbox("contestant", "write_file", "/work/said", "made by a talk")
        maker["copy_out"] = [{"path": "/work/said", "artifact": "said"}]
        user = {"name": "grader", "policy": "./payload.textproto", "stderr": "seen.txt",
                "argv": ["sh", "-c", f": {self.token}; cat /work/in /bound >&2"],
                "copy_in": [{"target": "/work/in", "artifact": "make:said"}],
                "bind_artifact": [{"target": "/bound", "artifact": "make:said"}]}
        jobs = [self.pair(["exit", "0"], maker, name="make"),
                self.pair(user, ["exit", "0"], name="use", after=["make"])]
        done = self.batch(jobs, "--journal", self.path("journal"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.text("seen.txt"), "made by a talk" * 2)
        # Resumed, nothing runs again; without the object it does.
        done = self.batch(jobs, "--journal", self.path("journal"))
        self.assertIn("2 of them from the journal", done.stderr)
        store = self.path("journal.store")
        for name in os.listdir(store):
            if len(name) == 64:
                os.unlink(os.path.join(store, name))
        done = self.batch(jobs, "--journal", self.path("journal"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 of them from the journal", done.stderr)

    def test_a_batch_calls_it_bad_when_an_output_is_missing(self):
        silent = self.sandbox("contestant", "exit", "0")
        silent["copy_out"] = [{"path": "/work/said", "artifact": "said"}]
        done = self.batch([self.pair(["exit", "0"], silent)], "--store", self.path("store"))
        self.assertEqual(done.returncode, 1, done.stderr)
        with open(self.path("batch.json"), encoding="utf-8") as file:
            self.assertIn("copy_out /work/said", json.load(file)["result"][0]["why"])


class Life(PartsTest):
    def test_a_timeline_is_of_the_one_that_asked(self):
        asks = self.sandbox("contestant", "cat", timeline="10ms")
        report, _ = self.talk(self.pair(["talk_ask", "100"], asks))
        self.assertEqual(report["verdict"], "EXITED")
        timeline = self.part(report, "contestant")["timeline"]
        self.assertEqual(timeline["asked_interval"], "0.010s")
        if not timeline.get("unavailable_why"):
            self.assertGreaterEqual(len(timeline["sample"]), 2)
        self.assertNotIn("timeline", self.part(report, "grader"))

    def test_a_sick_one_ends_as_such(self):
        sick = self.sandbox("contestant", "talk_wait", "sleep", health_check={
            "argv": ["/payload/payload", "exit", "3", self.token], "interval": "10ms",
            "retries": 2})
        report, _ = self.expect(self.pair(["talk_wait", "read"], sick), "UNHEALTHY", "contestant",
                                grader="EXITED 0", contestant="UNHEALTHY")
        health = self.part(report, "contestant")["health"]
        self.assertEqual((health["failed"], health["last"]["end"]), (2, "exit 3"))
        self.assertNotIn("health", self.part(report, "grader"))

    def test_a_healthy_one_goes_on(self):
        # It ends when its check has passed, which leaves a file.
        self.write(PYTHON, "python.textproto")
        script = ("import os, time\n"
                  "while not os.path.exists('/work/passed'):\n    time.sleep(0.01)\n"
                  "time.sleep(0.1)\n")
        healthy = self.python("contestant", "./python.textproto", script, health_check={
            "argv": ["python3", "-c", "open('/work/passed', 'w')"], "interval": "10ms"})
        report, done = self.talk(self.pair(["talk_wait", "read"], healthy))
        self.assertEqual(report["verdict"], "EXITED", done.stderr)
        self.assertEqual(self.ends(report), {"grader": "EXITED 0", "contestant": "EXITED 0"})

    def test_a_check_makes_its_job_one_that_may_be_woken(self):
        # What a check might do is not known; a limit ends this. Without one it is a deadlock.
        waits = self.sandbox("contestant", "talk_wait", "read", limits={"wall_time": "2s"})
        checked = {**waits, "health_check": {"argv": ["/payload/payload", "exit", "0"],
                                             "interval": "1m"}}
        self.expect(self.pair(["talk_wait", "read"], checked), "WALL_LIMIT", "contestant",
                    grader="EXITED 0", contestant="WALL_LIMIT")
        self.expect(self.pair(["talk_wait", "read"], waits), "DEADLOCK", "contestant",
                    grader="DEADLOCK", contestant="DEADLOCK")

    def deaf(self, pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            mask = re.search(r"SigIgn:\s*(\w+)", file.read())[1]
        return int(mask, 16) >> (signal.SIGTERM - 1) & 1

    def test_one_has_its_grace_and_a_second_signal_ends_it(self):
        asked = self.sandbox("contestant", "ignore_signals", "1000000", cancel={"grace": "10m"})
        line = self.start(self.pair(["talk_wait", "sleep"], asked))
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            self.addCleanup(run.kill)
            self.pids.append(run.pid)
            self.assertTrue(wait_until(lambda: len(jobs_with(self.token)) == 2, 60))
            self.assertTrue(wait_until(
                lambda: any(self.deaf(pid) for pid in jobs_with(self.token)), 60))
            run.terminate()
            # The one without a grace is gone, the other one was asked and stays.
            self.assertTrue(wait_until(lambda: len(jobs_with(self.token)) == 1, 60))
            self.assertTrue(self.deaf(jobs_with(self.token)[0]))
            run.terminate()
            run.wait(timeout=120)
        report = self.report()
        self.assertEqual(self.ends(report), {"grader": "CANCELLED", "contestant": "CANCELLED"})
        names = [each["name"] for each in self.part(report, "contestant")["evidence"]]
        self.assertIn("cancel.SIGTERM", names)
        self.assertNotIn("cancel.SIGTERM",
                         [each["name"] for each in self.part(report, "grader")["evidence"]])


class Specifications(TalkTest):
    def test_errors_of_a_part_have_their_place(self):
        lines = ['job { name: "j" verdict_of: "a"',
                 '  sandbox { name: "a" argv: "x" copy_out { path: "said" to: "x" }',
                 '    timeline: "0" health_check { interval: "1s" } }',
                 '  sandbox { name: "b" argv: "x" copy_in { target: "/work/x" artifact: "m:n" } }',
                 '  connect { from: "a.stdout" to: "b.stdin" } }']
        done = subprocess.run(
            [self.cordon, "talk", self.write("\n".join(lines), "bad.textproto")], check=False,
            capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 125)
        for part in ("bad.textproto:2:44", "sandbox[0].copy_out[0].path", "bad.textproto:3:",
                     "sandbox[0].health_check.argv", "sandbox[0].timeline"):
            self.assertIn(part, done.stderr)


if __name__ == "__main__":
    talk_case.main("talk_parts")
