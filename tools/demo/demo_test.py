# SPDX-License-Identifier: Apache-2.0
"""Tests of the demo's own judgement: it must notice every way in which a job can go wrong.

A stand-in takes the place of the command here; the real one is judged by tools/dev demo.
"""

import io
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import demo  # noqa: E402  (the folder is on the path only now)
import host  # noqa: E402
import judge  # noqa: E402
import problems  # noqa: E402
import table  # noqa: E402
from cordon_cli import Job, Outcome, command_line, number_of  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(judge.HERE))
# What the demo must show, by file name.
REQUIRED_HOSTILE = ("loop.c", "sleep.c", "fork_bomb.c", "memory_bomb.cc", "output_flood.c",
                    "stack_overflow.cc", "read_secrets.c", "socket.c", "ptrace.c", "mount.c",
                    "daemon.c", "ignore_sigterm.c", "write_10gb.c")


class StandIn:
    """Answers every run from a script: (verdict fields, stdout text, files made in binds)."""

    def __init__(self, report, stdout="", files=(), status=0):
        self.answer = (report, stdout, files, status)
        self.jobs = []

    def run(self, job):
        self.jobs.append(job)
        report, stdout, files, status = self.answer
        if job.stdout:
            with open(job.stdout, "w", encoding="utf-8") as file:
                file.write(stdout)
        for bind in job.binds:
            source, target, _ = bind.split(":")
            for name in files:
                if target == "/canary":
                    with open(os.path.join(source, name), "w", encoding="utf-8"):
                        pass
        return Outcome(status, {"evidence": [{"name": "x"}], **report}, "")


class JudgeTest(unittest.TestCase):
    LANGUAGES = {"sh": {"needs": "env", "file": "main.sh", "run_policy": "judge/c",
                        "run": ["sh", "/src/main.sh"], "limits": {"cpu-time": "1s"}}}

    def judge(self, stand_in, **submission):
        with tempfile.TemporaryDirectory() as scratch:
            bench = judge.Judge.__new__(judge.Judge)
            bench.cordon, bench.scratch, bench.built = stand_in, scratch, {}
            bench.languages, bench.token, bench.secret = self.LANGUAGES, "no-such-token", "s3cret"
            bench.neighbour = os.path.join(scratch, "neighbour")
            answer = os.path.join(scratch, "answer")
            with open(answer, "w", encoding="ascii") as file:
                file.write("42\n")
            bench.problems = {"p": problems.Problem("p", answer, answer)}
            return bench.judge({"file": "hostile/daemon.c", "language": "sh", **submission})

    def test_what_is_expected_has_no_complaint(self):
        row = self.judge(StandIn({"verdict": "EXITED"}, "42\n"), verdict="EXITED", exit_code=0,
                         problem="p", answer="OK")
        self.assertEqual(row.complaints, [])

    def test_every_difference_is_a_complaint(self):
        exited = {"verdict": "EXITED", "exit_code": 0}
        for stand_in, submission, words in (
                (StandIn({"verdict": "SIGNALED"}), {"verdict": "EXITED"}, "verdict SIGNALED"),
                (StandIn({"verdict": "EXITED", "exit_code": 3}, status=3),
                 {"verdict": "EXITED", "exit_code": 0}, "exit code 3"),
                (StandIn({"verdict": "SIGNALED", "signal": 6, "signal_name": "SIGABRT"},
                         status=134),
                 {"verdict": "SIGNALED", "signal": "SIGFPE"}, "SIGABRT, expected SIGFPE"),
                (StandIn(exited, "41\n"), {"verdict": "EXITED", "problem": "p", "answer": "OK"},
                 "answer WRONG"),
                (StandIn(exited, "42\n"), {"verdict": "EXITED", "problem": "p", "answer": "WRONG"},
                 "answer OK"),
                (StandIn(exited, "s3cret"), {"verdict": "EXITED"}, "answers leaked"),
                (StandIn(exited, "root:*:1:0:9:7:::\n"), {"verdict": "EXITED"}, "password file"),
                (StandIn(exited, "x"), {"verdict": "EXITED", "output": "nothing\n"}, "printed"),
                (StandIn(exited, status=1), {"verdict": "EXITED"}, "exit status is 1"),
                (StandIn({"verdict": "CPU_LIMIT"}, status=1), {"verdict": "CPU_LIMIT"}, "not 124"),
                (StandIn({**exited, "evidence": []}), {"verdict": "EXITED"}, "no evidence"),
                (StandIn({}), {"verdict": "EXITED"}, "NO_REPORT"),
                (StandIn(exited, files=("started", "alive")),
                 {"verdict": "EXITED", "canary": True}, "outlived"),
                (StandIn(exited), {"verdict": "EXITED", "canary": True}, "never started")):
            row = self.judge(stand_in, **submission)
            self.assertTrue(any(words in c for c in row.complaints), (words, row.complaints))

    def test_a_missing_toolchain_is_a_skip_with_its_reason(self):
        self.LANGUAGES["none"] = {**self.LANGUAGES["sh"], "needs": "no-such-compiler"}
        stand_in = StandIn({"verdict": "EXITED"})
        row = self.judge(stand_in, language="none", verdict="EXITED")
        self.assertIn("no-such-compiler", row.skipped)
        self.assertEqual(stand_in.jobs, [])

    def test_a_limit_of_the_submission_replaces_that_of_the_language(self):
        stand_in = StandIn({"verdict": "EXITED"})
        self.judge(stand_in, verdict="EXITED", limits={"cpu-time": "7ms"})
        self.assertEqual(stand_in.jobs[0].limits, {"cpu-time": "7ms"})


