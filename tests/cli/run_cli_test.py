# SPDX-License-Identifier: Apache-2.0
"""The command `cordon` from outside: exit codes, the one report, and what a job cannot do.

Run by ctest: run_cli_test.py --cordon PROGRAM --payload PROGRAM [unittest options]. Needs only the
standard library. What happened is read from the host (processes, control groups, files), not from
the job. A test whose feature the host lacks is skipped with the feature's name.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import command_line
from host_view import group_folders, jobs_with, processes_with, wait_until


CORDON = ""
PAYLOAD = ""
IS_ROOT = os.geteuid() == 0
NOBODY = 65534
FACTS = {}
# Part of the repetitions of the long tests: the VM lab, where all is slow, does with fewer.
SOAK = float(os.environ.get("CORDON_TEST_SOAK", "1"))

MINIMAL = """
mounts {{ bind {{ source: "{folder}" target: "/payload" }} proc {{}} dev {{}}
         tmpfs {{ target: "/work" size: "4MiB" }} }}
working_directory: "/work"
environment {{ name: "PATH" value: "/payload" }}
limits {{ wall_time: "10s" cpu_time: "5s" memory: "64MiB" processes: 8 output: "1MiB" }}
cgroup {{ enforcement: IF_AVAILABLE }}
apparmor {{ enforcement: IF_AVAILABLE }}
seccomp {{ allow: ["stdio", "memory", "self", "time", "signal", "rpath", "wpath", "cpath", "exec",
                  "thread", "proc"] kill: "dangerous" }}
"""


def have_cgroup():
    offered = FACTS.get("cgroup_controllers", [])
    return {"memory", "pids"} <= set(offered)


class CliTest(unittest.TestCase):
    def setUp(self):
        if not FACTS["user_namespaces"]:
            self.skipTest("needs user namespaces")
        self.folder = tempfile.mkdtemp(prefix="cordon_cli_")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.policy = os.path.join(self.folder, "minimal.textproto")
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(MINIMAL.format(folder=os.path.dirname(PAYLOAD)))
        self.token = f"token_{os.getpid()}_{self.id()}"

    def write_limits(self, text):
        """The policy of this test with more in its block of limits."""
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(MINIMAL.format(folder=os.path.dirname(PAYLOAD)).replace(
                "limits {", "limits { " + text, 1))

    def line(self, job, *flags, report=None):
        line = [CORDON, "run", "--policy", self.policy, *flags]
        if report:
            line += ["--report", report]
        return line + ["--", *job]

    def run_job(self, job, *flags, **options):
        """Runs /payload/payload with `job` as arguments; gives the process and its report."""
        return self.run_command(["/payload/payload", *job, self.token], *flags, **options)

    def run_command(self, command, *flags, **options):
        report = os.path.join(self.folder, "report.json")
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("timeout", 60)
        done = subprocess.run(self.line(command, *flags, report=report), capture_output=True,
                              check=False, **options)
        self.assertEqual(processes_with(self.token), [])
        with open(report, encoding="utf-8") as file:
            document = json.load(file)  # exactly one, or this raises
        os.unlink(report)
        return done, document

    def assert_failed(self, done, report, *parts):
        """Cordon's own failure: 125, one clear message, the job never ran."""
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertEqual(report["verdict"], "SETUP_FAILED")
        self.assertTrue(report["setup_only"])
        self.assertTrue(report["error"]["message"])
        self.assertEqual(done.stdout, b"")
        for part in parts:
            self.assertIn(part, done.stderr.decode())


