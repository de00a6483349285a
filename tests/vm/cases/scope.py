# SPDX-License-Identifier: Apache-2.0
"""A host that systemd manages: `cordon run` without any flag gets a delegated scope by itself, and
where it does not it names a line that helps.

Run as root inside the VM lab (scenario systemd). Each case starts the command as a user has it: in
a unit of the user's manager, in a login session, as root in a service. Judged from outside: by the
exit status, the job's verdict, the group that the report names, and what is left afterwards. The
positive control: without the helper program the same command is refused.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TREE, "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)

CORDON = os.path.join(TREE, "build/cordon")
USER_ID = 1000
USER = "tester"
LONELY_ID = 1234  # whose manager does not run
RUNTIME = f"/run/user/{USER_ID}"
GROUPS = "/sys/fs/cgroup"


def start(words, **more):
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **more)


def as_user(*words):
    """`words` as the user, in the root service that runs this script."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": f"/home/{USER}", "XDG_RUNTIME_DIR": RUNTIME}
    return start(words, user=USER_ID, group=USER_ID, extra_groups=[], env=environment)


def user_unit(*words):
    return as_user("systemd-run", "--user", "--pipe", "--wait", "--quiet", *words)


def session(*words):
    return start(["systemd-run", "--pipe", "--wait", "--quiet", "-p", "PAMName=login", "-p",
                  f"User={USER}", *words])


def service_of_root(*words):
    return start(["systemd-run", "--pipe", "--wait", "--quiet", *words])


def group_of(pid):
    with open(f"/proc/{pid}/cgroup", encoding="ascii") as file:
        return file.read().strip().rpartition(":")[2]


def enter(door):
    with open(door, "w", encoding="ascii") as file:
        file.write("0")


def groups_of_cordon():
    return [path for path in glob.glob(f"{GROUPS}/**/cordon-*", recursive=True)
            if os.path.isdir(path)]


