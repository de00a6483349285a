# SPDX-License-Identifier: Apache-2.0
"""Files in and out of jobs, from outside: what is taken of a hostile job, and what the jobs of a
batch leave for each other.

Run by ctest: files_cli_test.py --cordon PROGRAM [unittest options]. The jobs are Python programs
without a filter of system calls, so that nothing but the copying stands in their way.
"""

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

import command_line
from host_view import processes_with, wait_until


CORDON = ""
FACTS = {}
IS_ROOT = os.geteuid() == 0
PYTHON = "/usr/bin/python3"
SECRET = "secret of the host\n"

POLICY = """
mounts { bind { source: "/usr" } symlink { path: "/bin" target: "usr/bin" }
         symlink { path: "/lib" target: "usr/lib" } symlink { path: "/lib64" target: "usr/lib64" }
         bind { source: "/etc/ld.so.cache" optional: true } proc {} dev {}
         tmpfs { target: "/work" size: "64MiB" inodes: 40000 executable: true }
         tmpfs { target: "/tmp" size: "1MiB" } }
working_directory: "/work"
environment { name: "PATH" value: "/usr/bin" }
limits { wall_time: "120s" cpu_time: "100s" memory: "256MiB" processes: 16 output: "1MiB"
         file_size: "unlimited" open_files: 512 }
cgroup { enforcement: IF_AVAILABLE } apparmor { enforcement: IF_AVAILABLE }
landlock { enforcement: OFF } seccomp { enforcement: OFF }
"""

HOSTILE = r"""
import os, socket
os.makedirs("out/sub/deep")
os.chdir("out")
open("good", "w").write("good")
open("sub/deep/file", "w").write("deep")
os.symlink(SECRET, "link")
os.symlink(FOLDER, "folder")
os.symlink("/proc/1/environ", "magic")
os.symlink("loop", "loop")
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
os.link("good", "hard")
os.truncate(os.open("sparse", os.O_CREAT | os.O_RDWR), 1 << 40)
for name in (b"new\nline", b"\xff\xfe", b"-rf", b"...", b"n" * 255, b"\x1b]0;title\x07"):
    open(name, "wb").write(name)
os.mkdir("down")
os.chdir("down")
for _ in range(10000):
    try:
        os.mkdir("d")
    except OSError as error:
        assert error.errno == 36, error  # AppArmor knows no longer paths than PATH_MAX
        break
    os.chdir("d")
"""


class FilesTest(unittest.TestCase):
    def setUp(self):
        if not FACTS["user_namespaces"]:
            self.skipTest("needs user namespaces")
        self.folder = tempfile.mkdtemp(prefix="cordon_files_")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.write(POLICY, "policy.textproto")
        self.write(SECRET, "secret")
        os.mkdir(self.path("out"))
        self.token = f"files_{os.getpid()}_{self._testMethodName}"
        self.addCleanup(lambda: self.assertTrue(
            wait_until(lambda: not processes_with(self.token), 60)))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, text, name):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def read(self, *names):
        with open(self.path(*names), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def run_job(self, script, *flags, before=()):
        """A Python script as the job; the process and its report."""
        line = [*before, CORDON, "run", "--policy", self.path("policy.textproto"), "--report",
                self.path("report.json"), *flags, "--", PYTHON, "-c", script, self.token]
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=300,
                              stdin=subprocess.DEVNULL, cwd=self.folder)
        report = json.loads(self.read("report.json"))
        os.unlink(self.path("report.json"))
        return done, report


