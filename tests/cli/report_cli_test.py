# SPDX-License-Identifier: Apache-2.0
"""`cordon report` from outside: what it reads, adds up and refuses. Its page is looked at in a
browser (html_report_test.py).

Run by ctest: report_cli_test.py --cordon PROGRAM [unittest options]. No job is run.
"""

import os
import shutil
import subprocess
import tempfile
import unittest

import command_line
import html_results as results


CORDON = ""


class Reading(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cordon_html_")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def report(self, *arguments):
        return subprocess.run([CORDON, "report", *arguments], check=False, capture_output=True,
                              text=True)

    def test_shards_become_one(self):
        jobs = results.mixed()
        one = results.write_lines(self.path("1.jsonl"), jobs[:9])
        other = results.write_lines(self.path("2.jsonl"), jobs[9:])
        done = self.report(one, other, "--report", self.path("all.json"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.report(self.path("all.json"), "--report", self.path("again.json"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(self.path("all.json"), encoding="utf-8") as first:
            with open(self.path("again.json"), encoding="utf-8") as second:
                text = first.read()
                self.assertEqual(text, second.read())
        self.assertRegex(text, r'"jobs": 28,\s+"good": 20,\s+"bad": 6,\s+"skipped": 1,'
                               r'\s+"not_run": 1')

    def test_a_job_in_two_files_is_a_mistake(self):
        one = results.write_lines(self.path("1.jsonl"), results.mixed())
        done = self.report(one, one, "--html", self.path("out.html"))
        self.assertEqual(done.returncode, 125)
        self.assertIn('the job "compile" is in', done.stderr)
        self.assertFalse(os.path.exists(self.path("out.html")))

    def test_a_broken_line_has_its_number(self):
        path = results.write_lines(self.path("1.jsonl"), results.mixed()[:2])
        with open(path, "a", encoding="utf-8") as file:
            file.write("{\"name\": 7, \"what\": 1}\n")
        done = self.report(path, "--html", self.path("out.html"))
        self.assertEqual(done.returncode, 125)
        self.assertIn("1.jsonl:3", done.stderr)
        self.assertFalse(os.path.exists(self.path("out.html")))

    def test_a_journal_that_was_cut_off_counts_what_has_not_run(self):
        path = self.path("journal")
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"journal": "cordon batch", "digest": "abc", "jobs": 5}\n'
                       '{"name": "a", "outcome": "GOOD"}\n{"name": "b", "outc')
        done = self.report(path, "--report", self.path("out.json"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(self.path("out.json"), encoding="utf-8") as file:
            self.assertRegex(file.read(), r'"jobs": 5,\s+"good": 1,\s+"bad": 0,\s+"skipped": 0,'
                                          r'\s+"not_run": 4')


def main() -> None:
    global CORDON  # pylint: disable=global-statement
    CORDON = command_line.take("cordon").cordon
    command_line.run("report_cli")


if __name__ == "__main__":
    main()
