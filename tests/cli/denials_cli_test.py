# SPDX-License-Identifier: Apache-2.0
"""What a report says of Landlock's denials: real ones, which the kernel logs from Linux 6.15 while
its audit is on. Those of AppArmor: tests/vm/cases/denials.py.

Run by ctest: denials_cli_test.py --cordon PROGRAM --payload PROGRAM [unittest options]. It turns
the audit of this host on and off; as root, where no daemon listens.
"""

import os
import subprocess

import kernel_audit
import run_cli_test
from run_cli_test import CliTest

TRY = "echo x >/keep/file; mkdir /keep/folder; cat /keep/file >/dev/null; " \
      "echo x >/proc/self/comm; exit 7"
# Denies itself to read files.
OWN_DOMAIN = """
import ctypes, sys
call = ctypes.CDLL(None, use_errno=True).syscall
rights = (ctypes.c_uint64 * 1)(1 << 2)
if call(446, call(444, rights, 8, 0), 0) != 0: sys.exit(ctypes.get_errno())
try: open("/keep/file")
except PermissionError: sys.exit(7)
"""


class LandlockDenials(CliTest):
    def setUp(self):
        super().setUp()
        if run_cli_test.FACTS.get("landlock_abi", 0) < 7:
            self.skipTest("needs Landlock ABI 7")
        state = kernel_audit.state()
        if state is None:
            self.skipTest("needs root, whom alone the kernel's audit obeys")
        if state[0] == 2 or state[1] != 0:
            self.skipTest("needs a kernel's audit that nobody uses and that is not locked")
        self.enterContext(kernel_audit.lines_limited("0"))
        self.keep = os.path.join(self.folder, "keep")
        os.mkdir(self.keep)
        os.chmod(self.keep, 0o777)
        self.file = os.path.join(self.keep, "file")
        with open(self.file, "w", encoding="utf-8") as file:
            file.write("kept\n")
        os.chmod(self.file, 0o666)
        self.policy = self.written("READ")

    def written(self, access):
        policy = os.path.join(self.folder, f"{access}.textproto")
        with open(policy, "w", encoding="utf-8") as file:
            file.write('extends: "base/build" cgroup { enforcement: IF_AVAILABLE } mounts { bind { '
                       f'source: "{self.keep}" target: "/keep" read_only: false }} }} landlock {{ '
                       f'enforcement: REQUIRED file {{ path: "/keep" access: {access} }} }}')
        return policy

    def denied(self, script=TRY):
        done, report = self.run_command(["/bin/sh", "-c", script])
        self.assertEqual(report["verdict"], "EXITED", done.stderr)
        return done, report, {(each["operation"], each["object"]): each
                              for each in report.get("denial", ())}

    def test_they_are_listed_and_explained(self):
        with kernel_audit.turned(1):
            done, report, denied = self.denied()
        proc = [key for key in denied if key[1].startswith("/proc/")]
        self.assertEqual({key[1] for key in denied} - {key[1] for key in proc},
                         {"/keep/file", "/keep"})
        writing = next(each for key, each in denied.items() if key[1] == "/keep/file")
        self.assertIn("fs.write_file", writing["operation"])
        self.assertEqual((writing["layer"], writing["decided_by"]),
                         ("landlock", "landlock.file[0].access"))
        self.assertEqual(writing["allow_with"],
                         'landlock { file { path: "/keep" access: WRITE } }')
        # By a child of the main process.
        self.assertIn(("fs.make_dir", "/keep"), denied)
        self.assertEqual({denied[key]["allow_with"] for key in proc}, {""})
        self.assertNotIn("audit=1", str(report["denials_unknown"]))
        self.assertIn(b"landlock: fs.make_dir /keep, by landlock.file[0].access\n", done.stderr)
        with open(self.file, encoding="utf-8") as file:
            self.assertEqual(file.read(), "kept\n")

    def test_with_the_text_that_is_advised_nothing_is_denied(self):
        self.policy = self.written("WRITE")
        with kernel_audit.turned(1):
            _, _, denied = self.denied("echo x >/keep/file; mkdir /keep/folder; exit 7")
        self.assertEqual(denied, {})
        with open(self.file, encoding="utf-8") as file:
            self.assertEqual(file.read(), "x\n")

    def test_where_audit_is_off_that_is_said(self):
        with kernel_audit.turned(0):
            _, report, denied = self.denied()
        self.assertEqual(denied, {})
        self.assertIn("audit=1", str(report["denials_unknown"]))

    def test_where_a_daemon_listens_that_is_said(self):
        with kernel_audit.turned(1), kernel_audit.daemon() as types:
            _, report, denied = self.denied()
            told = types()
        self.assertEqual(denied, {})
        self.assertNotIn(1423, told)  # no job fills the log of who did not ask
        self.assertIn("no audit daemon", str(report["denials_unknown"]))

    def test_jobs_at_the_same_time_have_their_own(self):
        def script(name):
            return f"for i in 1 2 3 4 5; do echo x >/keep/{name}; sleep 0.1; done; exit 7"

        with kernel_audit.turned(1):
            with subprocess.Popen(self.line(["/bin/sh", "-c", script("other")]),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) as other:
                _, _, denied = self.denied(script("mine"))
                told = other.stderr.read()
        # What is to be made is denied in its folder, so that names do not tell them apart.
        self.assertEqual({key: each["count"] for key, each in denied.items()},
                         {("fs.make_reg", "/keep"): "5"})
        self.assertIn(b"fs.make_reg /keep, 5 times", told)

    def test_what_a_job_denies_itself_is_not_in_the_log(self):
        with open(self.policy, "a", encoding="utf-8") as file:
            file.write('seccomp { rule { calls: ["landlock_create_ruleset", '
                       '"landlock_restrict_self"] action: ALLOW } }')
        with kernel_audit.turned(1):
            done, _, denied = self.denied(f"exec python3 -c '{OWN_DOMAIN}'")
        self.assertEqual((done.returncode, denied), (7, {}))

    def test_what_the_twin_tries_is_not_in_the_log(self):
        with kernel_audit.turned(1), kernel_audit.new_lines() as lines:
            self.denied("exit 7")
            self.assertEqual([each for each in lines() if "type=1423 " in each], [])
            self.denied("echo x >/keep/file; exit 7")  # the control
            self.assertEqual(sum("type=1423 " in each for each in lines()), 1)


if __name__ == "__main__":
    run_cli_test.main("denials_cli")