class Scope(unittest.TestCase):
    def setUp(self):
        self.addCleanup(self.nothing_is_left)

    def nothing_is_left(self):
        deadline = time.monotonic() + 60
        while groups_of_cordon() and time.monotonic() < deadline:
            time.sleep(0.2)
        self.assertEqual(groups_of_cordon(), [])

    def finish(self, process):
        out, err = process.communicate(timeout=240)
        return process.returncode, out, err

    def judge(self, process):
        """The one report of a good run; the group in which the job was."""
        status, out, err = self.finish(process)
        self.assertEqual(status, 0, err)
        report = json.loads(out)
        self.assertEqual(report["verdict"], "EXITED", err)
        group = next(row for row in report["layers"] if row["layer"] == "cgroup")
        self.assertEqual(group["state"], "ENFORCED_VERIFIED")
        return group["detail"].split()[-1]

    def command(self, *more):
        return (CORDON, "run", "--report-fd", "1", *more, "--", "/bin/true")

    def assert_own_scope(self, path, above):
        parts = path.split("/")
        self.assertRegex(parts[-2], r"^cordon-\d+-[0-9a-f]+\.scope$", path)
        self.assertEqual(parts[-3], above, path)

    def test_in_a_unit_of_the_users_manager(self):
        self.assert_own_scope(self.judge(user_unit(*self.command())), "app.slice")

    def test_beside_other_processes_of_the_unit(self):
        self.assert_own_scope(
            self.judge(user_unit("sh", "-c", '"$@"; exit $?', "sh", *self.command())), "app.slice")

    def test_the_scope_goes_into_the_callers_slice(self):
        self.assert_own_scope(self.judge(user_unit("--slice=bounded.slice", *self.command())),
                              "bounded.slice")

    def test_in_a_login_session(self):
        self.assert_own_scope(self.judge(session(*self.command())), "app.slice")

    def test_without_an_environment(self):
        self.assert_own_scope(self.judge(user_unit("env", "-i", *self.command())), "app.slice")

    def test_root_in_a_service(self):
        self.assert_own_scope(self.judge(service_of_root(*self.command())), "system.slice")

    def test_many_at_once_do_not_disturb_each_other(self):
        runs = [user_unit(*self.command()) for _ in range(4)]
        paths = {self.judge(run) for run in runs}
        self.assertEqual(len(paths), 4)

    def test_the_limits_are_in_the_kernels_files_while_it_runs(self):
        run = user_unit(CORDON, "run", "--memory", "64MiB", "--wall-time", "20s", "--quiet", "--",
                        "/bin/sleep", "1000")
        found = []
        deadline = time.monotonic() + 120
        while not found and time.monotonic() < deadline:
            for path in glob.glob(f"{GROUPS}/**/cordon-*.scope/cordon-*/memory.max",
                                  recursive=True):
                with open(path, encoding="ascii") as file:
                    found += [path] if file.read() == f"{64 << 20}\n" else []
            time.sleep(0.1)
        self.assertEqual(len(found), 1)
        with open(os.path.join(os.path.dirname(found[0]), "memory.swap.max"),
                  encoding="ascii") as file:
            self.assertEqual(file.read(), "0\n")
        status, _, err = self.finish(run)
        self.assertEqual(status, 124, err)  # the wall limit ended it

    def test_without_the_helper_it_refuses_and_the_line_that_it_names_helps(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            alone = (shutil.copy(CORDON, folder), *self.command()[1:])
            beside = ("sh", "-c", '"$@"; exit $?', "sh")
            for starter, line in ((session, "systemd-run --user --scope -p Delegate=yes"),
                                  (service_of_root, "systemd-run --scope -p Delegate=yes")):
                status, _, err = self.finish(starter(*beside, *alone))
                self.assertEqual(status, 125)
                self.assertIn("systemd gave no scope", err)
                self.assertIn(f"{line} cordon run ...", err)
                self.judge(starter(*line.split(), "--quiet", *alone))

    def test_root_in_a_users_slice_stays_in_it(self):
        user = as_user("systemd-run", "--user", "--scope", "--quiet", "--slice=vte.slice", "sleep",
                       "300")
        self.addCleanup(user.communicate)
        self.addCleanup(user.kill)
        deadline = time.monotonic() + 60
        while "vte.slice" not in group_of(user.pid) and time.monotonic() < deadline:
            time.sleep(0.2)
        door = f"{GROUPS}{group_of(user.pid)}/cgroup.procs"  # as sudo leaves it
        run = start(self.command(), preexec_fn=lambda: enter(door))
        self.assert_own_scope(self.judge(run), f"user-{USER_ID}.slice")
        self.assertFalse(os.path.exists(f"{GROUPS}/vte.slice"))

    def test_in_a_namespace_of_processes_no_stranger_is_moved(self):
        stranger = start(["sleep", "600"])
        self.addCleanup(stranger.communicate)
        self.addCleanup(stranger.kill)
        before = group_of(stranger.pid)
        script = f'echo {stranger.pid - 1} >/proc/sys/kernel/ns_last_pid; "$@"; exit $?'
        status, _, err = self.finish(service_of_root(
            "unshare", "-pf", "--mount-proc", "sh", "-c", script, "sh", *self.command()))
        self.assertEqual(group_of(stranger.pid), before)
        self.assertEqual(status, 125, err)
        self.assertIn("outside of this PID namespace", err)

    def test_a_user_without_a_manager_is_told_how_to_get_one(self):
        subprocess.run(["useradd", "-u", f"{LONELY_ID}", "-m", "lonely"], check=True)

        def run():
            return start(self.command(), user=LONELY_ID, group=LONELY_ID, extra_groups=[],
                         cwd="/", env={"PATH": "/usr/bin:/bin", "HOME": "/home/lonely"})
        status, _, err = self.finish(run())
        self.assertEqual(status, 125)
        self.assertNotIn("--user", err)
        line = re.search("as root, once: ([^;]*);", err)
        self.assertIsNotNone(line, err)
        self.addCleanup(subprocess.run, ["loginctl", "disable-linger", "lonely"], check=True)
        subprocess.run(line.group(1).split(), check=True)
        deadline = time.monotonic() + 120
        while (not os.path.exists(f"/run/user/{LONELY_ID}/systemd/private")
               and time.monotonic() < deadline):
            time.sleep(0.2)
        self.assert_own_scope(self.judge(run()), "app.slice")

    def help_itself(self, *words, **more):
        """The command, where others are in the way; then what it says, and the command again."""
        script = ('said=$("$@" 2>&1); echo "$said" >&2; '
                  'line=$(echo "$said" | sed -n "s/^cordon: .*move them into a group below it: '
                  '\\(.*; done\\).*/\\1/p"); test -n "$line" && eval "$line"; "$@"; exit $?')
        return self.judge(start([*words, "sh", "-c", script, "sh", *self.command()], **more))

    def test_in_a_delegated_service_the_others_are_moved(self):
        subprocess.run(["useradd", "-u", "2345", "-m", "ci"], check=True)
        path = self.help_itself("systemd-run", "--pipe", "--wait", "--quiet", "-p", "Delegate=yes",
                                "-p", "User=ci", "--unit=ci.service")
        self.assertRegex(path, r"^/system.slice/ci.service/cordon-[^/]*$")

    def test_in_a_container_the_others_are_moved(self):
        inside = ("mount -t tmpfs none /run/systemd && umount -l /sys/fs/cgroup && "
                  "mount -t cgroup2 none /sys/fs/cgroup && "
                  'exec "$@"')
        self.help_itself("systemd-run", "--pipe", "--wait", "--quiet", "-p", "Delegate=yes",
                         "unshare", "-Cm", "sh", "-c", inside, "sh")

    def test_in_a_container_without_writable_groups_the_runtime_is_named(self):
        inside = ("mount -t tmpfs none /run/systemd && umount -l /sys/fs/cgroup && "
                  "mount -t cgroup2 none /sys/fs/cgroup && "
                  'mount -o remount,bind,ro /sys/fs/cgroup && "$@"; exit $?')
        status, _, err = self.finish(service_of_root("unshare", "-Cm", "sh", "-c", inside, "sh",
                                                     *self.command()))
        self.assertEqual(status, 125)
        self.assertIn("docker run --security-opt writable-cgroups=true", err)

    def test_the_jobs_of_a_batch_share_one_scope(self):
        with tempfile.NamedTemporaryFile("w", suffix=".textproto", encoding="utf-8") as jobs:
            jobs.write("".join(f'job {{ name: "j{i}" argv: "true" }}\n' for i in range(4)))
            jobs.flush()
            os.chmod(jobs.name, 0o644)
            status, out, err = self.finish(user_unit(CORDON, "batch", jobs.name, "--jobs", "2",
                                                     "--format", "json"))
        self.assertEqual(status, 0, out + err)
        found = set()
        for line in out.splitlines():
            rows = {row["layer"]: row for row in json.loads(line)["report"]["layers"]}
            self.assertEqual(rows["cgroup"]["state"], "ENFORCED_VERIFIED")
            found.add(rows["cgroup"]["detail"].split()[-1].rsplit("/", 1)[0])
        self.assertEqual(len(found), 1, found)

    def test_doctor_gets_its_scope_too(self):
        status, out, err = self.finish(user_unit(CORDON, "doctor", "--format", "json"))
        self.assertEqual(status, 0, out + err)
        rows = {row["layer"]: row for row in json.loads(out)["layers"]}
        self.assertTrue(rows["cgroup"]["available"] and rows["cgroup"]["verified"])

    def test_the_helper_moves_nobody_but_its_parent(self):
        helper = os.path.join(os.path.dirname(CORDON), "cordon-scope")
        status, out, _ = self.finish(as_user(helper, "user", "1", "cordon-1-1.scope"))
        self.assertEqual(status, 2)
        self.assertIn("is not the process that started cordon-scope", out)


if __name__ == "__main__":
    unittest.main(testRunner=python_results.Runner("vm_scope"))
