# SPDX-License-Identifier: Apache-2.0
"""Attacks on Cordon, judged from outside, each with a control that shows that it can succeed.

Run by ctest: escape_test.py --cordon PROGRAM --attack PROGRAM [unittest options]. Needs only the
standard library. Prints at the end how many of the known attacks are covered, and what the
controls could not show on this host.
"""

import argparse
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools")]
import coverage  # noqa: E402  (the folder is on the path only now)
import harness  # noqa: E402
import python_results  # noqa: E402
# unittest looks for them here.
from builds_test import Builds  # noqa: E402,F401
from calls_test import Calls  # noqa: E402,F401
from coverage_test import Coverage  # noqa: E402,F401
from files_test import Files  # noqa: E402,F401
from images_test import Images  # noqa: E402,F401
from isolation_test import Isolation, Posture  # noqa: E402,F401
from processes_test import Processes  # noqa: E402,F401
from resources_test import Resources, Terminal  # noqa: E402,F401
from supervisor_test import Supervisor  # noqa: E402,F401
from violation_test import Violations  # noqa: E402,F401


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cordon", required=True)
    parser.add_argument("--attack", required=True)
    options, rest = parser.parse_known_args()
    harness.configure(options.cordon, options.attack)
    outcome = unittest.main(argv=[sys.argv[0], *rest], exit=False, verbosity=2,
                            testRunner=python_results.Runner("escape"))
    for test, reason in sorted(harness.VACUOUS.items()):
        print(f"nothing shown: {test}: {reason}")
    coverage.show()
    sys.exit(0 if outcome.result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
