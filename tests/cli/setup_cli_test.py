# SPDX-License-Identifier: Apache-2.0
"""`cordon-setup` on a made-up host below --root, judged by the tree of files that it leaves.

Run by ctest: setup_cli_test.py --setup PROGRAM [unittest options]. That the files do on a real host
what they are for is tests/vm/cases/setup.py.
"""

import os
import shutil
import stat
import subprocess
import tempfile
import unittest

import command_line


SETUP = ""
NOBODY = 65534
DROP_IN = "etc/systemd/system/user@.service.d/cordon.conf"
PROFILE = "etc/apparmor.d/cordon-job"
AT_BOOT = "etc/systemd/system/apparmor.service.d/cordon.conf"
NAMESPACES = "sys/kernel/security/apparmor/policy/namespaces"
HOST = {
    "run/systemd/system/": "",
    "sys/fs/cgroup/cgroup.controllers": "cpu memory pids\n",
    "sys/module/apparmor/parameters/enabled": "Y\n",
    NAMESPACES + "/": "",
    "usr/sbin/apparmor_parser": "",
    "usr/bin/cordon": "",
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:1007:1007::/home/ann:/bin/sh\n",
    "etc/subuid": "ann:100000:65536\n",
    "etc/subgid": "ann:100000:65536\n",
    "proc/sys/kernel/unprivileged_userns_clone": "1\n",
    "proc/sys/user/max_user_namespaces": "10000\n",
}


def snapshot(root):
    """Every path below `root` with its kind, mode and content."""
    found = {}
    for where, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(where, name)
            mode = os.lstat(path).st_mode
            text = None
            if stat.S_ISREG(mode):
                with open(path, encoding="utf-8") as file:
                    text = file.read()
            found[os.path.relpath(path, root)] = (stat.S_IFMT(mode), stat.S_IMODE(mode), text)
    return found


class Setup(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="cordon-setup-")
        self.addCleanup(shutil.rmtree, self.root)
        os.chmod(self.root, 0o755)
        for path, text in HOST.items():
            self.put(path, text)

    def put(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(full if path.endswith("/") else os.path.dirname(full), exist_ok=True)
        if not path.endswith("/"):
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)

    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def run_setup(self, *arguments, **more):
        return subprocess.run([SETUP, "--root", self.root, "--cordon", "/usr/bin/cordon",
                               *arguments], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, **more)