class CopyOut(FilesTest):
    def test_a_file_is_taken_with_its_digest(self):
        done, report = self.run_job("open('a.out', 'w').write('made')",
                                    "--copy-out", "/work/a.out:out/got")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.read("out", "got"), "made")
        self.assertEqual(report["collected"], [{
            "path": "/work/a.out", "to": self.path("out/got"), "artifact": "", "bytes": "4",
            "sha256": hashlib.sha256(b"made").hexdigest()}])

    def test_what_is_missing_is_an_exit_status_of_its_own(self):
        done, report = self.run_job("", "--copy-out", "/work/nothing:out/got")
        self.assertEqual(done.returncode, 123, done.stderr)
        self.assertIn("--copy-out /work/nothing: does not exist", done.stderr)
        self.assertEqual((report["verdict"], report["exit_code"], report["outputs_missing"]),
                         ("EXITED", 0, True))
        done, report = self.run_job("", "--copy-out", "/work/nothing:out/got:optional")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(report["skipped"], ["copy_out /work/nothing"])
        # The job's own end comes first.
        done, _ = self.run_job("raise SystemExit(3)", "--copy-out", "/work/nothing:out/got")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(os.listdir(self.path("out")), [])

    def test_a_job_that_was_killed_leaves_what_it_had(self):
        done, report = self.run_job("open('log', 'w').write('so far')\nimport time\n"
                                    "time.sleep(1000)", "--wall-time", "8s",
                                    "--copy-out", "/work/log:out/log")
        self.assertEqual((done.returncode, report["verdict"]), (124, "WALL_LIMIT"))
        self.assertEqual(self.read("out", "log"), "so far")

    def test_of_a_hostile_folder_only_files_are_taken_and_the_rest_is_named(self):
        script = f"SECRET={self.path('secret')!r}\nFOLDER={self.folder!r}\n" + HOSTILE
        before = os.stat(self.path("secret"))
        done, report = self.run_job(script, "--copy-out", "/work/out:out/all")
        self.assertEqual(done.returncode, 123, done.stderr)
        self.assertEqual(report["exit_code"], 0, done.stderr)
        refused = {each["path"]: each["why"] for each in report["not_collected"]}
        deepest = "/work/out" + "/down" + "/d" * 32
        self.assertEqual(sorted(refused), sorted(
            [f"/work/out/{name}" for name in ("link", "folder", "magic", "loop", "fifo", "socket",
                                              "sparse")] + [deepest]))
        self.assertIn("symbolic link", refused["/work/out/link"])
        self.assertIn("FIFO", refused["/work/out/fifo"])
        self.assertIn("socket", refused["/work/out/socket"])
        self.assertIn("1099511627776 bytes", refused["/work/out/sparse"])
        self.assertIn("max_depth", refused[deepest])
        got = set(os.listdir(os.fsencode(self.path("out", "all"))))
        self.assertEqual(got, {b"good", b"hard", b"sub", b"down", b"new\nline", b"\xff\xfe", b"-rf",
                               b"...", b"n" * 255, b"\x1b]0;title\x07"})
        self.assertEqual(self.read("out", "all", "sub", "deep", "file"), "deep")
        self.assertEqual(len(report["collected"]), 9)
        # Nothing of it can steer a terminal.
        self.assertFalse(any(ord(c) < 32 and c != "\n" for c in done.stderr))
        for folder, folders, files in os.walk(self.path("out")):
            for name in folders + files:
                kind = os.lstat(os.path.join(folder, name)).st_mode
                self.assertTrue(stat.S_ISDIR(kind) or stat.S_ISREG(kind), name)
        self.assertEqual(self.read("secret"), SECRET)
        after = os.stat(self.path("secret"))
        self.assertEqual((after.st_mode, after.st_uid, after.st_gid, after.st_mtime_ns),
                         (before.st_mode, before.st_uid, before.st_gid, before.st_mtime_ns))

    def test_a_path_that_leads_through_a_link_is_refused(self):
        script = (f"import os\nos.symlink({self.folder!r}, 'dir')\n"
                  f"os.symlink({self.path('secret')!r}, 'file')")
        done, report = self.run_job(script, "--copy-out", "/work/dir/secret:out/a",
                                    "--copy-out", "/work/file:out/b", "--copy-out",
                                    "/work/dir:out/c")
        self.assertEqual(done.returncode, 123)
        self.assertEqual(len(report["not_collected"]), 3)
        self.assertEqual(os.listdir(self.path("out")), [])

    def test_nobody_is_alive_when_files_are_taken(self):
        """A daemon writes for ever: what is taken is one state of the file, and the daemon dead."""
        script = ("import os\n"
                  "if os.fork() == 0:\n"
                  "    os.setsid()\n"
                  "    if os.fork() == 0:\n"
                  "        n = 0\n"
                  "        while True:\n"
                  "            n += 1\n"
                  "            open('new', 'w').write(str(n % 10) * 100000)\n"
                  "            os.rename('new', 'file')\n"
                  "import time\n"
                  "while not os.path.exists('file'): time.sleep(0.01)\n")
        done, _ = self.run_job(script, "--copy-out", "/work/file:out/file")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        text = self.read("out", "file")
        self.assertEqual(len(text), 100000)
        self.assertEqual(len(set(text)), 1)
        self.assertEqual(processes_with(self.token), [])

    def test_too_many_files_are_too_many_and_it_is_said(self):
        script = ("import os\nos.mkdir('d')\n"
                  "for i in range(20000): open(f'd/{i}', 'w')\n")
        done, report = self.run_job(script, "--copy-out", "/work/d:out/d")
        self.assertEqual(done.returncode, 123)
        self.assertEqual(len(report["collected"]), 1000)
        self.assertEqual(len(os.listdir(self.path("out", "d"))), 1000)
        self.assertEqual([(each["path"], each["why"][:20]) for each in report["not_collected"]],
                         [("/work/d", "more than 1000 files")])

    def test_nothing_runs_when_its_files_have_no_place(self):
        mark = self.path("secret")
        for flag, part in ((f"/work/x:{self.path('missing', 'x')}", "ENOENT"),
                           (f"/work/x:{mark}/x", "ENOTDIR"),
                           ("/etc/passwd:out/x", "the root, which is read-only"),
                           ("/usr/bin/env:out/x", "a read-only bind"),
                           ("work:out/x", "not absolute")):
            done, report = self.run_job("", "--copy-out", flag)
            self.assertEqual((done.returncode, report["verdict"]), (125, "SETUP_FAILED"), flag)
            self.assertIn(part, done.stderr)
        for flag in ("/work/x", "/work/x:", ":x", "/work/x:out/x:maybe"):
            done, report = self.run_job("", "--copy-out", flag)
            self.assertEqual((done.returncode, report["verdict"]), (125, "SETUP_FAILED"), flag)

    def test_a_link_at_the_destination_is_replaced(self):
        os.symlink(self.path("secret"), self.path("out", "got"))
        done, _ = self.run_job("open('x', 'w').write('new')", "--copy-out", "/work/x:out/got")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.read("secret"), SECRET)
        self.assertFalse(os.path.islink(self.path("out", "got")))
        self.assertEqual(self.read("out", "got"), "new")

    def test_a_full_disk_leaves_no_half_file(self):
        if not IS_ROOT:
            self.skipTest("needs root, to mount a small file system")
        # In a mount namespace of its own, which ends with the command.
        before = ["unshare", "--mount", "sh", "-c",
                  f"mount -t tmpfs -o size=256k none {self.path('out')} && "
                  f"echo old > {self.path('out', 'big')} && \"$@\"; code=$?; "
                  f"ls -A {self.path('out')} > {self.path('listing')}; "
                  f"cat {self.path('out', 'big')} >> {self.path('listing')}; exit $code", "sh"]
        script = "open('small', 'w').write('s'); open('big', 'w').write('b' * 1000000)"
        done, report = self.run_job(script, "--copy-out", "/work/big:out/big", "--copy-out",
                                    "/work/small:out/small", before=before)
        self.assertEqual(done.returncode, 123, done.stderr)
        self.assertEqual([each["path"] for each in report["not_collected"]], ["/work/big"])
        self.assertIn("ENOSPC", report["not_collected"][0]["why"])
        self.assertEqual(self.read("listing").split(), ["big", "small", "old"])