class ExitCodes(CliTest):
    def test_the_jobs_own(self):
        for code in (0, 1, 42, 255):
            done, report = self.run_job(["exit", str(code)])
            self.assertEqual(done.returncode, code)
            self.assertEqual((report["verdict"], report["exit_code"]), ("EXITED", code))

    def test_128_and_the_signal(self):
        done, report = self.run_job(["abort"])
        self.assertEqual(done.returncode, 128 + signal.SIGABRT)
        self.assertEqual(report["signal_name"], "SIGABRT")
        done, report = self.run_job(["sigsys"])
        self.assertEqual(done.returncode, 128 + signal.SIGSYS)
        self.assertEqual(report["verdict"], "SYSCALL_VIOLATION")

    def test_124_for_time_limits(self):
        done, report = self.run_job(["sleep", "100000"], "--wall-time", "200ms")
        self.assertEqual((done.returncode, report["verdict"]), (124, "WALL_LIMIT"))
        if have_cgroup():
            done, report = self.run_job(["loop"], "--cpu-time", "200ms")
            self.assertEqual((done.returncode, report["verdict"]), (124, "CPU_LIMIT"))
            self.write_limits('idle_time: "300ms"')
            done, report = self.run_job(["sleep", "100000"])
            self.assertEqual((done.returncode, report["verdict"]), (124, "IDLE_LIMIT"))

    def test_a_job_that_exits_in_its_extra_time_is_over_its_limit(self):
        self.write_limits('extra_time: "30s"')
        done, report = self.run_job(["sleep", "500"], "--wall-time", "100ms")
        self.assertEqual((done.returncode, report["verdict"]), (124, "WALL_LIMIT"))
        self.assertEqual(report["exit_code"], 0)

    def test_137_for_output_limit(self):
        done, report = self.run_job(["flood"], "--output-limit", "10KiB")
        self.assertEqual(report["verdict"], "OUTPUT_LIMIT")
        self.assertEqual(done.returncode, 128 + signal.SIGKILL)
        self.assertEqual(len(done.stdout), 10 * 1024)

    def test_127_when_there_is_no_such_program(self):
        for command in ("/payload/nothing", "nothing"):
            done, report = self.run_command([command])
            self.assertEqual(done.returncode, 127, done.stderr)
            self.assertEqual(report["verdict"], "SETUP_FAILED")
            self.assertIn(command, done.stderr.decode())

    def test_126_when_it_cannot_be_executed(self):
        done, report = self.run_command(["/work"])
        self.assertEqual(done.returncode, 126, done.stderr)
        self.assertEqual(report["verdict"], "SETUP_FAILED")

    def test_125_for_flags_that_do_not_exist(self):
        done = subprocess.run([CORDON, "run", "--no-such-flag", "--", "true"],
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 125)
        self.assertIn("--no-such-flag", done.stderr.decode())
        self.assertEqual(done.stdout, b"")
        for line in ([CORDON], [CORDON, "fly"], [CORDON, "run"], [CORDON, "check"],
                     [CORDON, "check", self.policy, "--", "true"]):
            done = subprocess.run(line, capture_output=True, check=False)
            self.assertEqual(done.returncode, 125, line)

    def test_125_and_the_right_order_for_a_policy_or_a_command_as_a_mere_word(self):
        for words in (["judge/cpp", "--", "true"], ["true"], ["--policy", "judge/cpp"]):
            done = subprocess.run([CORDON, "run", *words], capture_output=True, check=False)
            self.assertEqual(done.returncode, 125, words)
            self.assertIn("run --policy POLICY [OPTIONS] -- COMMAND", done.stderr.decode())

    def test_125_for_a_file_named_dash_which_many_take_for_a_stream(self):
        for words in (["run", "--report", "-", "--", "true"], ["run", "--stdin", "-", "--", "true"],
                      ["compile", "judge/cpp", "-o", "-"]):
            done = subprocess.run([CORDON, *words], capture_output=True, check=False)
            self.assertEqual(done.returncode, 125, words)
            self.assertIn("/dev/stdout", done.stderr.decode())
        self.assertFalse(os.path.exists("-"))

    def test_125_for_a_policy_that_does_not_exist(self):
        done = subprocess.run([CORDON, "run", "--policy", "/nowhere.textproto", "--", "true"],
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 125)
        self.assertIn("/nowhere.textproto", done.stderr.decode())


