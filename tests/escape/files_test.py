# SPDX-License-Identifier: Apache-2.0
"""Files: what a job can read, change and fill. Judged by the host's files and by counters."""

import os
import socket
import subprocess
import tempfile

from harness import IS_ROOT, EscapeTest, tree_hash
import harness

MIB = 2**20
NOBODY = 65534


class Files(EscapeTest):
    def canary(self, writable=False):
        """A folder with a file and a folder, as an operator would bind it."""
        folder = tempfile.mkdtemp(prefix="canary_", dir=self.folder)
        with open(os.path.join(folder, "file"), "w", encoding="utf-8") as file:
            file.write("canary " * 2000)
        os.mkdir(os.path.join(folder, "sub"))
        os.chmod(folder, 0o777 if writable else 0o755)
        if writable and IS_ROOT:
            for top, folders, files in os.walk(folder):
                for path in [top] + [os.path.join(top, name) for name in folders + files]:
                    os.chown(path, NOBODY, NOBODY)
        return folder

    def test_a_read_only_bind_cannot_be_changed(self):
        folder = self.canary()
        before = tree_hash(folder)
        for policy in ("base/compute", "base/build", "ci/cmake", self.without("seccomp"),
                       self.without("landlock"),
                       self.without("seccomp", more="landlock { enforcement: OFF }")):
            run = self.attack("write-everything", "/canary", policy=policy,
                              flags=["--bind", f"{folder}:/canary:ro"])
            self.assert_verdict(run, "EXITED")
            self.assertNotIn("ok", run.answers().values(), run.text)
            self.assertEqual(tree_hash(folder), before, policy)
        folder = self.canary(writable=True)
        before = tree_hash(folder)
        control = self.attack("write-everything", "/canary",
                              flags=["--bind", f"{folder}:/canary:rw"])
        self.assertIn("ok", control.answers().values(), control.text)
        self.assertNotEqual(tree_hash(folder), before)

    def test_memory_is_no_way_around_a_read_only_file(self):
        folder = self.canary()
        before = tree_hash(folder)
        for policy in ("base/compute",
                       self.without("seccomp", more="landlock { enforcement: OFF }")):
            self.attack("write-through-memory", "/canary/file", policy=policy,
                        flags=["--bind", f"{folder}:/canary:ro"])
            self.assertEqual(tree_hash(folder), before)
        guarded = self.attack("write-through-memory", "/canary/file",
                              flags=["--bind", f"{folder}:/canary:ro"]).answers()
        control = self.attack("write-through-memory", "/canary/file",
                              policy=self.without("landlock"),
                              flags=["--bind", f"{folder}:/canary:ro"]).answers()
        if harness.FACTS.get("landlock_abi", 0):
            self.assertNotEqual(guarded["open_memory"], control["open_memory"])

    def test_the_hosts_files_are_not_there(self):
        secret = os.path.join(self.folder, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("the secret of the host")
        ways = [secret, f"/proc/1/root{secret}", f"/proc/self/root{secret}",
                f"/proc/self/cwd/../..{secret}", f"/../../..{secret}", f"/proc/1/cwd{secret}"]
        ways += [f"/proc/{pid}/root{secret}" for pid in (os.getpid(), os.getppid())]
        ways += [f"/proc/self/fd/{fd}{secret}" for fd in range(10)]
        for policy in ("base/strict", "base/build", "ci/cmake", self.without("seccomp")):
            run = self.attack("read-files", *ways, policy=policy)
            self.assert_verdict(run, "EXITED")
            self.assertEqual(run.out, b"")
        self.assertIn("the secret", self.outside("read-files", *ways).text)
        shown = self.attack("read-files", secret, flags=["--bind", f"{secret}:{secret}:ro"])
        self.assertIn("the secret", shown.text)

    def test_no_descriptor_of_the_caller_is_inherited(self):
        opened = [os.open(path, os.O_RDONLY) for path in ("/", "/etc/passwd", "/proc/self/ns/mnt",
                                                          "/dev/null", "/proc/self/ns/user")]
        ends = socket.socketpair()
        opened += [ends[0].detach(), ends[1].detach()]
        opened += [os.dup(opened[0]) for _ in range(40)]
        try:
            run = self.attack("descriptors", pass_fds=opened)
            self.assertEqual(run.out, b"")
            control = self.outside("descriptors", pass_fds=opened)
            self.assertGreaterEqual(control.text.count("descriptor"), len(opened))
        finally:
            for fd in opened:
                os.close(fd)

    def test_files_are_counted(self):
        """The limit on files and bytes of each place; the memory limit holds over all of them."""
        for kind in ("file", "folder", "link"):
            for place, limit in (("/tmp", 4096), ("/work", 4096)):
                made = self.attack("many-files", place, kind).number("made")
                self.assertLess(made, limit, (place, kind))
                self.assertGreater(made, limit - 16, (place, kind))
        more = self.policy('mounts { tmpfs { target: "/tmp" size: "64MiB" inodes: 6000 } }')
        self.assertGreater(self.attack("many-files", "/tmp", "file", policy=more).number("made"),
                           5900)

    def test_every_writable_place_is_bounded(self):
        places = ["/tmp", "/work", "/dev/shm", "/", "/usr", "/etc", "/proc", "/dev", "/run",
                  "/var/tmp", "/home"]
        free = os.statvfs("/").f_bfree
        run = self.attack("fill-everything", *places)
        self.assert_verdict(run, "EXITED")
        # 64 MiB in /tmp and /work each, 16 MiB in /dev/shm.
        self.assertLessEqual(run.number("wrote"), 144 * MIB)
        self.assertGreater(run.number("wrote"), 100 * MIB)
        self.assertGreater(run.usage("memory_peak_bytes"), 100 * MIB)
        self.assertLess(free - os.statvfs("/").f_bfree, 100 * MIB // os.statvfs("/").f_bsize * 100)
        small = self.attack("fill-everything", *places, flags=["--memory", "48MiB"])
        self.assert_verdict(small, "MEMORY_LIMIT")
        self.assertLessEqual(small.usage("memory_peak_bytes"), 49 * MIB)

    def test_a_sparse_file_has_no_size(self):
        run = self.attack("sparse", "/tmp")
        self.assertLessEqual(run.number("size"), 64 * MIB)
        self.assertEqual(run.answers()["write"], "EFBIG")
        control = self.outside("sparse", self.folder)
        self.assertGreaterEqual(control.number("size"), 2**33)

    def test_traps_for_a_cleaner_are_gone_with_the_job(self):
        before = set(os.listdir("/tmp"))
        run = self.attack("traps")
        self.assert_verdict(run, "EXITED")
        self.assertEqual(run.status, 0)
        new = {name for name in set(os.listdir("/tmp")) - before if name in ("d", "-rf", "--")}
        self.assertEqual(new, set())

    def test_nothing_outside_the_allowed_places_is_executed(self):
        """A program that the job wrote itself runs only where the policy says so."""
        names = ["exec_tmp", "exec_work", "exec_shm", "mmap_exec", "mprotect_exec", "exec_memfd",
                 "exec_memfd_path", "exec_memfd_asked", "exec_memfd_sealed"]
        for policy in ("base/strict", "base/compute", "base/build", "judge/go", "judge/java",
                       "judge/python", "compile/cpp", "compile/rust"):
            guarded = self.attack("probe", *names, policy=policy).answers()
            self.assertNotIn("ok", guarded.values(), policy)
        control = self.attack("probe", *names, policy="ci/cmake").answers()
        self.assertEqual(control["exec_tmp"], "ok")
        self.assertEqual(control["exec_memfd"], "ok")
        self.assertEqual(control["exec_memfd_path"], "ok")

    def test_set_id_programs_gain_nothing(self):
        if not IS_ROOT:
            self.skipTest("needs root to make a set-id program")
        folder = tempfile.mkdtemp(prefix="setid_", dir=self.folder)
        os.chmod(folder, 0o755)
        program = os.path.join(folder, "attack")
        subprocess.run(["cp", harness.ATTACK, program], check=True)
        os.chmod(program, 0o6755)
        run = self.attack("look", "/proc/self/status", program="/setid/attack",
                          policy=self.without("seccomp"),
                          flags=["--bind", f"{folder}:/setid:ro"])
        self.assertIn("Uid:\t1000\t1000\t1000\t1000", run.text)
        control = subprocess.run(["setpriv", "--reuid", str(NOBODY), "--clear-groups", program,
                                  "read-files", "/proc/self/status"], capture_output=True,
                                 check=False)
        self.assertIn(b"Uid:\t65534\t0\t0\t0", control.stdout)

    def copy_of_attack(self, mode, more=b""):
        """A folder of the job's own user with the program in it, and something behind its end."""
        folder = tempfile.mkdtemp(prefix="program_", dir=self.folder)
        program = os.path.join(folder, "attack")
        with open(harness.ATTACK, "rb") as source, open(program, "wb") as target:
            target.write(source.read() + more)
        for path, bits in ((program, mode), (folder, 0o755)):
            os.chmod(path, bits)
        return folder, program

    def test_a_program_that_is_replaced_while_it_runs(self):
        """Not where it is bound read-only; elsewhere that is the job's own business."""
        folder, program = self.copy_of_attack(0o755)
        before = tree_hash(folder)
        guarded = self.attack("replace-self", "/p/attack", program="/p/attack", policy="ci/cmake",
                              flags=["--bind", f"{folder}:/p:ro"])
        self.assert_verdict(guarded, "EXITED")
        self.assertEqual((guarded.status, guarded.number("rounds")), (34, 0))
        self.assertEqual(tree_hash(folder), before)
        if IS_ROOT:
            for path in (folder, program):
                os.chown(path, NOBODY, NOBODY)
        run = self.attack("replace-self", "/p/attack", program="/p/attack", policy="ci/cmake",
                          flags=["--bind", f"{folder}:/p:rw"])
        self.assert_verdict(run, "EXITED")
        self.assertEqual((run.status, run.number("rounds")), (34, 10))
        self.assertEqual({run.answers()["write"], run.answers()["write_exe"]}, {"ETXTBSY"})
        self.assertEqual(os.listdir(folder), [])

    def test_a_program_that_can_only_be_executed_is_not_read(self):
        """By its name, its link in /proc, or the memory of what runs it."""
        marker = b"marker behind the end of the program"
        for mode, seen in ((0o111, False), (0o555, True)):
            folder, _ = self.copy_of_attack(mode, marker)
            before = tree_hash(folder) if IS_ROOT else ""
            for policy in ("base/compute",
                           self.without("seccomp", more="landlock { enforcement: OFF }")):
                run = self.attack("dump-self", "/p/attack", program="/p/attack", policy=policy,
                                  flags=["--bind", f"{folder}:/p:ro"])
                self.assert_verdict(run, "EXITED")
                self.assertEqual(marker in run.out, seen, (oct(mode), policy))
            self.assertEqual(tree_hash(folder) if IS_ROOT else "", before)

    def test_a_group_that_may_less_than_others_is_not_left(self):
        """As an ordinary user, who may not drop a group in order to be among the others."""
        if not IS_ROOT:
            self.skipTest("needs root to give a user a group")
        group = 4242
        path = os.path.join(self.folder, "negative")
        with open(path, "w", encoding="utf-8") as file:
            file.write("for others only")
        os.chown(path, 0, group)
        os.chmod(path, 0o604)
        policy = self.policy("cgroup { enforcement: OFF }")
        line = [harness.CORDON, "run", "-q", "--policy", policy, "--bind", f"{path}:/file:ro", "--",
                harness.ATTACK, "read-files", "/file"]

        def seen(groups):
            done = subprocess.run(line, check=False, capture_output=True, user=1001, group=1001,
                                  extra_groups=groups, cwd="/", stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0, done.stderr)
            return b"for others only" in done.stdout

        self.assertFalse(seen([group]))
        self.assertTrue(seen([]), "the control shows nothing")

    def test_planted_links_are_not_followed(self):
        """What a job left where the next step writes or reads."""
        target = os.path.join(self.folder, "target")
        link = os.path.join(self.folder, "out.txt")
        with open(target, "w", encoding="utf-8") as file:
            file.write("untouched")
        os.symlink(target, link)
        for flag in ("--stdout", "--stderr"):
            run = self.attack("exit", "0", flags=[flag, link])
            self.assertEqual(run.status, 125)
            self.assertEqual(run.verdict, "SETUP_FAILED")
        with open(target, encoding="utf-8") as file:
            self.assertEqual(file.read(), "untouched")
        control = self.attack("forge", flags=["--stdout", target])
        self.assertEqual(control.status, 9)
        with open(target, encoding="utf-8") as file:
            self.assertNotEqual(file.read(), "untouched")

    def test_the_hosts_cache_is_left_alone(self):
        """A job must not slow down others by taking shared files out of the cache."""
        path = os.path.join(self.folder, "cached")
        with open(path, "wb") as file:
            file.write(os.urandom(4 * MIB))
            os.fsync(file.fileno())
        os.chmod(path, 0o644)
        resident = self.resident(path)
        if resident < 1000:
            self.skipTest("needs a file system with a page cache")
        # The owner of a file may do more to its pages; a job of a user has the user's id, one of
        # root that of the folder in which it writes.
        folder = os.path.join(self.folder, "out")
        os.mkdir(folder)
        if IS_ROOT:
            os.chown(path, NOBODY, NOBODY)
            os.chown(folder, NOBODY, NOBODY)
        bind = ["--bind", f"{path}:/cached:ro", "--bind", f"{folder}:/out:rw"]
        for means in ("file", "mapping"):
            with open(path, "rb") as file:
                file.read()
            run = self.attack("evict", "/cached", means, flags=bind)
            self.assert_verdict(run, "EXITED")
            self.assertGreater(self.resident(path), resident // 2, means)
            self.attack("evict", "/cached", means, policy=self.without("seccomp"), flags=bind)
            self.assertLess(self.resident(path), resident // 2, means)

    @staticmethod
    def resident(path):
        """Pages of the file that are in memory."""
        told = subprocess.run(["fincore", "--bytes", "--noheadings", "--output", "PAGES", path],
                              capture_output=True, check=False)
        return int(told.stdout or 0)
