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
FOLDERS = ("lint/tests", "gen/tests", "demo")

sys.path.insert(0, TOOLS)
from python_results import Runner  # noqa: E402  (the folder is on the path only now)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tally", help="write the results as JSON to this file")
    arguments = parser.parse_args()
    suite = unittest.TestSuite()
    for folder in FOLDERS:
        start = os.path.join(TOOLS, folder)
        suite.addTests(unittest.TestLoader().discover(start, "*_test.py", start))
    outcome = Runner("python", buffer=True).run(suite)
    if arguments.tally:
        with open(arguments.tally, "w", encoding="utf-8") as file:
            json.dump([entry._asdict() for entry in outcome.entries], file)
    return 0 if outcome.wasSuccessful() and outcome.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