class CopyIn(FilesTest):
    def test_a_file_is_there_and_can_be_executed(self):
        program = self.write("#!/bin/sh\nid -u; stat -c '%u %a' /work/bin/tool\n", "tool")
        done, report = self.run_job("import os; os.execv('/work/bin/tool', ['tool'])",
                                    "--copy-in", f"{program}:/work/bin/tool:0755")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "1000\n1000 755\n")
        self.assertEqual([each["path"] for each in report["copied_in"]], ["/work/bin/tool"])
        self.assertEqual(report["copied_in"][0]["sha256"],
                         hashlib.sha256(self.read("tool").encode()).hexdigest())

    def test_a_program_that_is_copied_in_is_the_one_that_runs(self):
        program = self.write("#!/bin/sh\necho copied\n", "tool")
        done = subprocess.run(
            [CORDON, "run", "--policy", self.path("policy.textproto"), "--copy-in",
             f"{program}:/work/tool:0500", "--", "./tool"], capture_output=True, text=True,
            check=False, cwd=self.folder, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "copied\n", ""))

    def test_sources_and_targets_that_cannot_be_are_errors_before_anything_runs(self):
        os.mkfifo(self.path("fifo"))
        with open(self.path("huge"), "wb") as file:
            file.truncate(1 << 40)
        for flag, part in (("missing:/work/x", "ENOENT"), ("fifo:/work/x", "a FIFO"),
                           ("out:/work/x", "a folder"), ("huge:/work/x", "1099511627776 bytes"),
                           ("secret:/etc/x", "the root"), ("secret:/usr/x", "a read-only bind"),
                           ("secret:/work", "a tmpfs itself"), ("secret:/work/x:9", "not a mode")):
            done, report = self.run_job("", "--copy-in", flag)
            self.assertEqual((done.returncode, report["verdict"]), (125, "SETUP_FAILED"), flag)
            self.assertIn(part, done.stderr)
            self.assertEqual(report["error"]["policy_field"][:9], "copy_in[0", done.stderr)