class Failures(CliTest):
    def test_a_bind_that_does_not_exist(self):
        done, report = self.run_job(["exit", "0"], "--bind", "/nowhere/at/all:/data")
        self.assert_failed(done, report, "/nowhere/at/all", "ENOENT")
        self.assertEqual(report["error"]["errno_name"], "ENOENT")

    def test_a_bind_that_the_job_could_not_read(self):
        secret = os.path.join(self.folder, "secret")
        os.mkdir(secret, 0o700)
        inner = os.path.join(secret, "inner")
        os.mkdir(inner, 0o700 if IS_ROOT else 0o000)
        self.addCleanup(os.chmod, inner, 0o700)  # or it could not be removed
        if IS_ROOT:
            done, report = self.run_job(["exit", "0"], "--bind", f"{inner}:/data")
            self.assert_failed(done, report, inner, "chmod")
        else:
            os.chmod(secret, 0o000)
            done, report = self.run_job(["exit", "0"], "--bind", f"{inner}:/data")
            os.chmod(secret, 0o700)
            self.assert_failed(done, report, inner, "EACCES")

    def test_limits_of_nothing(self):
        for flag, value in (("--cpu-time", "0s"), ("--wall-time", "0s"), ("--memory", "0"),
                            ("--memory", "0B"), ("--pids", "0"), ("--output-limit", "0B"),
                            ("--memory", "-1B"), ("--pids", "-1"), ("--cpu-time", "fast"),
                            ("--memory", "64"), ("--wall-time", "1e3s"),
                            ("--memory", "99999999999999999999GiB")):
            done, report = self.run_job(["exit", "0"], flag, value)
            self.assert_failed(done, report)

    def test_flags_only_tighten(self):
        for flag, value in (("--cpu-time", "6s"), ("--wall-time", "11s"), ("--memory", "65MiB"),
                            ("--pids", "9"), ("--output-limit", "2MiB"),
                            ("--cpu-time", "unlimited")):
            done, report = self.run_job(["exit", "0"], flag, value)
            self.assert_failed(done, report)
        done, report = self.run_job(["exit", "0"], "--cpu-time", "5s", "--wall-time", "9s",
                                    "--memory", "32MiB", "--pids", "2", "--output-limit", "1KiB")
        self.assertEqual((done.returncode, report["widened"]), (0, []))

    def test_the_fewest_open_files_still_run(self):
        self.policy = os.path.join(self.folder, "few.textproto")
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(MINIMAL.format(folder=os.path.dirname(PAYLOAD)).replace(
                "processes: 8", "processes: 8 open_files: 16"))
        done, _ = self.run_job(["exit", "3"])
        self.assertEqual(done.returncode, 3, done.stderr)

    def test_malformed_values(self):
        for flags in (("--bind", "nocolon"), ("--bind", "/a:/b:rx"), ("--bind", ":/b"),
                      ("--env", "=x"), ("--env", "novalue"), ("--workdir", "relative"),
                      ("--bind", "/tmp:relative"), ("--bind", "/tmp:/a/../../b")):
            done, report = self.run_job(["exit", "0"], *flags)
            self.assert_failed(done, report)

    def test_streams_that_cannot_be_opened(self):
        done, report = self.run_job(["exit", "0"], "--stdin", "/nowhere/in")
        self.assert_failed(done, report, "/nowhere/in", "ENOENT")
        done, report = self.run_job(["exit", "0"], "--stdin", self.folder)
        self.assert_failed(done, report, "directory")
        link = os.path.join(self.folder, "link")
        os.symlink("/etc/hostname", link)
        done, report = self.run_job(["exit", "0"], "--stdout", link)
        self.assert_failed(done, report, "ELOOP")

    def test_a_report_that_cannot_be_written_is_known_before_the_job_runs(self):
        canary = os.path.join(self.folder, "out")
        os.mkdir(canary, 0o777)
        os.chmod(canary, 0o777)
        line = self.line(["/payload/payload", "canary", "/out/alive"], "--bind",
                         f"{canary}:/out:rw", report="/nowhere/report.json")
        done = subprocess.run(line, capture_output=True, check=False)
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"/nowhere/report.json cannot be written; hint: its folder does not exist",
                      done.stderr)
        self.assertEqual(os.listdir(canary), [])

    def test_a_policy_with_errors_lists_each_with_its_place(self):
        with open(self.policy, "a", encoding="utf-8") as file:
            file.write('no_such_field: 1\n')
        done, report = self.run_job(["exit", "0"])
        self.assert_failed(done, report, "no_such_field", "minimal.textproto:")

    def test_a_plan_runs_as_its_policy_and_a_spoilt_one_does_not(self):
        plan = os.path.join(self.folder, "minimal.plan")
        subprocess.run([CORDON, "compile", self.policy, "-o", plan], capture_output=True,
                       check=True)
        self.line = lambda job, *flags, report: [
            CORDON, "run", "--plan", plan, *flags, "--report", report, "--", *job]
        done, report = self.run_job(["exit", "7"], "--memory", "32MiB")
        self.assertEqual((done.returncode, report["exit_code"]), (7, 7), done.stderr)
        with open(plan, "r+b") as file:
            content = file.read().replace(b"/payload", b"/srv/all")
            file.seek(0)
            file.write(content)
        self.assert_failed(*self.run_job(["exit", "7"]), "minimal.plan", "cordon compile")


