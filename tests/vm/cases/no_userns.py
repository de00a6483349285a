# SPDX-License-Identifier: Apache-2.0
"""A host whose user namespaces are shut to users: cordon refuses, and says which switch it is.

Run as root inside the VM lab (scenario no-userns), which turns each switch itself and then becomes
the user. The positive control: with the switches as Debian sets them the same job runs.
"""

import json
import os
import subprocess
import sys
import unittest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TREE, "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)

CORDON = os.path.join(TREE, "build/cordon")
PAYLOADS = os.path.join(TREE, "build/tests/support/payloads")
USER_ID = 1000
POLICY = f"""
mounts {{ bind {{ source: "{PAYLOADS}" target: "/payload" }} proc {{}} dev {{}} }}
limits {{ wall_time: "20s" cpu_time: "10s" memory: "64MiB" processes: 8 }}
cgroup {{ enforcement: IF_AVAILABLE }}
apparmor {{ enforcement: IF_AVAILABLE }}
seccomp {{ allow: ["stdio", "memory", "self", "time", "signal", "rpath", "exec", "thread",
                  "proc"] }}
"""
# switch, value that shuts, words of the answer
SWITCHES = (("user/max_user_namespaces", "0", "user.max_user_namespaces"),
            ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone"))


def read(name):
    with open(f"/proc/sys/{name}", encoding="ascii") as file:
        return file.read().strip()


def write(name, value):
    with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
        file.write(value)


def as_user(*arguments):
    return subprocess.run([CORDON, *arguments], capture_output=True, text=True, check=False,
                          user=USER_ID, group=USER_ID, extra_groups=[], stdin=subprocess.DEVNULL)


class NoUserNamespaces(unittest.TestCase):
    def setUp(self):
        self.policy = "/tmp/no_userns.textproto"
        self.report = "/tmp/no_userns.json"
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(POLICY)

    def run_job(self):
        if os.path.exists(self.report):
            os.unlink(self.report)
        done = as_user("run", "--policy", self.policy, "--report", self.report, "--",
                       "/payload/payload", "echo", "ran", "")
        with open(self.report, encoding="utf-8") as file:
            return done, json.load(file)

    def test_a_job_runs_while_the_switches_are_open(self):
        done, report = self.run_job()
        self.assertEqual((done.returncode, report["verdict"]), (0, "EXITED"), done.stderr)
        self.assertEqual(done.stdout, "ran")

    def test_each_switch_is_named_and_nothing_runs(self):
        for name, shut, words in SWITCHES:
            with self.subTest(name):
                before = read(name)
                write(name, shut)
                try:
                    done, report = self.run_job()
                    doctor = as_user("doctor")
                finally:
                    write(name, before)
                self.assertEqual(done.returncode, 125, done.stderr)
                self.assertEqual((report["verdict"], done.stdout), ("SETUP_FAILED", ""))
                self.assertIn(words, done.stderr)
                self.assertEqual(doctor.returncode, 1, doctor.stdout)
                self.assertRegex(doctor.stdout, r"\n  userns +no +no +no ")
                self.assertIn("to do for namespaces: clone3: ", doctor.stdout)
                self.assertIn(words, doctor.stdout)


if __name__ == "__main__":
    unittest.main(testRunner=python_results.Runner("vm_no_userns"))
