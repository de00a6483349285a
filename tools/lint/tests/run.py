#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the Python tests of tools/: run.py [--tally FILE]. Exits 1 when one fails.

--tally writes one result per test for tools/test_summary.py.
"""

import argparse
import json
import os
import sys
import unittest

TOOLS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ("lint/tests", "demo")


class Recorder(unittest.TextTestResult):
    """Keeps one entry per test beside what unittest prints."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.results = []

    def _note(self, test, result, detail=""):
        self.results.append({"name": test.id(), "result": result, "detail": detail})

    def addSuccess(self, test):  # noqa: N802 (unittest's own names)
        super().addSuccess(test)
        self._note(test, "passed")

    def addFailure(self, test, err):  # noqa: N802
        super().addFailure(test, err)
        self._note(test, "failed", str(err[1])[:300])

    def addError(self, test, err):  # noqa: N802
        super().addError(test, err)
        self._note(test, "failed", str(err[1])[:300])

    def addSkip(self, test, reason):  # noqa: N802
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tally", help="write the results as JSON to this file")
    arguments = parser.parse_args()
    suite = unittest.TestSuite()
    for folder in FOLDERS:
        start = os.path.join(TOOLS, folder)
        suite.addTests(unittest.TestLoader().discover(start, "*_test.py", start))
    outcome = unittest.TextTestRunner(resultclass=Recorder, buffer=True).run(suite)
    if arguments.tally:
        with open(arguments.tally, "w", encoding="utf-8") as file:
            json.dump(outcome.results, file)
    return 0 if outcome.wasSuccessful() and outcome.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
