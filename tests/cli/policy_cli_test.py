# SPDX-License-Identifier: Apache-2.0
"""The verbs of `cordon` that only talk about policies: check, explain, diff, profiles.

Run by ctest: policy_cli_test.py --cordon PROGRAM [unittest options]. Nothing is sandboxed here.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)

CORDON = ""


class PolicyTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cordon_policy_")
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def cordon(self, *arguments):
        return subprocess.run([CORDON, *arguments], capture_output=True, text=True, check=False,
                              cwd=self.folder)


class Diff(PolicyTest):
    def test_a_policy_allows_nothing_that_it_does_not(self):
        done = self.cordon("diff", "judge/cpp", "judge/cpp")
        self.assertEqual(done.returncode, 0)
        self.assertIn("allows nothing that judge/cpp does not", done.stdout)

    def test_a_widening_is_exit_1_with_a_sentence_and_its_place(self):
        self.file("more.textproto", 'extends: "judge/cpp"\n'
                                    'mounts { bind { source: "/srv/data" target: "/data" } }\n'
                                    'limits { memory: "1GiB" }\n')
        done = self.cordon("diff", "judge/cpp", "more.textproto")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"mount +may read /data, the host's /srv/data  "
                                      r"\[mounts.bind\[\d+\], more.textproto:2:\d+\]")
        self.assertIn("memory: 1GiB, was 512MiB  [limits.memory, more.textproto:3:", done.stdout)
        self.assertEqual(self.cordon("diff", "more.textproto", "judge/cpp").returncode, 0)

    def test_json_is_for_machines(self):
        done = self.cordon("diff", "--format=json", "base/strict", "base/compute")
        self.assertEqual(done.returncode, 1)
        report = json.loads(done.stdout)
        self.assertEqual(report["before"], "base/strict")
        layers = {each["layer"] for each in report["widening"]}
        self.assertLessEqual({"mount", "cgroup", "seccomp"}, layers)

    def test_what_cannot_be_read_is_no_verdict(self):
        bad = self.file("bad.textproto", "limits { memory: 5 }\n")
        for pair in (("judge/cpp", bad), (bad, "judge/cpp"), ("judge/cpp", "nothing/here")):
            done = self.cordon("diff", *pair)
            self.assertEqual(done.returncode, 125, pair)
            self.assertIn("cordon: ", done.stderr)
            self.assertEqual(done.stdout, "")


def main():
    global CORDON  # pylint: disable=global-statement
    parser = argparse.ArgumentParser()
    parser.add_argument("--cordon", required=True)
    known, rest = parser.parse_known_args()
    CORDON = os.path.abspath(known.cordon)
    unittest.main(argv=[sys.argv[0], *rest], testRunner=python_results.Runner("policy_cli"))


if __name__ == "__main__":
    main()
