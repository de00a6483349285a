# SPDX-License-Identifier: Apache-2.0
"""cordon-setup on a real host: what it does is in force, and --undo takes it back.

Run as root inside the VM lab (scenario systemd). Judged by what systemd and the kernel say.
"""

import os
import subprocess
import sys
import unittest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TREE, "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)

SETUP = os.path.join(TREE, "build/cordon-setup")
POLICY = "/sys/kernel/security/apparmor/policy"
NAMESPACE = f"{POLICY}/namespaces/cordon-1000"
MADE = ("/etc/systemd/system/user@.service.d/cordon.conf", "/etc/apparmor.d/cordon-job",
        "/etc/systemd/system/apparmor.service.d/cordon.conf", "/var/lib/cordon/setup.state",
        NAMESPACE)


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


def delegated():
    shown = run("systemctl", "show", "-p", "DelegateControllers", "user@1000.service").stdout
    return set(shown.strip().partition("=")[2].split())


def profiles():
    return {name.rpartition(".")[0] for name in os.listdir(f"{POLICY}/profiles")}


class RealSetup(unittest.TestCase):
    def test_everything_is_in_force_and_taken_back(self):
        for path in MADE:
            self.assertFalse(os.path.exists(path), path)
        before = delegated()
        self.assertFalse({"cpuset", "io"} & before, before)  # Debian 12 as it comes
        self.assertNotIn("cordon-job", profiles())
        said = run(SETUP, "--dry-run", "--user", "tester")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertFalse(os.path.exists(MADE[0]))

        done = run(SETUP, "--user", "tester")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(said.stdout.splitlines()[1:], done.stdout.splitlines())
        for path in MADE:
            self.assertTrue(os.path.exists(path), path)
        self.assertLessEqual({"cpu", "cpuset", "io", "memory", "pids"}, delegated())
        self.assertIn("cordon-job", profiles())

        # As at a boot, where this service is not masked.
        os.rmdir(NAMESPACE)
        for words in (("unmask", "apparmor.service"), ("restart", "apparmor.service")):
            boot = run("systemctl", *words)
            self.assertEqual(boot.returncode, 0, boot.stderr)
        self.assertTrue(os.path.isdir(NAMESPACE))

        again = run(SETUP, "--user", "tester")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertNotIn("write ", again.stdout)

        undone = run(SETUP, "--undo")
        self.assertEqual(undone.returncode, 0, undone.stdout + undone.stderr)
        for path in MADE:
            self.assertFalse(os.path.exists(path), path)
        self.assertEqual(delegated(), before)
        self.assertNotIn("cordon-job", profiles())


if __name__ == "__main__":
    unittest.main(testRunner=python_results.Runner("vm_setup"))
