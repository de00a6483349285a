# SPDX-License-Identifier: Apache-2.0
"""The test of postures once more, as an ordinary user, where root runs the tests.

Run by ctest: posture_as_user_test.py --cordon PROGRAM --payload PROGRAM [unittest options]. What a
user's jobs have otherwise is in running_job.py (DIFFERENCES). Where an ordinary user runs the tests
posture_test.py is that already.
"""

import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)

import running_job  # noqa: E402

CORDON = ""
PAYLOAD = ""
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "posture_test.py")
USER = 65534
PYTHONS = (sys.executable, "/usr/bin/python3")  # the first may lie in root's home
SECONDS = 280


def run_as_user(words, **more):
    """With status 126 where this user may not execute it."""
    try:
        return _run(words, **more)
    except PermissionError as error:
        return subprocess.CompletedProcess(words, 126, str(error))


def _run(words, **more):
    return subprocess.run(words, user=USER, group=USER, extra_groups=[], cwd="/",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **more)


class OrdinaryUser(unittest.TestCase):
    def setUp(self):
        if not running_job.IS_ROOT:
            self.skipTest("needs root, to become an ordinary user; posture_test.py is one here")
        for path in (SCRIPT, CORDON, PAYLOAD, running_job.golden_path("judge/cpp")):
            if run_as_user(["test", "-r", path]).returncode != 0:
                self.skipTest(f"needs {path} where every user can read it")
        usable = [python for python in PYTHONS
                  if run_as_user([python, "-c", "pass"]).returncode == 0]
        if not usable:
            self.skipTest("needs a python3 that every user can execute")
        self.python = usable[0]
        if run_as_user(["unshare", "-U", "true"]).returncode != 0:
            self.skipTest("needs user namespaces for ordinary users")

    def test_every_profile_has_the_posture_of_a_users_job(self):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("CORDON_GOLDEN", "XDG_RUNTIME_DIR")}
        with tempfile.TemporaryDirectory(prefix="cordon_posture_") as folder:
            os.chown(folder, USER, USER)
            environment["GTEST_OUTPUT"] = f"xml:{folder}/"
            done = run_as_user([self.python, "-B", SCRIPT, "--cordon", CORDON, "--payload",
                                PAYLOAD], env=environment, timeout=SECONDS)
            self.assertEqual(done.returncode, 0, "\n" + done.stdout)
            results = ElementTree.parse(f"{folder}/posture.xml")
        cases = {case.get("name"): case.find("skipped") for case in results.iter("testcase")}
        self.assertIn("test_every_profile_has_the_recorded_posture", cases)
        skipped = [f"{name}: {found.get('message')}" for name, found in cases.items()
                   if found is not None]
        if skipped:
            self.skipTest("; ".join(skipped))


def main():
    global CORDON, PAYLOAD  # pylint: disable=global-statement
    CORDON, PAYLOAD, _, rest = running_job.arguments()
    unittest.main(argv=[sys.argv[0], *rest], testRunner=python_results.Runner("posture_as_user"))


if __name__ == "__main__":
    main()
