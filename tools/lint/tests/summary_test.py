# SPDX-License-Identifier: Apache-2.0
"""The summary of test results must not be able to hide a failure or a skip."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

import python_results  # noqa: E402
import test_summary  # noqa: E402

CASES = """<?xml version="1.0"?><testsuites><testsuite name="S">
<testcase name="Good" status="run" result="completed" classname="S"/>
<testcase name="Bad" status="run" result="completed" classname="S"><failure
  message="a.cc:3&#x0A;Expected 1" type=""/></testcase>
<testcase name="Cannot" status="run" result="skipped" classname="S"><skipped
  message="a.cc:9&#x0A;needs cgroup v2"/></testcase>
<testcase name="DISABLED_Off" status="notrun" result="suppressed" classname="S"/>
</testsuite></testsuites>"""
GOOD_CASES = """<testsuites><testsuite name="S">
<testcase name="Good" status="run" result="completed" classname="S"/></testsuite></testsuites>"""
PROGRAM = '<testsuite><testcase name="prog" status="{0}">{1}</testcase></testsuite>'


class SummaryTest(unittest.TestCase):
    def results(self, program, cases="", tally=None):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "cases"))
            self.write(folder, "ctest-unit.xml", program)
            if cases:
                self.write(folder, "cases/prog.xml", cases)
            if tally is not None:
                self.write(folder, "x.tally.json", json.dumps(tally))
            return test_summary.results_of(folder)

    @staticmethod
    def write(folder, name, text):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def outcomes(self, *arguments, **more):
        return [(r.outcome, r.detail) for r in self.results(*arguments, **more)]

    def test_counts_each_case_of_a_program(self):
        self.assertEqual(self.outcomes(PROGRAM.format("fail", "<failure message=''/>"), CASES),
                         [("passed", ""), ("failed", "Expected 1"),
                          ("skipped", "needs cgroup v2"), ("skipped", "disabled in the source")])

    def test_a_crash_after_good_cases_is_a_failure(self):
        found = self.outcomes(PROGRAM.format("fail", "<failure message='SEGFAULT'/>"), GOOD_CASES)
        self.assertEqual(found, [("passed", ""), ("failed", "SEGFAULT")])

    def test_a_crash_without_a_result_file_is_a_failure(self):
        self.assertEqual(self.outcomes(PROGRAM.format("fail", "<failure message=''/>")),
                         [("failed", "failed")])

    def test_a_broken_result_file_is_a_failure(self):
        self.assertEqual(self.outcomes(PROGRAM.format("run", ""), "<testsuites><tes"),
                         [("failed", "its result file is broken off")])

    def test_a_program_without_cases_counts_itself(self):
        self.assertEqual(self.outcomes(PROGRAM.format("run", "")), [("passed", "")])
        self.assertEqual(self.outcomes(PROGRAM.format("notrun", "<skipped message='why'/>")),
                         [("skipped", "why")])

    def test_python_results_are_read_like_gtest(self):
        text = python_results.as_xml([python_results.Entry("m.C.test_a", "passed", ""),
                                      python_results.Entry("m.C.test_b", "failed", "1 != 2"),
                                      python_results.Entry("m.C.test_c", "skipped", "needs x")])
        self.assertEqual(self.outcomes(PROGRAM.format("fail", "<failure message=''/>"), text),
                         [("passed", ""), ("failed", "1 != 2"), ("skipped", "needs x")])

    def test_the_python_runner_records_everything(self):
        class Sample(unittest.TestCase):
            def test_a(self):
                pass

            def test_b(self):
                self.fail("no")

            def test_c(self):
                self.skipTest("why")

            def test_d(self):
                with self.subTest(x=1):
                    self.fail("sub")
        with tempfile.TemporaryDirectory() as folder:
            old = os.environ.get("GTEST_OUTPUT")
            os.environ["GTEST_OUTPUT"] = f"xml:{folder}/"
            try:
                python_results.Runner("sample", stream=io.StringIO()).run(
                    unittest.defaultTestLoader.loadTestsFromTestCase(Sample))
            finally:
                os.environ.pop("GTEST_OUTPUT")
                if old is not None:
                    os.environ["GTEST_OUTPUT"] = old
            found = test_summary.gtest_cases(os.path.join(folder, "sample.xml"))
        self.assertEqual([r.outcome for r in found], ["passed", "failed", "skipped", "failed"])

    def test_tallies_are_added(self):
        tally = [{"name": "a", "result": "failed", "detail": "d"},
                 {"name": "b", "result": "passed"}]
        self.assertEqual(self.outcomes(PROGRAM.format("run", ""), tally=tally),
                         [("passed", ""), ("failed", "d"), ("passed", "")])

    def test_ends_with_the_line_that_counts(self):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            test_summary.print_summary([
                test_summary.Result("a", "passed", ""), test_summary.Result("b", "failed", "why"),
                test_summary.Result("c", "skipped", "no cgroup"),
                test_summary.Result("d", "skipped", "no cgroup")])
        self.assertEqual(shown.getvalue().splitlines()[-1], "1 passed, 1 failed, 2 skipped")
        self.assertIn("b: why", shown.getvalue())
        self.assertIn("2 no cgroup (c and 1 more)", shown.getvalue())

    def run_main(self, *arguments):
        shown = io.StringIO()
        sys.argv = ["test_summary.py", *arguments]
        with contextlib.redirect_stdout(shown):
            return test_summary.main(), shown.getvalue()

    def test_what_was_skipped_in_every_place_is_a_failure_when_asked(self):
        with tempfile.TemporaryDirectory() as top:
            for place, results in (("here", ("skipped", "skipped")), ("vm/full-user", (
                    "passed", "skipped"))):
                folder = os.path.join(top, place)
                os.makedirs(folder)
                self.write(folder, "x.tally.json", json.dumps(
                    [{"name": name, "result": result, "detail": "needs x"}
                     for name, result in zip(("somewhere", "nowhere"), results)]))
            folders = [os.path.join(top, "here"), os.path.join(top, "vm")]
            status, text = self.run_main("--nowhere", *folders)
            self.assertEqual(status, 1)
            self.assertIn("  nowhere: ran nowhere: needs x", text)
            self.assertEqual(text.splitlines()[-1], "1 passed, 1 failed, 3 skipped")
            status, text = self.run_main(*folders)
            self.assertEqual((status, text.splitlines()[-1]), (0, "1 passed, 0 failed, 3 skipped"))
            self.assertIn("3 needs x ([here] somewhere and 2 more)", text)

    def test_nothing_at_all_is_no_success(self):
        with tempfile.TemporaryDirectory() as folder:
            sys.argv = ["test_summary.py", folder]
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(test_summary.main(), 1)


if __name__ == "__main__":
    unittest.main()