class Streams(CliTest):
    def test_stdout_belongs_to_the_job(self):
        done, report = self.run_job(["echo", "out", "err"])
        self.assertEqual(done.stdout, b"out")
        self.assertTrue(done.stderr.startswith(b"err"), done.stderr)
        self.assertEqual(report["usage"]["output_bytes"], "6")

    def test_a_stream_is_cut_or_ends_the_job(self):
        self.write_limits('stdout_size: "1KiB" stdout_action: TRUNCATE')
        data = b"x" * 5000
        report = os.path.join(self.folder, "r")
        done = subprocess.run(self.line(["/payload/payload", "cat"], report=report), input=data,
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, data[:1024]))
        with open(report, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["usage"]["stdout_bytes"], "5000")
        self.write_limits('stdout_size: "1KiB"')
        done = subprocess.run(self.line(["/payload/payload", "cat"], report=report), input=data,
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (137, data[:1024]))
        self.assertIn(b"OUTPUT_LIMIT: stdout.bytes", done.stderr)

    def test_a_job_that_fails_puts_nothing_of_ours_on_stdout(self):
        done, _ = self.run_job(["abort"])
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"SIGNALED", done.stderr)

    def test_input_arrives_and_files_are_written(self):
        data = bytes(range(256)) * 1000
        source = os.path.join(self.folder, "in")
        target = os.path.join(self.folder, "out")
        with open(source, "wb") as file:
            file.write(data)
        done, _ = self.run_job(["cat"], "--stdin", source, "--stdout", target)
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        with open(target, "rb") as file:
            self.assertEqual(file.read(), data)
        report = os.path.join(self.folder, "r")
        done = subprocess.run(self.line(["/payload/payload", "cat"], report=report), input=data,
                              capture_output=True, check=False)
        self.assertEqual(done.stdout, data)

    def test_the_report_goes_to_a_descriptor_too(self):
        read_end, write_end = os.pipe()
        line = self.line(["/payload/payload", "exit", "5"], "--report-fd", str(write_end))
        done = subprocess.run(line, pass_fds=[write_end], capture_output=True, check=False)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as file:
            report = json.loads(file.read())
        self.assertEqual((done.returncode, report["exit_code"]), (5, 5))

    def test_closed_stdio(self):
        for closed in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)):
            report = os.path.join(self.folder, "report.json")

            def close(fds=closed):
                for fd in fds:
                    os.close(fd)

            done = subprocess.run(self.line(["/payload/payload", "descriptors"], report=report),
                                  stdout=None if 1 in closed else subprocess.PIPE,
                                  stderr=None if 2 in closed else subprocess.DEVNULL,
                                  preexec_fn=close, check=False)
            self.assertEqual(done.returncode, 0, closed)
            if 1 not in closed:
                self.assertEqual(done.stdout, b"0 1 2 ")
            with open(report, encoding="utf-8") as file:
                self.assertEqual(json.load(file)["verdict"], "EXITED")


class Confinement(CliTest):
    def test_no_inherited_descriptor_is_visible(self):
        files = [open("/etc/hostname", "rb") for _ in range(40)]
        done, _ = self.run_job(["descriptors"], pass_fds=[file.fileno() for file in files])
        for file in files:
            file.close()
        self.assertEqual(done.stdout, b"0 1 2 ")

    def test_the_environment_is_not_inherited(self):
        environment = dict(os.environ, CORDON_SECRET="42", LD_PRELOAD_X="x")
        done, _ = self.run_job(["environment"], "--env", "A=1", env=environment)
        self.assertEqual(sorted(done.stdout.decode().split()), ["A=1", "PATH=/payload"])

    def test_processes_of_others_are_invisible(self):
        done, _ = self.run_job(["processes"])
        self.assertEqual(done.stdout.split(), [b"1", b"3"])

    def test_the_job_is_nobody_on_the_host(self):
        token = self.token + "_ids"
        line = self.line(["/payload/payload", "sleep", "100000", token])
        options = {"extra_groups": [27, 4]} if IS_ROOT else {}
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   **options)
        try:
            self.assertTrue(wait_until(lambda: jobs_with(token), 60))
            with open(f"/proc/{jobs_with(token)[0]}/status", encoding="utf-8") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            self.assertNotIn("0", status["Uid"].split())
            self.assertNotIn("0", status["Gid"].split())
            if IS_ROOT:
                self.assertEqual(status["Groups"].split(), [])
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(status[name], 16), 0, name)
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        finally:
            process.kill()
            process.wait()
        self.assertTrue(wait_until(lambda: not processes_with(token), 1))

    def test_binds_are_listed_as_widened(self):
        data = os.path.join(self.folder, "data")
        os.mkdir(data)
        with open(os.path.join(data, "file"), "w", encoding="utf-8") as file:
            file.write("x")
        done, report = self.run_job(["cannot_read", "/data/file"], "--bind", f"{data}:/data")
        self.assertEqual(done.returncode, 1)  # it can
        self.assertEqual(len(report["widened"]), 1)
        self.assertIn(data, report["widened"][0])
        done, report = self.run_job(["cannot_read", "/data/file"])
        self.assertEqual((done.returncode, report["widened"]), (0, []))

    def test_a_read_only_bind_is_read_only(self):
        data = os.path.join(self.folder, "data")
        os.mkdir(data)
        os.chmod(data, 0o777)
        if IS_ROOT:
            os.chown(data, NOBODY, NOBODY)
        self.run_job(["canary", "/data/canary"], "--bind", f"{data}:/data")
        self.assertEqual(os.listdir(data), [])
        self.run_job(["canary", "/data/canary"], "--bind", f"{data}:/data:rw")
        self.assertEqual(os.listdir(data), ["canary"])


