# SPDX-License-Identifier: Apache-2.0
"""cordon-setup on a real host: what it does is in force, and --undo takes it back.

Run as root inside the VM lab (scenario systemd). Judged by what systemd and the kernel say.
"""

import fcntl
import os
import struct
import subprocess
import sys
import time
import unittest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TREE, "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)

SETUP = os.path.join(TREE, "build/cordon-setup")
POLICY = "/sys/kernel/security/apparmor/policy"
NAMESPACE = f"{POLICY}/namespaces/cordon-1000"
MADE = ("/etc/systemd/system/user@.service.d/cordon.conf", "/etc/apparmor.d/cordon-job",
        "/etc/systemd/system/apparmor.service.d/cordon-1000.conf", "/var/lib/cordon/setup.state",
        NAMESPACE)


PROFILE = "/etc/apparmor.d/cordon-job"
STATE = "/var/lib/cordon/setup.state"
# A process that is confined as a job is.
ENTER = 'echo -n "exec cordon-job" > /proc/self/attr/apparmor/exec && exec sleep 600'
GET_FLAGS, SET_FLAGS, IMMUTABLE = 0x80086601, 0x40086602, 0x10


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


def delegated():
    shown = run("systemctl", "show", "-p", "DelegateControllers", "user@1000.service").stdout
    return set(shown.strip().partition("=")[2].split())


def profiles():
    return {name.rpartition(".")[0] for name in os.listdir(f"{POLICY}/profiles")}


def loaded_hash():
    (folder,) = [name for name in os.listdir(f"{POLICY}/profiles")
                 if name.rpartition(".")[0] == "cordon-job"]
    for name in ("raw_sha256", "raw_sha1"):
        path = f"{POLICY}/profiles/{folder}/{name}"
        if os.path.exists(path):
            return read(path).strip()
    return ""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def set_immutable(path, on):
    with open(path, "rb") as file:
        flags = struct.unpack("i", fcntl.ioctl(file, GET_FLAGS, struct.pack("i", 0)))[0]
        flags = flags | IMMUTABLE if on else flags & ~IMMUTABLE
        fcntl.ioctl(file, SET_FLAGS, struct.pack("i", flags))


class Undo(unittest.TestCase):
    """What undo must not pass over."""

    def setUp(self):
        self.assertNotIn("cordon-job", profiles())
        done = run(SETUP)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("cordon-job", profiles())

    def tearDown(self):
        undone = run(SETUP, "--undo")
        self.assertEqual(undone.returncode, 0, undone.stdout + undone.stderr)
        self.assertNotIn("cordon-job", profiles())
        self.assertFalse(os.path.exists(PROFILE))
        self.assertFalse(os.path.exists(STATE))

    def refused(self, words):
        undone = run(SETUP, "--undo")
        self.assertEqual(undone.returncode, 1, undone.stdout)
        self.assertIn(words, undone.stderr)
        self.assertIn(PROFILE, read(STATE))
        self.assertTrue(os.path.exists(PROFILE))

    def test_a_profile_without_its_file_is_unloaded(self):
        os.unlink(PROFILE)

    def test_the_administrators_version_stays_loaded(self):
        ours = read(PROFILE)
        with open(PROFILE, "w", encoding="utf-8") as file:
            file.write(ours.replace("  network unix,\n", "  network unix,\n  network inet raw,\n"))
        loaded = run("apparmor_parser", "-r", PROFILE)
        self.assertEqual(loaded.returncode, 0, loaded.stderr)
        theirs = loaded_hash()
        self.refused("was changed since cordon-setup made it, and stays")
        self.assertEqual(loaded_hash(), theirs)
        with open(PROFILE, "w", encoding="utf-8") as file:
            file.write(ours)

    def test_a_confined_process_stays_confined(self):
        with subprocess.Popen(["/bin/sh", "-c", ENTER], stdin=subprocess.DEVNULL) as job:
            label = f"/proc/{job.pid}/attr/apparmor/current"
            try:
                for _ in range(300):
                    if read(label) == "cordon-job (enforce)\n":
                        break
                    time.sleep(0.1)
                self.refused(f"would be unconfined: {job.pid};")
                self.assertEqual(read(label), "cordon-job (enforce)\n")
            finally:
                job.kill()

    def test_what_cannot_be_removed_is_said(self):
        set_immutable(PROFILE, True)
        try:
            self.refused("unlinkat")
        finally:
            set_immutable(PROFILE, False)


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
        # What a boot loads is what was recorded.
        self.assertIn(f"profile {loaded_hash()} {PROFILE}\n", read(STATE))

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
