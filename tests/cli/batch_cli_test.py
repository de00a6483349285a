# SPDX-License-Identifier: Apache-2.0
"""`cordon batch` from outside: results, order, the journal, stopping, what is left behind.

Run by ctest: batch_cli_test.py --cordon PROGRAM [unittest options]. What ran is read from files
that the jobs add to (a bind), not from what the batch says.
"""

import json
import os
import random
import re
import resource
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import batch_case
from batch_case import SOAK, BatchTest
from host_view import wait_until


class Results(BatchTest):
    def test_each_job_is_compared_with_what_it_expects(self):
        self.write(self.job("good") + self.job("three", "exit 3", "expect { exit_code: 3 }")
                   + self.job("bad", "exit 4")
                   + self.job("loop", "while :; do :; done",
                              'limits { cpu_time: "200ms" } expect { verdict: CPU_LIMIT }')
                   + self.job("setup", more='bind { source: "missing" target: "/missing" }'))
        report, done = self.report("--junit", self.path("junit.xml"))
        self.assertEqual(done.returncode, 1, done.stderr)
        outcomes = {each["name"]: each["outcome"] for each in report["result"]}
        self.assertEqual(outcomes, {"good": "GOOD", "three": "GOOD", "bad": "BAD", "loop": "GOOD",
                                    "setup": "BAD"})
        self.assertEqual((report["jobs"], report["good"], report["bad"], report["skipped"],
                          report["not_run"]), (5, 3, 2, 0, 0))
        self.assertEqual(report["result"][2]["why"], "exit code 4, expected 0")
        self.assertEqual(report["result"][4]["report"]["verdict"], "SETUP_FAILED")
        self.assertEqual(self.ran(), ["good", "three", "bad", "loop"])
        suite = ElementTree.parse(self.path("junit.xml")).getroot()
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("5", "2"))
        self.assertEqual([case.get("name") for case in suite],
                         ["good", "three", "bad", "loop", "setup"])

    def test_the_page_holds_what_the_report_says(self):
        self.write(self.job("good") + self.job("bad", "exit 4")
                   + self.job("loop", "while :; do :; done", 'limits { cpu_time: "200ms" }'))
        report, _ = self.report("--html", self.path("page.html"))
        with open(self.path("page.html"), encoding="utf-8") as file:
            text = file.read()
        data = json.loads(re.search('<script type="application/json" id="data">(.*)</script>',
                                    text).group(1))
        self.assertEqual((data["title"], data["jobs"], data["good"], data["bad"]),
                         ("jobs.textproto", 3, 1, 2))
        self.assertEqual([row[0] for row in data["rows"]], ["good", "bad", "loop"])
        self.assertEqual(data["verdicts"][str(data["rows"][2][2])], "CPU_LIMIT")
        for result, detail in zip(report["result"], data["details"]):
            limits = {name: value for name, _, value in data["limits"][detail["limits"]]}
            self.assertEqual(limits["memory"], 512 << 20)
            self.assertEqual(limits["cpu_time"], 2e8 if result["name"] == "loop" else 1e10)
            usage = {data["usage"][at][0]: value for at, value in detail["usage"]}
            self.assertEqual(usage["memory_peak_bytes"],
                             int(result["report"]["usage"]["memory_peak_bytes"]))
            self.assertEqual([layer[0] for layer in data["layers"][detail["layers"]]],
                             [layer["layer"] for layer in result["report"]["layers"]])
            self.assertEqual(len(detail["steps"][1]), len(result["report"]["steps"]))

    def test_a_job_is_watched_as_its_entry_says(self):
        self.write(self.job("ill", "sleep 1000", 'timeline: "10ms" health_check { argv: "false" '
                            'interval: "10ms" retries: 2 } expect { verdict: UNHEALTHY }')
                   + self.job("well", "sleep 1", 'health_check { argv: "true" }'))
        report, done = self.report()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        ill, well = (each["report"] for each in report["result"])
        self.assertEqual(ill["health"]["failed_in_row"], 2)
        self.assertGreaterEqual(len(ill["timeline"]["sample"]), 2)
        self.assertTrue(well["health"]["ready"])
        self.assertNotIn("timeline", well)

    def test_a_violation_says_what_would_allow_it(self):
        self.write('extends: "base/compute" '
                   'seccomp { rule { calls: "mkdir" action: KILL } }', "own.textproto")
        jobs = self.job("a", "mkdir /marks/made").replace('"base/compute"', '"own.textproto"')
        self.write(jobs)
        report, done = self.report()
        violation = report["result"][0]["report"]["violation"]
        self.assertEqual((done.returncode, violation["call"]), (1, "mkdir"))
        self.assertFalse(os.path.exists(self.path("marks/made")))
        self.write(f'extends: "own.textproto"\n{violation["allow_with"]}', "more.textproto")
        self.write(jobs.replace("own.textproto", "more.textproto"))
        self.assertEqual(self.batch().returncode, 0)
        self.assertTrue(os.path.isdir(self.path("marks/made")))

    def test_all_good_is_zero_and_files_are_written(self):
        self.write('job { name: "cat" argv: "cat" policy: "base/compute" stdin: "in.txt" '
                   'stdout: "out.txt" }')
        self.write("hello\n", "in.txt")
        done = self.batch()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^ok   cat  EXITED 0  cpu \d")
        self.assertIn("1 of 1 jobs ok", done.stderr)
        with open(self.path("out.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "hello\n")

    def test_lines_of_json_in_and_out(self):
        self.write("".join(json.dumps({"name": f"n{i}", "argv": ["sh", "-c", f"exit {i}"],
                                       "policy": "base/compute"}) + "\n" for i in range(3)),
                   "jobs.jsonl")
        done = self.batch("--format", "json", "--quiet", jobs=self.path("jobs.jsonl"))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "")
        results = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(each["name"], each["outcome"]) for each in results],
                         [("n0", "GOOD"), ("n1", "BAD"), ("n2", "BAD")])

    def test_lines_of_json_from_standard_input(self):
        """Host paths are relative to the current directory then."""
        self.write("hello\n", "in.txt")
        job = {"name": "cat", "argv": ["cat"], "policy": "base/compute", "stdin": "in.txt",
               "stdout": "out.txt"}
        command = [self.cordon, "batch", "-", "--format", "json", "--quiet"]
        for lines, code in (((job, dict(job, name="two", stdout="two.txt")), 0), ((job, job), 125)):
            done = subprocess.run(command, input="".join(json.dumps(line) + "\n" for line in lines),
                                  check=False, capture_output=True, text=True, cwd=self.folder)
            self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn("standard input:2:", done.stderr)  # a name that is taken
        for name in ("out.txt", "two.txt"):
            with open(self.path(name), encoding="utf-8") as file:
                self.assertEqual(file.read(), "hello\n")

    def test_each_of_those_that_run_together_has_a_processor_of_its_own(self):
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("needs two processors")
        self.write("".join(self.job(f"j{i}", "nproc >> /marks/cpus")
                           for i in range(4)))
        counts = []
        for at_once in ("2", "1"):
            done = self.batch("--jobs", at_once)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with open(self.path("marks/cpus"), encoding="utf-8") as file:
                counts.append(file.read().split())
            os.unlink(self.path("marks/cpus"))
        self.assertEqual(counts[0], ["1"] * 4)
        # One at a time, a job may use what there is.
        self.assertEqual(counts[1], [str(len(os.sched_getaffinity(0)))] * 4)

    def test_what_comes_after_waits_and_goes_with_it(self):
        self.write(self.job("last", more='after: "middle"') + self.job("first", "sleep 0.2")
                   + self.job("middle", "exit 1", 'after: "first"') + self.job("free"))
        report, _ = self.report("--jobs", "4")
        outcomes = {each["name"]: each["outcome"] for each in report["result"]}
        self.assertEqual(outcomes, {"last": "SKIPPED", "first": "GOOD", "middle": "BAD",
                                    "free": "GOOD"})
        ran = self.ran()
        self.assertEqual(sorted(ran), ["first", "free", "middle"])
        self.assertLess(ran.index("first"), ran.index("middle"))

    def test_shards_share_the_jobs(self):
        self.write("".join(self.job(f"j{i}") for i in range(7)))
        for index in ("1/3", "2/3", "3/3"):
            self.assertEqual(self.batch("--shard", index).returncode, 0)
        self.assertEqual(sorted(self.ran()), [f"j{i}" for i in range(7)])
        self.assertEqual(self.batch("--shard", "4/3").returncode, 125)

    def test_some_at_a_time(self):
        self.write("".join(self.job(f"j{i}", "sleep 1") for i in range(4)))
        began = time.monotonic()
        self.assertEqual(self.batch("--jobs", "4").returncode, 0)
        together = time.monotonic() - began
        began = time.monotonic()
        self.assertEqual(self.batch("--jobs", "1").returncode, 0)
        self.assertLess(together, time.monotonic() - began - 1)

    def test_jobs_that_need_more_memory_than_there_is_do_not_run_together(self):
        host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        for share, together in ((0.1, True), (0.5, False)):
            mebibytes = int(host * share / 2**20)
            self.write(f'extends: "base/compute" limits {{ memory: "{mebibytes}MiB" }}',
                       "own.textproto")
            jobs = "".join(self.job(name, f"sleep 1; echo {name}-end >> /marks/ran")
                           for name in ("a", "b"))
            self.write(jobs.replace('"base/compute"', '"own.textproto"'))
            done = self.batch("--jobs", "2")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            ran = self.ran()
            self.assertEqual(ran.index("b") < ran.index("a-end"), together, ran)
            os.unlink(self.path("marks/ran"))


