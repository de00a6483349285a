# SPDX-License-Identifier: Apache-2.0
"""`cordon batch -` as a judge uses it: jobs come line by line through a pipe that stays open, and
each result is wanted as soon as its job has ended.

Run by ctest: batch_stream_test.py --cordon PROGRAM [unittest options].
"""

import json
import os
import pty
import random
import select
import signal
import subprocess
import time

import batch_case
from batch_case import SOAK
from batch_stream_case import PATIENCE, StreamTest
from host_view import wait_until


class Answers(StreamTest):
    def test_each_result_comes_while_the_pipe_stays_open(self):
        judge = self.start()
        for i in range(3):
            judge.send(self.entry(f"n{i}", f"exit {i}"))
            result = judge.result()
            self.assertEqual((result["name"], result["outcome"], result["report"]["verdict"],
                              result["report"].get("exit_code", 0)),
                             (f"n{i}", "GOOD" if i == 0 else "BAD", "EXITED", i))
        self.assertEqual(judge.end(), ({}, 1))
        self.assertIn(b"1 of 3 jobs ok, 2 bad", judge.errors)

    def test_lines_for_people_come_the_same_way(self):
        judge = self.start(form="text")
        for name in ("a", "b"):
            judge.send(self.entry(name))
            self.assertRegex(judge.line(), f"^ok   {name}  EXITED 0 ")
        judge.run.stdin.close()
        self.assertEqual(judge.wait(), 0, judge.errors)

    def test_half_a_line_holds_up_nothing(self):
        judge = self.start()
        line = self.entry("b")
        judge.send(self.entry("a") + line[:20])
        self.assertEqual(judge.result()["name"], "a")
        judge.send(line[20:] + self.entry("c") + "\n \n" + line[:5])
        self.assertEqual([judge.result()["name"], judge.result()["name"]], ["b", "c"])
        judge.run.send_signal(signal.SIGTERM)
        self.assertEqual(judge.wait(), 130)

    def test_a_job_that_goes_on_holds_up_no_other(self):
        judge = self.start("--jobs", "2")
        judge.send(self.held("long") + self.entry("short"))
        self.assertEqual(judge.result()["name"], "short")
        judge.send(self.entry("next"))
        self.assertEqual(judge.result()["name"], "next")
        self.release()
        self.assertEqual(judge.result()["name"], "long")
        self.assertEqual(judge.end(), ({}, 0))

    def test_a_matrix_is_one_line(self):
        judge = self.start()
        judge.send(self.entry("m/${n}", "exit ${n}",
                              matrix=[{"name": "n", "value": ["0", "1", "2"]}]))
        results = [judge.result() for _ in range(3)]
        self.assertEqual([(each["name"], each["outcome"]) for each in results],
                         [("m/0", "GOOD"), ("m/1", "BAD"), ("m/2", "BAD")])
        self.assertEqual(judge.end(), ({}, 1))

    def test_what_comes_after_a_job_may_be_sent_when_that_is_long_over(self):
        judge = self.start()
        judge.send(self.entry("good") + self.entry("bad", "exit 1"))
        self.assertEqual([judge.result()["outcome"] for _ in range(2)], ["GOOD", "BAD"])
        judge.send(self.entry("x", after=["good"]))
        self.assertEqual(judge.result()["outcome"], "GOOD")
        judge.send(self.entry("y", after=["good", "bad"]) + self.entry("z", after=["y"]))
        for name, why in (("y", "comes after bad"), ("z", "comes after y")):
            result = judge.result()
            self.assertEqual((result["name"], result["outcome"], result["why"]),
                             (name, "SKIPPED", why))
        self.assertEqual(judge.end(), ({}, 1))
        self.assertEqual(self.ran(), ["good", "bad", "x"])

    def test_the_last_line_needs_no_newline(self):
        judge = self.start()
        judge.send(self.entry("a") + self.entry("b").rstrip("\n"))
        results, code = judge.end()
        self.assertEqual((sorted(results), code), (["a", "b"], 0))

    def test_files_at_the_end_are_those_of_a_list(self):
        flags = ("--report", self.path("report.json"), "--junit", self.path("junit.xml"), "--html",
                 self.path("page.html"))
        judge = self.start(*flags)
        lines = self.entry("a") + self.entry("b", "exit 1") + self.entry("c", after=["b"])
        judge.send(lines)
        self.assertEqual(judge.end()[1], 1)

        def outcomes():
            with open(self.path("report.json"), encoding="utf-8") as file:
                report = json.load(file)
            for each in report["result"]:
                each.pop("report", None)
            return report
        streamed = outcomes()
        with open(self.path("junit.xml"), encoding="utf-8") as file:
            self.assertIn('tests="3"', file.read())
        with open(self.path("page.html"), encoding="utf-8") as file:
            self.assertIn("comes after b", file.read())
        self.write(lines, "jobs.jsonl")
        self.batch(*flags, jobs=self.path("jobs.jsonl"))
        self.assertEqual(streamed, outcomes())

    def test_artifacts_reach_jobs_that_are_sent_later(self):
        judge = self.start("--store", self.path("store"))
        judge.send(json.dumps({
            "name": "make", "policy": "compile/c", "argv": ["sh", "-c", "echo made > /work/out"],
            "copy_out": [{"path": "/work/out", "artifact": "out"}]}) + "\n")
        made = judge.result()
        self.assertEqual(made["outcome"], "GOOD", made)
        judge.send(self.entry("use", "cat /input >> /marks/got", after=["make"],
                              bind_artifact=[{"artifact": "make:out", "target": "/input"}]))
        used = judge.result()
        self.assertEqual(used["outcome"], "GOOD", used)
        self.assertEqual(judge.end(), ({}, 0))
        with open(self.path("marks/got"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "made\n")

    def test_the_bar_says_that_the_number_is_not_known_yet(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        judge = self.start(stderr=theirs)
        os.close(theirs)
        judge.send(self.entry("a") + self.held("b"))
        self.assertEqual(judge.result()["name"], "a")
        self.await_run("b")
        self.release()
        self.assertEqual(judge.result()["name"], "b")
        self.assertEqual(judge.end(), ({}, 0))
        shown = b""
        try:
            while select.select([ours], [], [], 10)[0]:
                shown += os.read(ours, 65536)
        except OSError:
            pass  # the other side is closed
        self.assertIn(b" so far] ", shown)
        self.assertIn(b"2 of 2 jobs ok", shown)


class BadLines(StreamTest):
    def test_jobs_before_a_bad_line_are_run_to_their_end_and_none_behind_it(self):
        judge = self.start("--journal", self.journal, "--report", self.path("report.json"))
        judge.send(self.held("a") + self.entry("b"))
        self.await_run("a")
        judge.send('{"name": "c", "argv": ["true"], "polizy": "x"}\n' + self.entry("d"))
        self.assertTrue(wait_until(lambda: b"no more jobs are read" in judge.errors, PATIENCE))
        self.assertIn(b"standard input:3:33", judge.errors)
        # Who goes on writing gets to know.
        with self.assertRaises(BrokenPipeError):
            for _ in range(1000):
                judge.send(self.entry("e"))
        self.release()
        self.assertEqual([judge.result()["name"] for _ in range(2)], ["a", "b"])
        self.assertEqual((judge.result(), judge.wait()), (None, 125))
        self.assertEqual(self.ran(), ["a", "b"])
        self.assertEqual(self.in_journal(), ["a", "b"])
        with open(self.path("report.json"), encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual((report["jobs"], report["good"], report["not_run"]), (2, 2, 0))
        # The mended stream goes on there.
        judge = self.start("--journal", self.journal)
        judge.send(self.held("a") + self.entry("b") + self.entry("c"))
        results, code = judge.end()
        self.assertEqual((sorted(results), code), (["a", "b", "c"], 0))
        self.assertEqual(self.ran(), ["a", "b", "c"])

    def test_every_kind_of_bad_line_names_line_and_field(self):
        for line, said in (
                ("nonsense\n", "standard input:2:1"),
                (self.entry("b", after=["later"]) + self.entry("later"),
                 'after (standard input:2:1): there is no job "later" before this one'),
                (self.entry("a"), 'name (standard input:2:1): "a" is the name of the job at '
                 'standard input:1:1'),
                (self.entry("b", policy="judge/cobol"), "judge/cobol"),
                (self.entry("b", limits={"memory": "100GiB"}),
                 "limits.memory (standard input:2:1)"),
                (self.entry("b", bind_artifact=[{"artifact": "a:x", "target": "/x"}],
                            after=["a"]), 'bind_artifact[0].artifact (standard input:2:1)'),
                (self.entry("b", copy_out=[{"path": "/work/x", "artifact": "x"}]),
                 "there is no store"),
                ("x" * (2 << 20) + "\n", "standard input:2:1")):
            with self.subTest(said):
                judge = self.start()
                judge.send(self.entry("a"))
                self.assertEqual(judge.result()["name"], "a")
                try:
                    judge.send(line)
                except BrokenPipeError:
                    pass  # it need not read all of it
                self.assertEqual(judge.wait(), 125)
                self.assertIn(said, judge.errors.decode())
                self.assertIsNone(judge.result())

    def test_no_job_at_all_is_an_error(self):
        judge = self.start()
        judge.send("\n \n")
        self.assertEqual(judge.end(), ({}, 125))
        self.assertIn(b"there is no job", judge.errors)

    def test_a_file_on_standard_input_is_checked_before_anything_runs(self):
        self.write(self.entry("a") + "nonsense\n", "jobs.jsonl")
        with open(self.path("jobs.jsonl"), encoding="utf-8") as file:
            done = subprocess.run([self.cordon, "batch", "-"], stdin=file, cwd=self.folder,
                                  check=False, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (125, ""))
        self.assertIn("standard input:2:1", done.stderr)
        self.assertEqual(self.ran(), [])

    def test_a_dry_run_reads_to_the_end_and_runs_nothing(self):
        lines = self.entry("a") + self.entry("b", after=["a"])
        for more, code, said in (("", 0, b"2 jobs, no error"),
                                 (self.entry("c", after=["d"]) + self.entry("d"), 125,
                                  b"standard input:3:1")):
            judge = self.start("--dry-run")
            judge.send(lines + more)
            self.assertEqual(judge.end(), ({}, code))
            self.assertIn(said, judge.errors)
        self.assertEqual(self.ran(), [])

    def test_results_that_cannot_be_written_are_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([self.cordon, "batch", "-", "--journal", self.journal],
                                  input=self.entry("a") + self.entry("b"), stdout=full, text=True,
                                  cwd=self.folder, check=False, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn("standard output", done.stderr)
        self.assertEqual(self.in_journal(), ["a", "b"])


class Resuming(StreamTest):
    def test_after_a_kill_the_same_stream_runs_no_finished_job_again_and_answers_all(self):
        lines = [self.entry("a"), self.entry("b", "exit 1"), self.held("c"),
                 self.entry("d", after=["b"]), self.entry("e", after=["a"])]
        judge = self.start("--journal", self.journal)
        judge.send("".join(lines))
        first = [judge.result(), judge.result(), judge.result()]
        self.assertEqual([each["name"] for each in first], ["a", "b", "d"])
        self.await_run("c")
        judge.run.kill()
        judge.run.wait()
        self.release()
        self.assertEqual(self.in_journal(), ["a", "b"])
        judge = self.start("--journal", self.journal)
        again = []
        for line in lines:  # as a judge sends them: answer by answer
            judge.send(line)
            again.append(judge.result())
        self.assertEqual([again[0], again[1], again[3]], first)
        self.assertEqual([(each["name"], each["outcome"]) for each in again],
                         [("a", "GOOD"), ("b", "BAD"), ("c", "GOOD"), ("d", "SKIPPED"),
                          ("e", "GOOD")])
        self.assertEqual(judge.end(), ({}, 1))
        self.assertIn(b"2 of them from the journal", judge.errors)
        self.assertEqual(self.ran(), ["a", "b", "c", "c", "e"])

    def test_killed_at_random_moments_it_gives_the_same_result(self):
        lines = "".join(self.entry(f"j{i}", f"exit {i % 2}", after=["j0"] if i == 5 else [])
                        for i in range(8)) + self.entry("skipped", after=["j1"])

        def outcomes(*flags):
            judge = self.start("--jobs", "2", *flags)
            judge.send(lines)
            results, code = judge.end()
            self.assertEqual(code, 1, judge.errors)
            return {name: (each["outcome"], each.get("why")) for name, each in results.items()}
        plain = outcomes()
        os.unlink(self.path("marks/ran"))
        for _ in range(max(3, int(20 * SOAK))):
            judge = self.start("--jobs", "2", "--journal", self.journal)
            judge.send(lines)
            time.sleep(random.uniform(0, 0.3))
            judge.run.kill()
            judge.wait()
        before = self.ran()
        finished = set(self.in_journal_after_a_kill())
        self.assertEqual(outcomes("--journal", self.journal), plain)
        # Groups of what was killed are swept by the next job, and there may have been none.
        subprocess.run([self.cordon, "run", "--policy", "base/compute", "--", "true"], check=True)
        again = self.ran()[len(before):]
        self.assertFalse(set(again) & finished, "a finished job has run again")

    def test_another_job_of_the_same_name_is_refused(self):
        judge = self.start("--journal", self.journal)
        judge.send(self.entry("a"))
        self.assertEqual(judge.end()[1], 0)
        judge = self.start("--journal", self.journal)
        judge.send(self.entry("x") + self.entry("a", "exit 3"))
        results, code = judge.end()
        self.assertEqual((sorted(results), code), (["x"], 125))
        self.assertIn(b"name (standard input:2:1): the journal has a result of another job",
                      judge.errors)
        self.assertEqual(self.ran(), ["a", "x"])

    def test_a_journal_is_of_a_list_or_of_a_stream(self):
        judge = self.start("--journal", self.journal)
        judge.send(self.entry("a"))
        self.assertEqual(judge.end()[1], 0)
        self.write(self.entry("a"), "jobs.jsonl")
        done = self.batch("--journal", self.journal, jobs=self.path("jobs.jsonl"))
        self.assertEqual(done.returncode, 125)
        self.assertIn("came as a stream", done.stderr)
        other = self.path("other")
        self.assertEqual(self.batch("--journal", other,
                                    jobs=self.path("jobs.jsonl")).returncode, 0)
        judge = self.start("--journal", other)
        self.assertEqual(judge.end(), ({}, 125))
        self.assertIn(b"not about a stream", judge.errors)
        self.assertEqual(self.ran(), ["a", "a"])

    def test_cordon_report_reads_the_journal_of_a_stream(self):
        judge = self.start("--journal", self.journal)
        judge.send(self.entry("a") + self.entry("b", "exit 1"))
        self.assertEqual(judge.end()[1], 1)
        subprocess.run([self.cordon, "report", self.journal, "--report", self.path("all.json")],
                       check=True)
        with open(self.path("all.json"), encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual((report["jobs"], report["good"], report["bad"]), (2, 1, 1))


class Ends(StreamTest):
    def test_a_signal_ends_a_batch_that_waits_for_lines(self):
        for each in (signal.SIGTERM, signal.SIGINT):
            judge = self.start()
            judge.send(self.entry(f"a{each}"))
            self.assertEqual(judge.result()["outcome"], "GOOD")
            judge.run.send_signal(each)
            self.assertEqual(judge.wait(), 130)

    def test_a_signal_cancels_what_runs_and_reads_nothing_more(self):
        judge = self.start("--journal", self.journal)
        judge.send(self.entry("a") + self.held("b") + self.entry("c"))
        self.assertEqual(judge.result()["name"], "a")
        self.await_run("b")
        judge.run.send_signal(signal.SIGTERM)
        self.assertEqual(judge.result()["outcome"], "CANCELLED")
        self.assertEqual((judge.result(), judge.wait()), (None, 130))
        self.assertEqual(self.in_journal(), ["a"])
        self.assertEqual(self.ran(), ["a", "b"])

    def test_shards_of_one_stream_share_the_jobs(self):
        lines = "".join(self.entry(f"c{i}") + self.entry(f"r{i}", after=[f"c{i}"])
                        for i in range(5))
        seen = []
        for index in ("1/2", "2/2"):
            judge = self.start("--shard", index)
            judge.send(lines)
            results, code = judge.end()
            self.assertEqual(code, 0, judge.errors)
            for i in range(5):
                self.assertEqual(f"c{i}" in results, f"r{i}" in results)
            self.assertGreaterEqual(len(results), 4)
            seen += results
        self.assertEqual(sorted(seen), sorted(f"{kind}{i}" for kind in "cr" for i in range(5)))
        self.assertEqual(sorted(self.ran()), sorted(seen))


class Bounds(StreamTest):
    def test_what_cannot_be_started_stays_in_the_pipe(self):
        judge = self.start()
        judge.send(self.held("first"))
        self.await_run("first")
        os.set_blocking(judge.run.stdin.fileno(), False)
        lines, sent = 20_000, 0
        rest = b""
        while sent < lines and select.select([], [judge.run.stdin], [], 3)[1]:
            rest = rest or self.entry(f"n{sent}").encode()
            try:
                rest = rest[os.write(judge.run.stdin.fileno(), rest):]
            except BlockingIOError:
                continue
            sent += not rest
        self.assertLess(sent, lines)
        judge.run.send_signal(signal.SIGTERM)
        self.assertEqual(judge.result()["outcome"], "CANCELLED")
        self.assertEqual(judge.wait(), 130)

    def test_little_is_kept_of_a_job_that_is_over(self):
        """Those that come after a bad one are skipped, which is quick."""
        with open(self.cordon, "rb") as file:
            if b"__sanitizer_" in file.read():
                self.skipTest("a sanitizer keeps memory of its own")
        skipped, runs = 5_000, int(40 * SOAK)
        judge = self.start()
        judge.send(self.entry("bad", "exit 1"))
        self.assertEqual(judge.result()["outcome"], "BAD")

        def resident():
            with open(f"/proc/{judge.run.pid}/status", encoding="utf-8") as file:
                lines = dict(line.split(":", 1) for line in file if ":" in line)
            return int(lines["VmRSS"].split()[0])
        before = resident()
        for i in range(0, skipped, 250):  # their results fit into a pipe
            judge.send("".join(json.dumps({"name": f"s{i + n}", "argv": ["true"], "after": ["bad"],
                                           "policy": "base/compute"}) + "\n"
                               for n in range(250)))
            for _ in range(250):
                self.assertEqual(judge.result()["outcome"], "SKIPPED")
        for i in range(runs):
            judge.send(self.entry(f"r{i}"))
            self.assertEqual(judge.result()["outcome"], "GOOD")
        grown = resident() - before
        self.assertEqual(judge.end(), ({}, 1))
        self.assertLess(grown, 1024 + (skipped + runs) // 2, "KiB")


if __name__ == "__main__":
    batch_case.main("batch_stream")
