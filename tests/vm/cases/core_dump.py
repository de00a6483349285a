# SPDX-License-Identifier: Apache-2.0
"""A host whose kernel.core_pattern is a program: no crash of a job starts it.

The program runs as the host's root, outside of every sandbox, and reads what the job wrote. Run as
root inside the VM lab (scenario full), which is the only machine whose pattern a test may set.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TREE, "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)

CORDON = os.path.join(TREE, "build/cordon")
PATTERN = "/proc/sys/kernel/core_pattern"
CRASH = "kill -SEGV $$"


class CoreDump(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to set kernel.core_pattern")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.dumps = self.file("dumps", "")
        handler = self.file("handler", f'#!/bin/sh\necho "dump of $1" >>{self.dumps}\n')
        os.chmod(handler, 0o755)
        with open(PATTERN, encoding="utf-8") as file:
            before = file.read()
        self.addCleanup(self.set_pattern, before)
        self.set_pattern(f"|{handler} %P")

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    @staticmethod
    def set_pattern(text):
        with open(PATTERN, "w", encoding="utf-8") as file:
            file.write(text)

    def dumped(self):
        """Whether the program ran; it may still run when what crashed has been reaped."""
        time.sleep(1)
        with open(self.dumps, "r+", encoding="utf-8") as file:
            text = file.read()
            file.truncate(0)
        return text != ""

    def job(self, script, limits="", around=()):
        policy = self.file("p.textproto", f'extends: "base/compute"\nlimits {{ {limits} }}\n'
                                          "cgroup { enforcement: IF_AVAILABLE }\n")
        report = os.path.join(self.folder, "report.json")
        done = subprocess.run([*around, CORDON, "run", "--policy", policy, "--report", report, "--",
                               "/bin/bash", "-c", script], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 125:
            return done.stderr, None
        with open(report, encoding="utf-8") as file:
            return done.stderr, json.load(file)

    def assert_crashes(self, script, limits=""):
        stderr, report = self.job(script, limits)
        self.assertIsNotNone(report, stderr)
        self.assertEqual((report["verdict"], report["signal_name"]), ("SIGNALED", "SIGSEGV"))

    def test_a_crash_starts_no_program_of_the_host(self):
        self.assert_crashes(CRASH)
        self.assertFalse(self.dumped())
        self.assert_crashes(CRASH, "enforcement: OFF")  # the control
        self.assertTrue(self.dumped())

    def test_the_job_cannot_ask_for_one(self):
        """A limit of 0 is no limit for a program that reads the dump; 1 is what keeps it out."""
        for limit in ("0", "unlimited"):
            stderr, _ = self.job(f"ulimit -c {limit}")
            self.assertIn("cannot modify limit", stderr)
            self.assert_crashes(f"ulimit -c {limit}; {CRASH}")
            self.assertFalse(self.dumped(), limit)
        unhindered = "/bin/bash -c 'ulimit -c 0; kill -SEGV $$'"  # the control
        subprocess.run(unhindered, shell=True, check=False)
        self.assertTrue(self.dumped())

    def test_a_caller_that_may_not_keep_it_out_is_refused(self):
        caller = ("prlimit", "--core=0:0")
        stderr, report = self.job(CRASH, around=caller)
        self.assertIsNone(report)
        self.assertIn("kernel.core_pattern", stderr)
        self.set_pattern("core")
        stderr, report = self.job(CRASH, around=caller)
        self.assertEqual(report["verdict"], "SIGNALED", stderr)


if __name__ == "__main__":
    unittest.main(testRunner=python_results.Runner("vm_core_dump"))