class BadInput(BatchTest):
    def test_every_error_of_the_list_before_anything_runs(self):
        self.write(self.job("a") + 'job { name: "b" }\njob { name: "c d" argv: "x" }')
        done = self.batch()
        self.assertEqual(done.returncode, 125)
        self.assertIn("jobs.textproto:2:1", done.stderr)
        self.assertIn("jobs.textproto:3:", done.stderr)
        self.assertEqual(self.ran(), [])

    def test_an_unknown_policy_stops_before_anything_runs(self):
        self.write(self.job("a") + 'job { name: "b" argv: "x" policy: "judge/cobol" }')
        done = self.batch()
        self.assertEqual(done.returncode, 125)
        self.assertIn("judge/cobol", done.stderr)
        self.assertEqual(self.ran(), [])

    def test_a_job_that_raises_a_limit_stops_before_anything_runs(self):
        self.write(self.job("a") + self.job("b", more='limits { memory: "100GiB" }'))
        done = self.batch()
        self.assertEqual(done.returncode, 125)
        self.assertRegex(done.stderr, r"limits.memory \(.*jobs.textproto:2:1\)")
        self.assertEqual(self.ran(), [])

    def test_a_report_that_cannot_be_written_stops_before_anything_runs(self):
        self.write(self.job("a"))
        for flag in ("--report", "--junit", "--html"):
            done = self.batch(flag, self.path("missing/file"))
            self.assertEqual(done.returncode, 125)
            self.assertIn("ENOENT", done.stderr)
        self.assertEqual(self.ran(), [])

    def test_a_dry_run_runs_nothing(self):
        self.write(self.job("a"))
        done = self.batch("--dry-run")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertIn("1 jobs", done.stderr)
        self.assertEqual(self.ran(), [])

    def test_a_list_that_is_not_there(self):
        done = self.batch(jobs=self.path("none.textproto"))
        self.assertEqual(done.returncode, 125)
        self.assertIn("ENOENT", done.stderr)


