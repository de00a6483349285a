# SPDX-License-Identifier: Apache-2.0
"""The table of attacks itself: every test that it names exists, every gap has its reason."""

import os
import unittest

import coverage


class Coverage(unittest.TestCase):
    def test_the_table_is_true(self):
        if not os.path.isdir(os.path.join(coverage.ROOT, "tests", "policy")):
            self.skipTest("needs the whole source tree")
        attacks = coverage.read()
        self.assertEqual(coverage.mistakes(attacks), [])
        self.assertEqual(len({attack.name for attack in attacks}), len(attacks))
