# SPDX-License-Identifier: Apache-2.0
"""The host's clock is set while a job runs: its times are those of a clock that nobody sets.

Run as root inside the VM lab (scenario full), which is the only machine whose clock a test may set.
The clock is put back by what the monotonic one says.
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
POLICY = """extends: "base/compute"
cgroup { enforcement: IF_AVAILABLE }
limits { wall_time: "10m" }
"""
DAY = 86400


class Clock(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to set the clock")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.policy = os.path.join(folder.name, "p.textproto")
        self.report = os.path.join(folder.name, "report.json")
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(POLICY)
        offset = time.time() - time.monotonic()
        self.addCleanup(lambda: time.clock_settime(time.CLOCK_REALTIME, time.monotonic() + offset))

    def run_over_a_step(self, seconds, wall, script):
        """Report, output and seconds of a job during which the clock is set by `seconds`."""
        began = time.monotonic()
        line = [CORDON, "run", "--policy", self.policy, "--report", self.report, "--wall-time",
                wall, "--", "/bin/sh", "-c", f"echo began; {script}"]
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              text=True) as process:
            self.assertEqual(process.stdout.readline(), "began\n")
            time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)
            output = process.stdout.read()
        took = time.monotonic() - began
        with open(self.report, encoding="utf-8") as file:
            return json.load(file), output, took

    def test_a_step_ends_no_job_and_spares_none(self):
        for step in (DAY, -DAY):
            report, _, took = self.run_over_a_step(step, "5s", "exec sleep 1000")
            self.assertEqual(report["verdict"], "WALL_LIMIT", step)
            wall = float(report["usage"]["wall_time"].rstrip("s"))
            self.assertGreaterEqual(wall, 5)
            self.assertLessEqual(wall, took)

    def test_a_step_is_no_time_of_the_job(self):
        """The control is what the job itself sees: its clock was set, too."""
        for step in (DAY, -DAY):
            before = time.time()
            report, output, took = self.run_over_a_step(step, "10m", "sleep 3; date +%s")
            self.assertEqual((report["verdict"], report.get("exit_code")), ("EXITED", 0), step)
            self.assertLessEqual(float(report["usage"]["wall_time"].rstrip("s")), took)
            self.assertGreater(abs(int(output) - before), DAY / 2)


if __name__ == "__main__":
    unittest.main(testRunner=python_results.Runner("vm_clock"))
