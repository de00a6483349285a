# SPDX-License-Identifier: Apache-2.0
"""AppArmor for an ordinary user: what root prepares once, what a job is in then, and what another
local user can and cannot do about it.

Run as root inside the VM lab (scenario full). It makes the policy namespace of the user, loads the
static profile, becomes the user for each run, and takes both away again.
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
SETUP = os.path.join(TREE, "build/cordon-setup")
FAMILY = os.path.join(TREE, "profiles/apparmor/cordon-job")
PARSER = "/sbin/apparmor_parser"
SECURITY = "/sys/kernel/security/apparmor"
USER_ID = 1000
OTHER_ID = 1001
NAMESPACE = f"{SECURITY}/policy/namespaces/cordon-{USER_ID}"
RUNTIME = f"/run/user/{USER_ID}"
# On a host without a delegated group; every other layer is that of the profile.
POLICY = 'extends: "judge/cpp" cgroup { enforcement: IF_AVAILABLE }\n'
LABEL = "cat /proc/self/attr/apparmor/current"
# Every way out of a profile that the kernel has, then what the job is in. Landlock would keep these
# files from being written: it is off, so that AppArmor alone has to hold.
LEAVE = """
try() { echo -n "$2" > /proc/self/attr/$1 && echo "taken: $2"; }
try current "changeprofile unconfined"; try current "changeprofile cordon-job"
try current "stack cordon-job"; try current "changehat 0000000000000001^hat"
try exec "exec unconfined"; try apparmor/current "changeprofile unconfined"
""" + LABEL
# Enters the namespace as any unconfined user may, and loads what it likes there.
SPOIL = r"""
echo -n "changeprofile :cordon-%d://unconfined" > /proc/self/attr/apparmor/current &&
unshare --user --map-root-user %s --skip-cache --replace
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def as_user(uid, command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, user=uid, group=uid,
                          extra_groups=[], cwd="/", **more)