class Batch(FilesTest):
    def batch(self, text, *flags):
        jobs = self.write(text, "jobs.textproto")
        done = subprocess.run([CORDON, "batch", jobs, "--report", self.path("all.json"), *flags],
                              capture_output=True, text=True, check=False, timeout=300,
                              stdin=subprocess.DEVNULL)
        report = None
        if os.path.exists(self.path("all.json")):
            with open(self.path("all.json"), encoding="utf-8") as file:
                report = json.loads(file.read() or "null")
        return done, report

    @staticmethod
    def job(name, script, more=""):
        return (f'job {{ name: "{name}" policy: "policy.textproto" argv: "sh" argv: "-c" '
                f'argv: {json.dumps(script)} {more} }}\n')

    def compile_and_run(self):
        return (self.job("compile", "printf '#!/bin/sh\\necho ran $1\\n' > a.out; echo c > c.log",
                         'copy_out { path: "/work/a.out" artifact: "a.out" } '
                         'copy_out { path: "/work/c.log" to: "out/c.log" }')
                + self.job("run/${n}", "cat input; ./a.out ${n}; /prog ${n}; ls -l a.out",
                           'after: "compile" matrix { name: "n" value: "1" value: "2" } '
                           'copy_in { target: "/work/a.out" artifact: "compile:a.out" '
                           'mode: "0755" } '
                           'copy_in { target: "/work/input" text: "input ${n}\\n" } '
                           'bind_artifact { artifact: "compile:a.out" target: "/prog" } '
                           'stdout: "out/run${n}"'))

    def test_what_one_job_makes_the_next_ones_run(self):
        done, report = self.batch(self.compile_and_run(), "--store", self.path("store"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(report["good"], 3)
        for n in ("1", "2"):
            lines = self.read("out", f"run{n}").splitlines()
            self.assertEqual(lines[:3], [f"input {n}", f"ran {n}", f"ran {n}"])
            self.assertTrue(lines[3].startswith("-rwxr-xr-x"), lines[3])
        self.assertEqual(self.read("out", "c.log"), "c\n")
        digest = hashlib.sha256(b"#!/bin/sh\necho ran $1\n").hexdigest()
        self.assertEqual(os.listdir(self.path("store")), [digest])
        self.assertEqual(stat.S_IMODE(os.stat(self.path("store", digest)).st_mode), 0o555)
        self.assertEqual(report["result"][0]["report"]["collected"][0],
                         {"path": "/work/a.out", "to": "", "artifact": "a.out", "bytes": "22",
                          "sha256": digest})

    def test_a_folder_of_artifacts_is_copied_whole(self):
        text = (self.job("make", "mkdir -p t/x; echo 1 > t/a; echo 2 > t/x/b",
                         'copy_out { path: "/work/t" artifact: "tree" }')
                + self.job("use", "cat in/a in/x/b sub/b",
                           'after: "make" copy_in { target: "/work/in" artifact: "make:tree" } '
                           'copy_in { target: "/work/sub" artifact: "make:tree/x" } '
                           'stdout: "out/use"'))
        done, _ = self.batch(text, "--store", self.path("store"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.read("out", "use"), "1\n2\n2\n")

    def test_sandboxes_that_talk_take_files_in(self):
        policy = 'policy: "policy.textproto"'
        done, _ = self.batch(
            'job { name: "talk" connect { from: "a.stdout" to: "b.stdin" } verdict_of: "b" '
            f'sandbox {{ name: "a" {policy} argv: "cat" argv: "f" '
            'copy_in { target: "/work/f" text: "said\\n" } } '
            f'sandbox {{ name: "b" {policy} argv: "cat" stdout: "out/heard" }} }}')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.read("out", "heard"), "said\n")

    def test_a_resumed_batch_finds_them_again_and_makes_lost_ones_anew(self):
        text = (self.job("make", "echo made > x; head -c 16 /dev/urandom | od -An -tx1",
                         'copy_out { path: "/work/x" artifact: "x" } stdout: "out/make"')
                + self.job("use", "cat x; test -e /work/y",
                           'after: "make" copy_in { target: "/work/x" artifact: "make:x" } '
                           'stdout: "out/use"'))
        journal = self.path("journal")
        done, report = self.batch(text, "--journal", journal)
        self.assertEqual(report["result"][0]["outcome"], "GOOD", done.stderr)
        self.assertEqual(self.read("out", "use"), "made\n")
        objects = os.listdir(journal + ".store")
        self.assertEqual(objects, [hashlib.sha256(b"made\n").hexdigest()])
        # As if the batch had been killed before the second job's result: only its line goes.
        with open(journal, encoding="utf-8") as file:
            lines = file.readlines()
        first = self.read("out", "make")
        for lost in (False, True):
            with open(journal, "w", encoding="utf-8") as file:
                file.writelines(lines[:2])
            os.unlink(self.path("out", "use"))
            if lost:
                os.unlink(os.path.join(journal + ".store", objects[0]))
            self.batch(text, "--journal", journal)
            self.assertEqual(self.read("out", "use"), "made\n")
            self.assertEqual(self.read("out", "make") == first, not lost)
            self.assertEqual(os.listdir(journal + ".store"), objects)

    def test_a_broken_object_is_never_used(self):
        journal = self.path("journal")
        self.batch(self.compile_and_run(), "--journal", journal)
        name = os.listdir(journal + ".store")[0]
        spoilt = os.path.join(journal + ".store", name)
        with open(journal, encoding="utf-8") as file:
            lines = file.readlines()
        with open(journal, "w", encoding="utf-8") as file:
            file.writelines(lines[:2])
        os.chmod(spoilt, 0o700)
        with open(spoilt, "r+b") as file:
            file.write(b"#!/bin/XX")
        done, report = self.batch(self.compile_and_run(), "--journal", journal)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual([each["outcome"] for each in report["result"]], ["GOOD", "BAD", "BAD"])
        self.assertIn("is broken", report["result"][1]["why"])

    def test_outputs_that_are_missing_make_a_job_bad(self):
        text = (self.job("make", "true", 'copy_out { path: "/work/x" artifact: "x" }')
                + self.job("use", "true", 'after: "make" '
                           'copy_in { target: "/work/x" artifact: "make:x" }'))
        done, report = self.batch(text, "--store", self.path("store"))
        self.assertEqual(done.returncode, 1)
        self.assertEqual([each["outcome"] for each in report["result"]], ["BAD", "SKIPPED"])
        self.assertEqual(report["result"][0]["why"], "copy_out /work/x: does not exist")
        text = text.replace('artifact: "x" }', 'artifact: "x" optional: true }', 1)
        done, report = self.batch(text, "--store", self.path("store"))
        self.assertEqual([each["outcome"] for each in report["result"]], ["GOOD", "BAD"])
        self.assertIn('has left no artifact "x"', report["result"][1]["why"])

    def test_lists_that_cannot_be_are_refused_with_their_places(self):
        def errors(text, *flags):
            done, _ = self.batch(text, *flags)
            self.assertEqual(done.returncode, 125, done.stderr)
            return done.stderr
        uses = 'copy_in { target: "/work/x" artifact: "make:x" }'
        makes = 'copy_out { path: "/work/x" artifact: "x" }'
        self.assertIn("there is no store", errors(self.job("make", "true", makes)))
        self.assertIn("is not in `after`", errors(self.job("make", "true", makes)
                                                  + self.job("use", "true", uses)))
        later = self.job("use", "true", 'after: "make" ' + uses)
        self.assertIn("jobs.textproto:2:", errors(self.job("make", "true") + later))
        self.assertIn("jobs.textproto:1:", errors(self.job(
            "make", "true", 'copy_out { path: "relative" artifact: "x" }')))
        self.assertIn("the root", errors(self.job(
            "make", "true", 'copy_in { target: "/etc/x" text: "t" }')))

    def test_a_store_of_others_is_refused(self):
        os.mkdir(self.path("store"))
        os.chmod(self.path("store"), 0o777)
        done, _ = self.batch(self.compile_and_run(), "--store", self.path("store"))
        self.assertEqual(done.returncode, 125)
        self.assertIn("can be written by others", done.stderr)

    def test_a_batch_that_is_killed_leaves_no_half_object(self):
        text = self.job("make", "head -c 5000000 /dev/zero | tr '\\0' x > big",
                        'copy_out { path: "/work/big" artifact: "big" }')
        for _ in range(5):
            jobs = self.write(text, "jobs.textproto")
            with subprocess.Popen([CORDON, "batch", jobs, "--store", self.path("store")],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
                wait_until(lambda: os.path.exists(self.path("store"))
                           and len(os.listdir(self.path("store"))) > 0, 0.3)
                run.send_signal(signal.SIGKILL)
            if not os.path.exists(self.path("store")):
                continue  # killed before it had one
            for name in os.listdir(self.path("store")):
                with open(self.path("store", name), "rb") as file:
                    self.assertEqual(hashlib.sha256(file.read()).hexdigest(), name)
        done, _ = self.batch(text, "--store", self.path("store"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(self.path("store")),
                         [hashlib.sha256(b"x" * 5000000).hexdigest()])


def main() -> None:
    global CORDON, FACTS  # pylint: disable=global-statement
    CORDON = command_line.take("cordon").cordon
    FACTS = command_line.facts_of(CORDON)
    command_line.run("files_cli")


if __name__ == "__main__":
    main()