class DryRun(Setup):
    def test_it_says_everything_and_does_nothing(self):
        before = snapshot(self.root)
        done = self.run_setup("--dry-run", "--user", "ann")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(snapshot(self.root), before)
        for line in (f"write 0644 /{DROP_IN}", "    Delegate=cpu cpuset io memory pids",
                     f"write 0644 /{PROFILE}", f"mkdir 0755 /{NAMESPACES}/cordon-1007",
                     "mkdir 0755 /etc/systemd/system/user@.service.d"):
            self.assertIn(line + "\n", done.stdout)
        self.assertIn("run /usr/sbin/apparmor_parser -r /etc/apparmor.d/cordon-job", done.stdout)
        self.assertIn("run /usr/bin/systemctl daemon-reload", done.stdout)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to become a user")
    def test_a_user_may_look_and_not_do(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            program = shutil.copy(SETUP, folder)
            for arguments, status in ((["--dry-run"], 0), ([], 1), (["--undo"], 1)):
                done = subprocess.run([program, "--root", self.root, *arguments], cwd="/",
                                      capture_output=True, text=True, check=False, user=NOBODY,
                                      group=NOBODY, extra_groups=[])
                self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIn("only root may change a host", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.root, "var")))

    def test_what_was_said_is_what_is_done(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        said = self.run_setup("--dry-run", "--user", "ann").stdout.splitlines()
        done = self.run_setup("--user", "ann").stdout.splitlines()
        self.assertEqual(said[1:], done)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Changes(Setup):
    def test_the_files_are_there_with_fixed_modes(self):
        done = self.run_setup("--user", "ann", preexec_fn=lambda: os.umask(0o077))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\n[Service]\nDelegate=cpu cpuset io memory pids\n", self.text(DROP_IN))
        self.assertIn("profile cordon-job ", self.text(PROFILE))
        self.assertIn(f"\n[Service]\nExecStartPost=-/usr/bin/mkdir -p /{NAMESPACES}/cordon-1007\n",
                      self.text(AT_BOOT))
        self.assertTrue(os.path.isdir(os.path.join(self.root, NAMESPACES, "cordon-1007")))
        self.assertFalse(os.path.exists(os.path.join(self.root, "etc/apparmor.d/cordon")))
        after = snapshot(self.root)
        for path in (DROP_IN, PROFILE, AT_BOOT):
            self.assertEqual(after[path][1], 0o644, path)
            self.assertEqual(after[os.path.dirname(path)][1], 0o755, path)

    def test_a_second_time_changes_nothing(self):
        self.run_setup("--user", "ann")
        before = snapshot(self.root)
        done = self.run_setup("--user", "ann")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(snapshot(self.root), before)
        self.assertIn(f"keep /{DROP_IN}\n", done.stdout)
        self.assertNotIn("write ", done.stdout)
        self.assertNotIn("daemon-reload", done.stdout)

    def test_undo_takes_back_exactly_what_was_done(self):
        before = snapshot(self.root)
        self.run_setup("--user", "ann")
        self.assertNotEqual(snapshot(self.root), before)
        done = self.run_setup("--undo")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(snapshot(self.root), before)
        self.assertIn("run /usr/sbin/apparmor_parser -R /etc/apparmor.d/cordon-job", done.stdout)
        again = self.run_setup("--undo")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(snapshot(self.root), before)

    def test_undo_leaves_what_others_put_beside_it(self):
        self.run_setup()
        other = os.path.join(os.path.dirname(DROP_IN), "site.conf")
        self.put(other, "[Service]\n")
        done = self.run_setup("--undo")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.text(other), "[Service]\n")
        self.assertFalse(os.path.exists(os.path.join(self.root, DROP_IN)))

    def test_a_file_of_somebody_else_is_not_touched_and_nothing_else_is_done(self):
        self.put(PROFILE, "# ours\n")
        before = snapshot(self.root)
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"/{PROFILE} is there and was not made by cordon-setup", done.stderr)
        self.assertEqual(snapshot(self.root), before)

    def test_what_was_changed_since_stays_until_somebody_decides(self):
        before = snapshot(self.root)
        self.run_setup()
        self.put(DROP_IN, "[Service]\nDelegate=yes\n")
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        self.assertIn("was changed since cordon-setup made it", done.stderr)
        done = self.run_setup("--undo")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"/{DROP_IN} was changed since", done.stderr)
        self.assertEqual(self.text(DROP_IN), "[Service]\nDelegate=yes\n")
        self.assertFalse(os.path.exists(os.path.join(self.root, PROFILE)))
        os.unlink(os.path.join(self.root, DROP_IN))
        self.assertEqual(self.run_setup("--undo").returncode, 0)
        after = snapshot(self.root)
        # The folder of the file that somebody took over was left, too.
        self.assertEqual({path for path in after if path not in before},
                         {"etc/systemd", "etc/systemd/system",
                          "etc/systemd/system/user@.service.d"})

    def test_a_record_that_is_not_understood_stops_everything(self):
        self.run_setup()
        self.put("var/lib/cordon/setup.state", "cordon-setup 1\nfile - relative\n")
        before = snapshot(self.root)
        for arguments in ([], ["--undo"]):
            done = self.run_setup(*arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn("a line that this version does not know", done.stderr)
        self.assertEqual(snapshot(self.root), before)


class Advice(Setup):
    def says(self, words, *arguments):
        done = self.run_setup("--dry-run", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(words, done.stdout)
        return done.stdout

    def test_hosts_that_lack_something_are_told_what(self):
        self.put("proc/sys/kernel/unprivileged_userns_clone", "0\n")
        self.says("sysctl kernel.unprivileged_userns_clone=1")
        self.put("proc/sys/user/max_user_namespaces", "0\n")
        self.says("sysctl user.max_user_namespaces=")
        os.unlink(os.path.join(self.root, "usr/sbin/apparmor_parser"))
        self.says("apt-get install apparmor")
        self.put("sys/module/apparmor/parameters/enabled", "N\n")
        self.says("boot with apparmor=1")
        shutil.rmtree(os.path.join(self.root, "run"))
        self.assertNotIn("daemon-reload", self.says("systemd does not run here", "--user", "ann"))
        os.unlink(os.path.join(self.root, "sys/fs/cgroup/cgroup.controllers"))
        self.says("systemd.unified_cgroup_hierarchy=1")

    def test_ranges_that_meet_the_ids_of_jobs_are_named(self):
        first = 0x60000000
        for line, meets in ((f"eve:{first - 10}:11", True), (f"eve:{first - 10}:10", False),
                            (f"eve:{first + (1 << 22)}:1", True),
                            (f"eve:{first + (1 << 22) + 1}:65536", False),
                            ("eve:0:4294967295", True), ("eve:x:y", False), (f"eve:{first}:0",
                                                                             False)):
            with self.subTest(line):
                self.put("etc/subuid", f"ann:100000:65536\n{line}\n")
                out = self.run_setup("--dry-run").stdout
                self.assertEqual(f'"{line}"' in out, meets, out)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to own the files")
    def test_the_profile_of_the_command_names_only_what_root_alone_can_write(self):
        self.put("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n")
        self.says("write 0644 /etc/apparmor.d/cordon\n")
        self.says("profile cordon /usr/bin/cordon flags=(unconfined)")
        os.chmod(os.path.join(self.root, "usr/bin"), 0o777)
        self.assertNotIn("write 0644 /etc/apparmor.d/cordon\n",
                         self.says("others than root may write to /usr/bin"))

    def test_users_that_do_not_exist_are_errors(self):
        for user, words in (("eve", "no user"), ("root", "root needs no"), ("0", "root needs no"),
                            ("ann; reboot", "no user")):
            done = self.run_setup("--dry-run", "--user", user)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
        self.says(f"{NAMESPACES}/cordon-1234", "--user", "1234")


def main():
    global SETUP  # pylint: disable=global-statement
    SETUP = command_line.take("setup").setup
    command_line.run("setup_cli")


if __name__ == "__main__":
    main()
