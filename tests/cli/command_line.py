# SPDX-License-Identifier: Apache-2.0
"""How a test program of this folder is run: PROGRAM --NAME PATH... [unittest options].

Entry points: take (what is under test), facts_of (what it says of this host), run (the tests).
"""

import argparse
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)


def take(*paths, **others):
    """`paths` must be given and become absolute; `others` have a default. The rest is for run."""
    parser = argparse.ArgumentParser()
    for name in paths:
        parser.add_argument(f"--{name}", required=True)
    for name, default in others.items():
        parser.add_argument(f"--{name}", default=default)
    taken, rest = parser.parse_known_args()
    for name in paths:
        setattr(taken, name, os.path.abspath(getattr(taken, name)))
    sys.argv[1:] = rest
    return taken


def facts_of(cordon):
    told = subprocess.run([cordon, "doctor", "--format", "json"], capture_output=True, check=False)
    return json.loads(told.stdout)["facts"]


def run(suite):
    unittest.main(argv=sys.argv, testRunner=python_results.Runner(suite))