class ManifestTest(unittest.TestCase):
    def setUp(self):
        self.manifest = judge.load_manifest()

    def test_lists_exactly_the_files_that_are_there(self):
        top = os.path.join(judge.HERE, "submissions")
        there = {os.path.relpath(os.path.join(folder, name), top)
                 for folder, _, names in os.walk(top) for name in names}
        every = self.manifest["submissions"] + self.manifest["interactive"]
        listed = [s["file"] for s in every] + ["interactive/grader.c"]
        self.assertEqual(set(listed), there)
        names = [judge.name_of(s) for s in every]
        self.assertEqual(len(names), len(set(names)))

    def test_names_only_verdicts_and_profiles_that_exist(self):
        with open(os.path.join(ROOT, "policy/proto/report.proto"), encoding="utf-8") as file:
            proto = file.read()
        for submission in self.manifest["submissions"] + self.manifest["interactive"]:
            if submission["verdict"] != "COMPILE_ERROR":
                self.assertIn(f"  {submission['verdict']} = ", proto)
            self.assertIn(submission["language"], self.manifest["languages"])
        for language in self.manifest["languages"].values():
            for key in ("run_policy", "compile_policy"):
                if key in language:
                    path = os.path.join(ROOT, "profiles", language[key] + ".textproto")
                    self.assertTrue(os.path.exists(path), path)

    def test_holds_every_attack_that_was_promised(self):
        names = {os.path.basename(s["file"]) for s in self.manifest["submissions"]
                 if s["file"].startswith("hostile/")}
        self.assertEqual(set(REQUIRED_HOSTILE) - names, set())


class ProblemsTest(unittest.TestCase):
    def test_sum_agrees_with_plain_addition(self):
        text, answer = problems.sum_problem(count=1000)
        values = list(map(int, text.split()))
        self.assertEqual(values[0], 1000)
        self.assertEqual(int(answer), sum(values[1:]))

    def test_the_full_sum_needs_more_than_32_bits(self):
        _, answer = problems.sum_problem()
        self.assertGreater(abs(int(answer)), 2**32)

    def test_sort_agrees_with_sorted(self):
        text, answer = problems.sort_problem(count=500)
        self.assertEqual(list(map(int, answer.split())), sorted(map(int, text.split()[1:])))

    def test_path_agrees_with_all_pairs(self):
        text, answer = problems.path_problem(vertices=30, edges=60)
        data = list(map(int, text.split()))
        far = 10**9
        table_of = [[0 if a == b else far for b in range(31)] for a in range(31)]
        for at in range(2, len(data), 3):
            a, b, length = data[at:at + 3]
            table_of[a][b] = min(table_of[a][b], length)
        for k in range(1, 31):
            for a in range(1, 31):
                for b in range(1, 31):
                    table_of[a][b] = min(table_of[a][b], table_of[a][k] + table_of[k][b])
        wanted = [-1 if table_of[1][b] >= far else table_of[1][b] for b in range(1, 31)]
        self.assertEqual(list(map(int, answer.split())), wanted)
        self.assertIn(-1, wanted)

    def test_answers_differ_but_for_blanks(self):
        self.assertTrue(problems.same_answer("1 \n2\n\n", "1\n2"))
        self.assertFalse(problems.same_answer("1\n3\n", "1\n2\n"))
        self.assertFalse(problems.same_answer("1\n", "1\n2\n"))