class Ends(CliTest):
    def start(self, *job, report=None):
        return subprocess.Popen(self.line(["/payload/payload", *job, self.token], report=report),
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def running(self):
        return bool(jobs_with(self.token))

    def test_signals_cancel_the_job(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            report = os.path.join(self.folder, "report.json")
            process = self.start("ignore_signals", "100000", report=report)
            self.assertTrue(wait_until(self.running, 60))
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=60), 128 + signal.SIGKILL)
            self.assertEqual(processes_with(self.token), [])
            with open(report, encoding="utf-8") as file:
                self.assertEqual(json.load(file)["verdict"], "CANCELLED")
            self.assertEqual(group_folders(process.pid), [])

    def test_a_signal_at_any_moment_leaves_a_report_or_nothing(self):
        chance, cancelled = random.Random(2), 0
        began = time.monotonic()
        self.run_job(["exit", "0"])
        whole = max(0.04, time.monotonic() - began)  # from nothing to the end
        turns = max(20, int(60 * SOAK))
        for turn in range(turns):
            report = os.path.join(self.folder, "report.json")
            process = self.start("ignore_signals", "100000", report=report)
            time.sleep(chance.uniform(0, whole))
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=60)
            self.assertEqual(processes_with(self.token), [])
            self.assertEqual(group_folders(process.pid), [])
            # -15: it came before the command had begun; nothing exists then.
            self.assertIn(code, (-signal.SIGTERM, 128 + signal.SIGKILL), turn)
            if code < 0:
                self.assertEqual(os.listdir(self.folder), ["minimal.textproto"])
                continue
            with open(report, encoding="utf-8") as file:
                self.assertEqual(json.load(file)["verdict"], "CANCELLED")
            os.unlink(report)
            cancelled += 1
        self.assertGreater(cancelled, turns // 6)

    def test_killing_the_supervisor_at_any_moment_ends_the_job(self):
        chance, started = random.Random(1), 0
        turns = max(20, int(200 * SOAK) // 4 * 4)
        for turn in range(turns):
            process = self.start("ignore_signals", "100000")
            if turn % 4 == 3:  # the job is up and running
                wait_until(self.running, 60)
                started += 1
            time.sleep(chance.uniform(0, 0.03))
            process.kill()
            process.wait()
            gone = wait_until(lambda: not processes_with(self.token), 60)
            self.assertTrue(gone, f"turn {turn}: {processes_with(self.token)}")
        self.assertEqual(started, turns // 4)

    def test_groups_of_a_killed_supervisor_are_removed_by_the_next_run(self):
        if not have_cgroup():
            self.skipTest("needs cgroup memory and pids")
        process = self.start("ignore_signals", "100000")
        self.assertTrue(wait_until(self.running, 60))
        process.kill()
        process.wait()
        self.assertTrue(wait_until(lambda: not processes_with(self.token), 60))
        self.assertNotEqual(group_folders(process.pid), [])  # nobody was left to remove them

        def swept():  # what is still dying holds its group a moment longer
            self.run_job(["exit", "0"])
            return group_folders(process.pid) == []

        self.assertTrue(wait_until(swept, 60), group_folders(process.pid))


def main(suite="cli"):
    global CORDON, PAYLOAD, FACTS  # pylint: disable=global-statement
    taken = command_line.take("cordon", "payload")
    CORDON, PAYLOAD = taken.cordon, taken.payload
    FACTS = command_line.facts_of(CORDON)
    command_line.run(suite)


if __name__ == "__main__":
    main()