class Journal(BatchTest):
    def setUp(self):
        super().setUp()
        self.journal = self.path("journal")

    def test_a_finished_batch_is_not_run_again(self):
        self.write(self.job("a") + self.job("b", "exit 1"))
        first, _ = self.report("--journal", self.journal)
        second, done = self.report("--journal", self.journal)
        self.assertEqual(self.ran(), ["a", "b"])
        self.assertEqual(first, second)
        self.assertEqual(done.returncode, 1)

    def test_a_journal_cut_in_the_middle_of_a_line_goes_on_there(self):
        self.write(self.job("a") + self.job("b"))
        self.batch("--journal", self.journal)
        os.truncate(self.journal, os.path.getsize(self.journal) - 7)
        report, _ = self.report("--journal", self.journal)
        self.assertEqual(self.ran(), ["a", "b", "b"])
        self.assertEqual(report["good"], 2)
        self.assertEqual(self.batch("--journal", self.journal).returncode, 0)
        self.assertEqual(self.ran(), ["a", "b", "b"])

    def test_a_journal_of_other_jobs_or_nonsense_is_refused_and_kept(self):
        self.write(self.job("a"))
        self.batch("--journal", self.journal)
        with open(self.journal, encoding="utf-8") as file:
            before = file.read()
        self.write(self.job("a", "exit 0"))
        done = self.batch("--journal", self.journal)
        self.assertEqual(done.returncode, 125)
        self.assertIn("journal:1: ", done.stderr)
        self.assertIn("other jobs", done.stderr)
        with open(self.journal, encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        self.write("something else\n", "notes")
        done = self.batch("--journal", self.path("notes"))
        self.assertEqual(done.returncode, 125)
        self.assertIn("not a journal", done.stderr)
        with open(self.path("notes"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "something else\n")
        self.assertEqual(self.ran(), ["a"])

    def test_two_batches_on_one_journal(self):
        self.write(self.job("a", "sleep 3"))
        with subprocess.Popen([self.cordon, "batch", self.path("jobs.textproto"), "--journal",
                               self.journal], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as first:
            self.assertTrue(wait_until(self.ran, 60))
            done = self.batch("--journal", self.journal)
            self.assertEqual(first.wait(), 0)
        self.assertEqual(done.returncode, 125)
        self.assertIn("another batch", done.stderr)
        self.assertEqual(self.ran(), ["a"])

    def test_a_journal_that_cannot_grow_stops_the_batch_and_loses_nothing(self):
        self.write(self.job("a") + self.job("b"))
        done = subprocess.run(
            [self.cordon, "batch", self.path("jobs.textproto"), "--journal", self.journal],
            check=False, capture_output=True, text=True,
            restore_signals=False,  # SIGXFSZ stays ignored
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)))
        self.assertEqual(done.returncode, 125)
        self.assertIn("EFBIG", done.stderr)
        self.assertEqual(self.finished(), set())
        self.assertEqual(self.batch("--journal", self.journal).returncode, 0)
        self.assertEqual(self.finished(), {"a", "b"})

    def test_a_device_is_no_journal(self):
        self.write(self.job("a"))
        done = self.batch("--journal", "/dev/full")
        self.assertEqual(done.returncode, 125)
        self.assertIn("not a regular file", done.stderr)
        self.assertEqual(self.ran(), [])

    def test_killed_at_random_moments_it_gives_the_same_result(self):
        count = 8
        self.write("".join(self.job(f"j{i}", f"exit {i % 2}", 'after: "j0"' if i == 5 else "")
                           for i in range(count)) + self.job("skipped", more='after: "j1"'))
        plain, _ = self.report("--jobs", "2")
        os.unlink(self.path("marks/ran"))
        for _ in range(max(3, int(20 * SOAK))):
            with subprocess.Popen([self.cordon, "batch", self.path("jobs.textproto"), "--jobs", "2",
                                   "--journal", self.journal], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as run:
                time.sleep(random.uniform(0, 0.15))
                run.kill()
        finished = self.finished()
        before = self.ran()
        resumed, _ = self.report("--jobs", "2", "--journal", self.journal)
        # Groups of what was killed are swept by the next job, and there may have been none.
        subprocess.run([self.cordon, "run", "--policy", "base/compute", "--", "true"], check=True)
        again = self.ran()[len(before):]
        self.assertFalse(set(again) & finished, "a finished job has run again")
        for each in (plain, resumed):
            for result in each["result"]:
                result.pop("report", None)
        self.assertEqual(plain, resumed)

    def finished(self):
        if not os.path.exists(self.journal):
            return set()
        with open(self.journal, encoding="utf-8") as file:
            lines = [line for line in file.read().split("\n")[:-1]]
        return {json.loads(line).get("name") for line in lines[1:]}


class Stopping(BatchTest):
    def stop(self, *signals):
        self.write(self.job("first") + self.job("long", "sleep 60") + self.job("never"))
        with subprocess.Popen([self.cordon, "batch", self.path("jobs.textproto"), "--journal",
                               self.path("journal"), "--report", self.path("report.json")],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            self.assertTrue(wait_until(lambda: "long" in self.ran(), 60))
            for each in signals:
                run.send_signal(each)
                time.sleep(0.1)
            _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, err)
        with open(self.path("report.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_a_signal_cancels_what_runs_and_starts_nothing_more(self):
        for each in (signal.SIGTERM, signal.SIGINT):
            report = self.stop(each)
            outcomes = [result["outcome"] for result in report["result"]]
            self.assertEqual(outcomes[0], "GOOD")
            self.assertEqual(outcomes[1], "CANCELLED")
            self.assertEqual(report["not_run"], 2)
            self.assertNotIn("never", self.ran())
            os.unlink(self.path("journal"))
            os.unlink(self.path("marks/ran"))

    def test_a_stopped_batch_goes_on_with_the_job_that_was_cancelled(self):
        self.stop(signal.SIGTERM)
        os.truncate(self.path("marks/ran"), 0)
        with subprocess.Popen([self.cordon, "batch", self.path("jobs.textproto"), "--journal",
                               self.path("journal")], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as run:
            self.assertTrue(wait_until(self.ran, 60))
            run.terminate()
        self.assertEqual(self.ran(), ["long"])


if __name__ == "__main__":
    batch_case.main("batch_cli")