class CommandTest(unittest.TestCase):
    def test_arguments_of_the_job_stand_behind_the_dashes(self):
        line = command_line("cordon", Job("judge/c", ["./a", "--report"], ["/a:/b:ro"],
                                          {"cpu-time": "1s"}, stdin="/in", timeline="10ms"),
                            "/r.json")
        self.assertEqual(line, ["cordon", "run", "--policy", "judge/c", "--report", "/r.json",
                                "--cpu-time", "1s", "--bind", "/a:/b:ro", "--stdin", "/in",
                                "--timeline", "10ms", "--", "./a", "--report"])

    def test_reads_protobuf_json_numbers(self):
        for text, value in (("1.500s", 1.5), ("0s", 0.0), ("123", 123.0), (7, 7.0)):
            self.assertEqual(number_of(text), value)

    def test_the_limit_is_named_with_its_evidence(self):
        outcome = Outcome(124, {"verdict": "WALL_LIMIT", "evidence": [
            {"name": "wait.status", "observed": "9"},
            {"name": "timer.wall", "observed": "1.0s", "limit": "1s"}]}, "")
        self.assertEqual(outcome.limit_hit, "timer.wall 1.0s of 1s")
        outcome = Outcome(137, {"verdict": "MEMORY_LIMIT", "evidence": [
            {"name": "cgroup.oom_kill", "observed": "1", "limit": "0"},
            {"name": "cgroup.memory_peak", "observed": "67108864", "limit": "67108864"}]}, "")
        self.assertEqual(outcome.limit_hit, "cgroup.memory_peak 64.0 MiB of 64.0 MiB")


class PageTest(unittest.TestCase):
    """Rows as the results that `cordon report` reads."""

    def test_a_row_keeps_its_report_and_says_what_was_wrong(self):
        report = {"verdict": "EXITED", "exit_code": 1}
        row = judge.Row("a.c", "c", "EXITED 0", verdict="EXITED", outcome=Outcome(1, report, ""))
        self.assertEqual(demo.as_result(row), {"name": "a.c", "outcome": "GOOD", "why": "",
                                               "report": report})
        row.complaints = ["exit code 1, expected 0", "printed 'x'"]
        self.assertEqual(demo.as_result(row)["outcome"], "BAD")
        self.assertEqual(demo.as_result(row)["why"], "exit code 1, expected 0\nprinted 'x'")
        row.verdict = "COMPILE_ERROR"
        self.assertEqual(demo.as_result(row)["name"], "a.c (compiler)")

    def test_what_was_not_judged_is_skipped_with_its_reason(self):
        row = judge.Row("a.rs", "rust", "EXITED 0", skipped="rustc is not installed")
        self.assertEqual(demo.as_result(row), {"name": "a.rs", "outcome": "SKIPPED",
                                               "why": "rustc is not installed"})


class ReadmeTest(unittest.TestCase):
    CORDON = os.path.join(ROOT, "build", "cordon")

    def test_the_first_policy_is_accepted_and_means_what_it_says(self):
        if not os.access(self.CORDON, os.X_OK):
            self.skipTest("needs build/cordon")
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            text = re.search(r"## The first policy\n+```textproto\n(.*?)```", file.read(),
                             re.DOTALL).group(1)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "first.textproto")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.mkdir(os.path.join(folder, "case07"))
            done = subprocess.run([self.CORDON, "explain", path], capture_output=True, text=True,
                                  check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("256MiB in all: processes, files in memory", "swap none: its memory never",
                      f"/data read-only: the host's {folder}/case07",
                      "processes one, without threads", "2s of processor time",
                      "prctl allowed when the first argument is PR_SET_NAME"):
            self.assertIn(words, " ".join(done.stdout.split()))


class TableTest(unittest.TestCase):
    def test_columns_line_up_and_no_colour_goes_to_a_file(self):
        text = table.render_table(("a", "n"), [("x", "1"), ("long", "22")], ("good", "bad"),
                                  table.Palette(io.StringIO()), right=(1,))
        self.assertEqual(text, "a      n\n----  --\nx      1\nlong  22")

    def test_bytes_of_a_job_cannot_drive_the_terminal(self):
        self.assertEqual(table.plain("a\x1b[31mb\n\u202e"), "a?[31mb??")


class HostTest(unittest.TestCase):
    def test_differences_are_seen(self):
        before = host.Snapshot.take()
        self.assertEqual(before.differences(before), [])
        self.assertEqual(before.differences(before._replace(hostname="x", mounts="y")),
                         ["the host's hostname changed", "the host's mounts changed"])

    def test_only_own_groups_count(self):
        with tempfile.TemporaryDirectory() as top:
            for name in ("memory/cordon-12-ab", "memory/cordon-123-ab", "cpu/other-12-ab"):
                os.makedirs(os.path.join(top, name))
            self.assertEqual(host.groups_of([12], top), [os.path.join(top, "memory/cordon-12-ab")])
            self.assertEqual(host.groups_of([], top), [])

    def test_a_process_is_found_by_its_token(self):
        self.assertEqual(host.leftovers("no-such-token-at-all", 0.2), [])
        with subprocess.Popen([sys.executable, "-c", "import sys; print(1); sys.stdin.read()",
                               "token-of-this-test"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as marked:
            marked.stdout.readline()  # now its command line is set up
            found = host.leftovers("token-of-this-test", 0.2)
            marked.communicate()
        self.assertEqual(found, [marked.pid])
        self.assertEqual(host.leftovers("token-of-this-test"), [])


if __name__ == "__main__":
    unittest.main()
