# SPDX-License-Identifier: Apache-2.0
"""`cordon-setup` on a made-up host below --root, judged by the tree of files that it leaves.

Run by ctest: setup_cli_test.py --setup PROGRAM [unittest options]. That the files do on a real host
what they are for is tests/vm/cases/setup.py.
"""

import os
import shutil
import subprocess
import tempfile
import unittest

import command_line
import setup_host
from setup_host import APPARMOR, AT_BOOT, DROP_IN, NAMESPACES, PROFILE, STATE, snapshot


SETUP = ""
NOBODY = 65534
LOADED = f"{APPARMOR}/policy/profiles/cordon-job.7"
REMOVE = f"{APPARMOR}/.remove"


class Setup(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="cordon-setup-")
        self.addCleanup(shutil.rmtree, self.root)
        setup_host.make(self.root)

    def put(self, path, text):
        setup_host.put(self.root, path, text)

    def load_profile(self, digits="ab" * 32):
        """As the kernel shows it."""
        for name, text in (("name", "cordon-job"), ("mode", "enforce"), ("raw_sha256", digits)):
            self.put(f"{LOADED}/{name}", text + "\n")

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
        self.assertIn(f"record 0644 /{STATE}\n", done.stdout)

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
        self.assertFalse(os.path.exists(os.path.join(self.root, "var/lib/cordon")))

    def test_what_was_said_is_what_is_done(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        said = self.run_setup("--dry-run", "--user", "ann").stdout.splitlines()
        done = self.run_setup("--user", "ann").stdout.splitlines()
        self.assertEqual(said[1:], done)
        before = snapshot(self.root)
        said = self.run_setup("--dry-run", "--undo").stdout.splitlines()
        self.assertEqual(snapshot(self.root), before)
        self.assertIn(f"remove /{PROFILE}", said)
        self.assertEqual(said[1:], self.run_setup("--undo").stdout.splitlines())

    def test_every_file_that_is_made_was_said(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        before = snapshot(self.root)
        said = self.run_setup("--user", "ann").stdout
        for path in snapshot(self.root).keys() - before.keys():
            self.assertRegex(said, rf"(?m)^(write 0644|record 0644|mkdir 0755) /{path}$")


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Changes(Setup):
    def test_the_files_are_there_with_fixed_modes(self):
        done = self.run_setup("--user", "ann", preexec_fn=lambda: os.umask(0o077))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\n[Service]\nDelegate=cpu cpuset io memory pids\n", self.text(DROP_IN))
        self.assertIn("profile cordon-job ", self.text(PROFILE))
        self.assertIn(f"\n[Service]\nExecStartPost=-/usr/bin/mkdir -p /{NAMESPACES}/cordon-1007\n",
                      self.text(f"{AT_BOOT}/cordon-1007.conf"))
        self.assertTrue(os.path.isdir(os.path.join(self.root, NAMESPACES, "cordon-1007")))
        self.assertFalse(os.path.exists(os.path.join(self.root, "etc/apparmor.d/cordon")))
        after = snapshot(self.root)
        for path in (DROP_IN, PROFILE, f"{AT_BOOT}/cordon-1007.conf", STATE):
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
        again = self.run_setup("--undo")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(snapshot(self.root), before)

    def test_a_user_who_comes_later_replaces_nobody(self):
        before = snapshot(self.root)
        for user in ("ann", "bob"):
            done = self.run_setup("--user", user)
            self.assertEqual(done.returncode, 0, done.stderr)
        # At the next boot the namespaces are gone: systemd makes them again by all of these.
        at_boot = "".join(self.text(f"{AT_BOOT}/{name}")
                          for name in os.listdir(os.path.join(self.root, AT_BOOT)))
        for uid in (1007, 1008):
            self.assertIn(f"mkdir -p /{NAMESPACES}/cordon-{uid}\n", at_boot)
            self.assertTrue(os.path.isdir(os.path.join(self.root, f"{NAMESPACES}/cordon-{uid}")))
        self.assertEqual(self.run_setup("--undo").returncode, 0)
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
        self.assertEqual(snapshot(self.root), before)

    def test_a_record_that_is_not_understood_stops_everything(self):
        self.run_setup()
        self.put("var/lib/cordon/setup.state", "cordon-setup 1\nfile - relative\n")
        before = snapshot(self.root)
        for arguments in ([], ["--undo"]):
            done = self.run_setup(*arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn("a line that this version does not know", done.stderr)
        self.assertEqual(snapshot(self.root), before)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Loaded(Setup):
    """What the kernel has of AppArmor, which no file of /etc tells."""

    def stays(self, words, *paths):
        """Undo refuses: nothing is unloaded, the paths stay and the record of them."""
        done = self.run_setup("--undo")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(words, done.stderr)
        self.assertNotIn("unload ", done.stdout)
        self.assertEqual(self.text(REMOVE), "")
        for path in paths:
            self.assertTrue(os.path.exists(os.path.join(self.root, path)), path)
        self.assertIn("profile " + "ab" * 32 + f" /{PROFILE}\n", self.text(STATE))

    def undone(self):
        done = self.run_setup("--undo")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.text(REMOVE), "cordon-job")
        for path in (PROFILE, STATE):
            self.assertFalse(os.path.exists(os.path.join(self.root, path)), path)
        return done.stdout

    def test_the_kernels_hash_is_recorded(self):
        self.run_setup()
        self.assertIn(f"profile - /{PROFILE}\n", self.text(STATE))
        self.load_profile()
        self.run_setup()
        self.assertIn("profile " + "ab" * 32 + f" /{PROFILE}\n", self.text(STATE))

    def test_a_profile_without_its_file_is_unloaded(self):
        self.load_profile()
        self.run_setup()
        os.unlink(os.path.join(self.root, PROFILE))
        said = self.undone()
        self.assertIn(f"unload the profile cordon-job\ngone /{PROFILE}\n", said)

    def test_the_administrators_version_stays_loaded(self):
        self.load_profile()
        self.run_setup()
        ours = self.text(PROFILE)
        self.put(PROFILE, ours + "# and more\n")
        self.stays(f"/{PROFILE} was changed since", PROFILE)
        os.unlink(os.path.join(self.root, PROFILE))
        self.load_profile("cd" * 32)
        self.stays("cordon-job that is loaded is another than cordon-setup loaded")
        self.load_profile()
        self.put(PROFILE, ours)
        self.undone()

    def test_a_profile_that_confines_somebody_stays(self):
        self.load_profile()
        self.run_setup()
        label = "proc/4242/attr/apparmor/current"
        for text in ("cordon-job (enforce)\n", "cordon-job//&:cordon-1007:x (enforce)\n",
                     "cordon-job//child (enforce)\n"):
            self.put(label, text)
            self.stays("the profile cordon-job is in use, and stays: without it these processes "
                       "would be unconfined: 4242;", PROFILE)
        self.put(label, "cordon-jobs (enforce)\n")
        self.undone()

    def test_a_namespace_that_confines_somebody_stays(self):
        self.run_setup("--user", "ann")
        namespace = os.path.join(self.root, NAMESPACES, "cordon-1007")
        label = "proc/4242/attr/apparmor/current"
        self.put(label, "other//&:cordon-1007:x (enforce)\n")
        done = self.run_setup("--undo")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the policy namespace cordon-1007 is in use", done.stderr)
        self.assertTrue(os.path.isdir(namespace))
        self.put(label, ":cordon-10071:x (enforce)\n")
        self.assertEqual(self.run_setup("--undo").returncode, 0)
        self.assertFalse(os.path.exists(namespace))

    def test_without_the_files_of_apparmor_nothing_is_claimed(self):
        self.run_setup()
        shutil.rmtree(os.path.join(self.root, APPARMOR))
        done = self.run_setup("--undo")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("whether the profile cordon-job is loaded cannot be seen", done.stderr)
        self.assertTrue(os.path.exists(os.path.join(self.root, PROFILE)))
        self.put("sys/module/apparmor/parameters/enabled", "N\n")
        self.assertEqual(self.run_setup("--undo").returncode, 0)


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