class AppArmorOfAUser(unittest.TestCase):
    def setUp(self):
        if not os.path.isdir(SECURITY):
            self.skipTest("needs AppArmor")
        self.made_runtime = not os.path.isdir(RUNTIME)
        os.makedirs(RUNTIME, mode=0o700, exist_ok=True)
        os.chown(RUNTIME, USER_ID, USER_ID)
        self.folder = tempfile.mkdtemp()
        os.chmod(self.folder, 0o777)
        self.policy = os.path.join(self.folder, "p.textproto")
        self.report = os.path.join(self.folder, "report.json")
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(POLICY)
        subprocess.run([PARSER, "--skip-cache", "--replace", FAMILY], check=True)
        os.mkdir(NAMESPACE)

    def tearDown(self):
        if os.path.isdir(NAMESPACE):
            os.rmdir(NAMESPACE)
        subprocess.run([PARSER, "--skip-cache", "--remove", FAMILY], check=True)
        subprocess.run(["rm", "-rf", self.folder, f"{RUNTIME}/cordon"], check=True)
        if self.made_runtime:
            os.rmdir(RUNTIME)

    def run_job(self, script, more=""):
        """Output and the report's row of the layer."""
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(POLICY + more)
        done = as_user(USER_ID, [CORDON, "run", "--policy", self.policy, "--report", self.report,
                                 "--", "/bin/sh", "-c", script], stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [row for row in json.loads(read(self.report))["layers"]
                if row["layer"] == "apparmor"]
        self.assertEqual(len(rows), 1)
        return done.stdout, rows[0]

    def profiles(self):
        """Name to hash, of what is loaded in the namespace."""
        found = {}
        for folder in os.listdir(f"{NAMESPACE}/profiles"):
            at = f"{NAMESPACE}/profiles/{folder}"
            found[read(f"{at}/name").strip()] = read(f"{at}/raw_sha1").strip()
        return found

    def test_a_job_is_in_a_profile_of_its_own_below_that_of_root(self):
        output, row = self.run_job(LABEL)
        (name,) = self.profiles()
        self.assertEqual(output, f"{name} (enforce)\n")  # what a reader of the namespace sees
        self.assertEqual(row["state"], "ENFORCED_VERIFIED")
        self.assertIn(f"cordon-job//&:cordon-{USER_ID}:{name}", row["detail"])

    def test_the_host_sees_both_profiles(self):
        job = subprocess.Popen([CORDON, "run", "--policy", self.policy, "--", "/bin/sleep", "60"],
                               user=USER_ID, group=USER_ID, extra_groups=[], cwd="/",
                               stdin=subprocess.DEVNULL)
        try:
            label = self.label_of_sleep()
        finally:
            job.terminate()
            job.wait()
        (name,) = self.profiles()
        self.assertEqual(label, f"cordon-job//&:cordon-{USER_ID}:{name} (enforce)\n")

    def label_of_sleep(self):
        for _ in range(300):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if read(f"/proc/{pid}/cmdline").startswith("/bin/sleep\0"):
                        return read(f"/proc/{pid}/attr/apparmor/current")
                except OSError:
                    continue  # it has ended
            time.sleep(0.1)
        return self.fail("the job did not start")

    def test_without_the_namespace_the_static_profile_is_entered(self):
        os.rmdir(NAMESPACE)
        output, row = self.run_job(LABEL)
        self.assertEqual(output, "cordon-job (enforce)\n")
        self.assertEqual(row["detail"], "cordon-job, one for every job")

    def load(self, text):
        subprocess.run([PARSER, "--skip-cache", "--replace"], input=text, text=True, check=True)

    def test_the_hash_that_cordon_setup_recorded_is_compared(self):
        _, row = self.run_job("true")
        self.assertTrue(row["confirmed_by"].endswith(
            "mode and hash in securityfs (of cordon-job above it the mode alone: no hash of it is "
            "recorded)"), row)
        text = read(FAMILY)
        edited = text.replace("  network unix,\n", "  network unix,\n  network inet raw,\n")
        self.assertNotEqual(edited, text)
        done = subprocess.run([SETUP], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        try:
            for stacked in (True, False):
                if not stacked:
                    os.rmdir(NAMESPACE)
                _, row = self.run_job("true")
                self.assertEqual(row["state"], "ENFORCED_VERIFIED")
                self.assertTrue(row["confirmed_by"].endswith(" the profile's mode and hash in "
                                                             "securityfs"), row)
                self.load(edited)
                _, row = self.run_job("true")
                self.assertEqual(row["state"], "UNAVAILABLE")
                self.assertIn("cordon-job is not the one that cordon-setup loaded", row["detail"])
                self.load(text)
        finally:
            undone = subprocess.run([SETUP, "--undo"], capture_output=True, text=True, check=False)
            self.assertEqual(undone.returncode, 0, undone.stdout + undone.stderr)
            self.load(text)
        _, row = self.run_job("true")
        self.assertTrue(row["confirmed_by"].endswith(
            " the profile's mode in securityfs (no hash of it is recorded)"), row)

    def test_a_job_does_not_leave_its_profile(self):
        inside, _ = self.run_job(LABEL)
        alone = "landlock { enforcement: OFF }"
        output, row = self.run_job(LEAVE, alone)
        self.assertEqual(row["state"], "ENFORCED_VERIFIED")
        self.assertNotIn("taken", output)
        self.assertTrue(output.rstrip().endswith("(enforce)"), output)
        self.assertEqual(output.count("cordon-"), inside.count("cordon-"), output)
        # The control: one that is in no profile enters whichever it likes.
        control, _ = self.run_job(LEAVE, alone + " apparmor { enforcement: OFF }")
        self.assertIn("taken: changeprofile cordon-job", control)

    def test_what_another_user_puts_there_is_noticed_and_replaced(self):
        self.run_job("true")
        before = self.profiles()
        (name,) = before
        wide = f"profile {name} {{ file, signal, network, ptrace, }}\n"
        done = as_user(OTHER_ID, ["/bin/sh", "-c", SPOIL % (USER_ID, PARSER)], input=wide)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(self.profiles(), before, "the attack works")
        _, row = self.run_job("true")
        self.assertEqual(row["state"], "ENFORCED_VERIFIED")
        self.assertEqual(self.profiles(), before)


if __name__ == "__main__":
    unittest.main(testRunner=python_results.Runner("vm_apparmor_user"))
