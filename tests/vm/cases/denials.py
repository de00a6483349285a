# SPDX-License-Identifier: Apache-2.0
"""What a report says of AppArmor's denials: real ones on a kernel that logs them, those of other
jobs and forged ones, and what it says where the log cannot be read.

Run as root inside the VM lab (scenario full). It loads a profile as an administrator would, and
takes it away again.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path[:0] = [os.path.join(TREE, "tools"), os.path.join(TREE, "tests/cli")]
import kernel_audit  # noqa: E402  (the folders are on the path only now)
import python_results  # noqa: E402

CORDON = os.path.join(TREE, "build/cordon")
PARSER = "/sbin/apparmor_parser"
SECURITY = "/sys/kernel/security/apparmor"
USER_ID = 1000
NAME = "cordon-denials-of-an-administrator"
# All that a shell and cat need, and nothing below /data.
PROFILE = """abi <abi/3.0>,
profile %s flags=(attach_disconnected,mediate_deleted) {
  signal,
  unix,
  "/" r,
  "/{usr,bin,lib,lib64,etc,proc,dev,work,tmp}{,/**}" mrwix,
  "/data/" r,
  %s
}
"""
BASE = 'extends: "base/build" cgroup { enforcement: IF_AVAILABLE } '
TRUNCATE = "import os, sys\nfor _ in range(int(sys.argv[2])):\n" \
           "  try: os.truncate(sys.argv[1], 0)\n  except PermissionError: failed = True\n" \
           "  else: failed = False\nsys.exit(failed)"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def load(rule):
    subprocess.run([PARSER, "--skip-cache", "--replace"], input=PROFILE % (NAME, rule), text=True,
                   check=True)


class Denials(unittest.TestCase):
    def setUp(self):
        if not os.path.isdir(SECURITY):
            self.skipTest("needs AppArmor")
        self.folder = tempfile.mkdtemp()
        os.chmod(self.folder, 0o777)
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.data)
        with open(os.path.join(self.data, "secret"), "w", encoding="utf-8") as file:
            file.write("secret\n")
        self.reports = 0
        load("")
        self.enterContext(kernel_audit.lines_limited("0"))

    def tearDown(self):
        subprocess.run([PARSER, "--skip-cache", "--remove"], input=PROFILE % (NAME, ""), text=True,
                       check=True)
        shutil.rmtree(self.folder)

    def policy(self, text, name="p"):
        path = os.path.join(self.folder, name + ".textproto")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def theirs(self):
        return self.policy(
            BASE + f'apparmor {{ profile: "{NAME}" enforcement: REQUIRED }} '
            f'mounts {{ bind {{ source: "{self.data}" target: "/data" }} }}')

    def narrowed(self):
        """A folder that its mount lets be written, and a rule does not. Landlock of this kernel
        does not know of truncating, so AppArmor denies it alone."""
        for path in (self.data, os.path.join(self.data, "secret")):
            os.chown(path, USER_ID, USER_ID)
        return self.policy(
            BASE + 'apparmor { enforcement: REQUIRED } '
            f'mounts {{ bind {{ source: "{self.data}" target: "/keep" read_only: false }} }} '
            'landlock { enforcement: IF_AVAILABLE file { path: "/keep" access: READ } }', "narrow")

    def start(self, policy, command, **more):
        self.reports += 1
        report = os.path.join(self.folder, f"report{self.reports}.json")
        job = subprocess.Popen([CORDON, "run", "--policy", policy, "--report", report, "--",
                                *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, cwd="/", **more)
        return job, report

    def finish(self, job, report):
        out, err = job.communicate()
        found = json.loads(read(report))
        self.assertEqual(found["verdict"], "EXITED", err)
        return found, out, err

    def run_job(self, policy, command, **more):
        return self.finish(*self.start(policy, command, stdin=subprocess.DEVNULL, **more))

    def unknown(self, report, layer="apparmor"):
        return [why for why in report.get("denials_unknown", []) if why.startswith(layer)]

    def test_what_an_administrators_profile_denies_and_the_rule_that_allows_it(self):
        command = ["/bin/sh", "-c", "cat /data/secret; cat /data/secret"]
        report, out, err = self.run_job(self.theirs(), command)
        self.assertEqual(out, "")
        (denial,) = report["denial"]
        self.assertEqual(denial["layer"], "apparmor")
        self.assertEqual(denial["operation"], "open")
        self.assertEqual(denial["object"], "/data/secret")
        self.assertEqual(denial["requested"], "r")
        self.assertEqual(int(denial["count"]), 2)
        self.assertEqual(denial["process"], "cat")
        self.assertEqual(denial["profile"], NAME)
        self.assertEqual(denial["decided_by"], "apparmor.profile")
        self.assertEqual(denial["allow_with"], "", "the profile is not the policy's")
        self.assertIn("denied:\n  apparmor: open /data/secret (r) by cat, 2 times", err)
        # The positive control: with the rule that it names, the same job reads.
        before, rule = denial["allow_note"][1].split(": ", 1)
        self.assertEqual(before, "a rule of it that allows it")
        load(rule)
        report, out, _ = self.run_job(self.theirs(), command)
        self.assertEqual(out, "secret\nsecret\n")
        self.assertEqual(report.get("denial", []), [])

    def test_what_the_policy_denies_and_the_line_that_allows_it(self):
        target = os.path.join(self.data, "secret")
        command = ["/usr/bin/python3", "-c", TRUNCATE, "/keep/secret", "1"]
        report, _, err = self.run_job(self.narrowed(), command)
        self.assertEqual(report.get("exit_code", 0), 1, err)
        self.assertEqual(read(target), "secret\n")
        (denial,) = report["denial"]
        self.assertEqual(denial["operation"], "truncate")
        self.assertEqual(denial["object"], "/keep/secret")
        self.assertEqual(denial["requested"], "w")
        self.assertEqual(denial["decided_by"], "landlock.file[0].access")
        self.assertEqual(denial["allow_with"],
                         'landlock { file { path: "/keep" access: WRITE } }')
        self.assertIn("to allow it: landlock {", err)
        report, _, err = self.run_job(
            self.policy(f'extends: "narrow.textproto" {denial["allow_with"]}', "wider"), command)
        self.assertEqual(report.get("exit_code", 0), 0, err)
        self.assertEqual(read(target), "")
        self.assertEqual(report.get("denial", []), [])

    def test_where_the_log_takes_every_line_none_is_missing(self):
        report, _, _ = self.run_job(
            self.narrowed(), ["/usr/bin/python3", "-c", TRUNCATE, "/keep/secret", "40"])
        self.assertEqual([int(each["count"]) for each in report["denial"]], [40])
        (why,) = self.unknown(report)
        self.assertIn("1024", why)
        report, _, _ = self.run_job(self.narrowed(), ["/usr/bin/true"])
        self.assertEqual(report.get("denial", []), [])
        self.assertEqual(self.unknown(report), [why])
        with kernel_audit.lines_limited("5"):
            report, _, _ = self.run_job(self.narrowed(), ["/usr/bin/true"])
        self.assertEqual(len(self.unknown(report)), 2)
        self.assertIn("kernel.printk_ratelimit", self.unknown(report)[1])
        self.assertEqual(len(self.unknown(report, "landlock")), 1)

    def job_of(self, supervisor):
        """The job's process, once its program runs."""
        for _ in range(600):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError):
                    if (read(f"/proc/{pid}/cmdline") == "/bin/cat\0" and
                            NAME in read(f"/proc/{pid}/attr/apparmor/current")):
                        return int(pid)
            self.assertIsNone(supervisor.poll(), "the job has ended")
            time.sleep(0.1)
        return self.fail("the job did not start")

    def test_neither_a_neighbours_denials_nor_forged_ones_are_listed(self):
        policy = self.theirs()
        waiting = self.start(policy, ["/bin/cat"], stdin=subprocess.PIPE)
        pid = self.job_of(waiting[0])
        user = read(f"/proc/{pid}/status").split("Uid:")[1].split()[3]
        neighbour, _, _ = self.run_job(policy, ["/bin/sh", "-c", "cat /data/secret"])
        self.assertEqual(len(neighbour["denial"]), 1)
        with open("/dev/kmsg", "w", encoding="utf-8") as log:
            log.write('<5>audit: type=1400 audit(1795729743.470:9999): apparmor="DENIED" '
                      f'operation="open" profile="{NAME}" name="/forged" pid={pid} comm="cat" '
                      f'requested_mask="r" denied_mask="r" fsuid={user} ouid=0\n')
        # The writer is heard, so the report's silence is the reader's work.
        seen = subprocess.run(["dmesg"], capture_output=True, text=True, check=True).stdout
        self.assertIn("/forged", seen)
        report, _, _ = self.finish(*waiting)
        self.assertEqual(report.get("denial", []), [])
        self.assertFalse([why for why in self.unknown(report) if "same profile" in why])

    def test_a_name_that_looks_like_a_line_is_a_name(self):
        name = 'a" pid=1 profile="x" fsuid=0\n5,1,1,-;audit: type=1400 \x1b[31m'
        report, _, err = self.run_job(self.theirs(), ["/bin/cat", f"/data/{name}"])
        self.assertEqual(report.get("denial", []), [], "nothing is there to be denied")
        with open(os.path.join(self.data, name), "w", encoding="utf-8") as file:
            file.write("x")
        report, _, err = self.run_job(self.theirs(), ["/bin/cat", f"/data/{name}"])
        (denial,) = report["denial"]
        self.assertEqual(denial["object"],
                         '/data/a\\" pid=1 profile=\\"x\\" fsuid=0\\n5,1,1,-;audit: type=1400 '
                         '\\033[31m')
        self.assertEqual(denial["profile"], NAME)
        self.assertNotIn("\x1b[31m", err.split("denied:")[1])

    def test_a_long_name_cannot_hide_a_denial_in_silence(self):
        path = self.data
        for _ in range(5):
            path = os.path.join(path, "a " * 100)
            os.mkdir(path)
        with open(os.path.join(path, "f"), "w", encoding="utf-8") as file:
            file.write("x")
        report, out, _ = self.run_job(
            self.theirs(), ["/bin/cat", "/data" + path[len(self.data):] + "/f"])
        self.assertEqual(out, "")
        self.assertTrue([why for why in self.unknown(report) if "1024" in why])

    def test_an_audit_daemon_takes_the_lines_and_is_named(self):
        with kernel_audit.daemon():
            report, out, _ = self.run_job(self.theirs(), ["/bin/cat", "/data/secret"])
        self.assertEqual(out, "")
        self.assertEqual(report.get("denial", []), [])
        self.assertTrue([why for why in self.unknown(report)
                         if f"an audit daemon (process {os.getpid()})" in why], report)
        report, _, _ = self.run_job(self.theirs(), ["/bin/cat", "/data/secret"])
        self.assertEqual(len(report["denial"]), 1, "the control: without it they are in the log")

    def test_an_ordinary_user_is_told_that_the_log_cannot_be_read(self):
        self.assertEqual(read("/proc/sys/kernel/dmesg_restrict"), "1\n")
        report, out, err = self.run_job(self.theirs(), ["/bin/cat", "/data/secret"], user=USER_ID,
                                        group=USER_ID, extra_groups=[])
        self.assertEqual(out, "", err)
        self.assertEqual(report.get("exit_code", 0), 1, "it was denied")
        self.assertEqual(report.get("denial", []), [])
        (why,) = self.unknown(report)
        self.assertIn("the kernel's log cannot be read", why)


if __name__ == "__main__":
    unittest.main(testRunner=python_results.Runner("vm_denials"))
