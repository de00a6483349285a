# SPDX-License-Identifier: Apache-2.0
"""The life of a job from outside: how it is cancelled, and what is sampled of it meanwhile.

Run by ctest: life_cli_test.py --cordon PROGRAM --payload PROGRAM [unittest options]. What a job was
told is what it wrote to a file of the host; whether it lives is read from the host's processes.
"""

import base64
import json
import os
import signal
import subprocess
import time

import run_cli_test
from host_view import (children_of, group_folders, jobs_with, processes_with, status_of,
                       wait_until)
from run_cli_test import CliTest, have_cgroup


def facts():  # filled in by run_cli_test.main
    return run_cli_test.FACTS


def checkers_of(supervisor):
    """The processes that start health checks, below the init of each sandbox."""
    found = []
    for init in children_of(supervisor):
        for pid in children_of(init):
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                if file.read() == "cordon-checker\n":
                    found.append(pid)
    return found


def seconds(duration):
    return float(duration.rstrip("s"))


class LifeTest(CliTest):
    def setUp(self):
        super().setUp()
        self.report = os.path.join(self.folder, "report.json")
        self.out = os.path.join(self.folder, "out")

    def start(self, job, *flags):
        """A job that is running, by the host's processes."""
        line = self.line(["/payload/payload", *job, self.token], "--stdout", self.out, *flags,
                         report=self.report)
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertTrue(wait_until(lambda: jobs_with(self.token), 60))
        return process

    def status(self, field):
        return status_of(jobs_with(self.token)[0], field)

    def start_deaf(self, *flags):
        """A job that has come to ignore SIGTERM."""
        process = self.start(["ignore_signals", "1000000"], *flags)
        bit = signal.SIGTERM - 1
        self.assertTrue(wait_until(lambda: int(self.status("SigIgn"), 16) >> bit & 1, 60))
        return process

    def start_listener(self, number, *flags):
        process = self.start(["end_on_signal", str(number)], *flags)
        self.assertTrue(wait_until(lambda: self.said() == "ready\n", 60), self.said())
        return process

    def said(self):
        with open(self.out, encoding="utf-8") as file:
            return file.read()

    def cancelled(self, process):
        """The report of a job that was cancelled, of which nothing is left."""
        process.wait(timeout=120)
        self.assertEqual(processes_with(self.token), [])
        self.assertEqual(group_folders(process.pid), [])
        with open(self.report, encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual(report["verdict"], "CANCELLED")
        return report

    @staticmethod
    def evidence(report, name):
        return [each for each in report["evidence"] if each["name"] == name]


class Cancelling(LifeTest):
    def test_with_a_grace_a_job_ends_by_itself(self):
        process = self.start_listener(15, "--cancel-grace", "10m")
        process.send_signal(signal.SIGTERM)
        report = self.cancelled(process)
        self.assertEqual(self.said(), "ready\ngot 15\n")
        self.assertEqual((process.returncode, report["exit_code"]), (7, 7))
        self.assertNotIn("signal", report)
        (asked,) = self.evidence(report, "cancel.SIGTERM")
        self.assertEqual((asked["observed"], asked["limit"]), ("ended by itself", "600s"))

    def test_without_one_it_is_killed_unasked(self):
        process = self.start_listener(15)
        process.send_signal(signal.SIGTERM)
        report = self.cancelled(process)
        self.assertEqual(self.said(), "ready\n")
        self.assertEqual(report["signal_name"], "SIGKILL")
        self.assertEqual(self.evidence(report, "cancel.SIGTERM"), [])

    def test_the_signal_is_the_one_that_was_named(self):
        for number in (signal.SIGINT, signal.SIGUSR1):
            process = self.start_listener(number, "--cancel-grace", "10m", "--cancel-signal",
                                          number.name)
            process.send_signal(signal.SIGHUP)
            report = self.cancelled(process)
            self.assertEqual(self.said(), f"ready\ngot {int(number)}\n")
            self.assertEqual(self.evidence(report, "supervisor.signal")[0]["observed"], "SIGHUP")

    def test_who_does_not_end_is_killed_when_the_time_is_over(self):
        process = self.start_deaf("--cancel-grace", "400ms", "--wall-time", "10s")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        report = self.cancelled(process)
        self.assertGreaterEqual(time.monotonic() - began, 0.4)
        self.assertEqual(report["signal_name"], "SIGKILL")
        (asked,) = self.evidence(report, "cancel.SIGTERM")
        self.assertEqual(asked["observed"], "killed afterwards")

    def test_a_second_signal_does_not_wait(self):
        process = self.start_deaf("--cancel-grace", "10m")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        self.assertIsNone(process.poll())
        self.assertEqual(len(jobs_with(self.token)), 1)  # it has its grace
        process.send_signal(signal.SIGTERM)
        report = self.cancelled(process)
        self.assertEqual(report["signal_name"], "SIGKILL")

    def test_limits_hold_in_the_grace(self):
        process = self.start_deaf("--cancel-grace", "10m", "--wall-time", "5s")
        process.send_signal(signal.SIGTERM)
        report = self.cancelled(process)
        self.assertGreaterEqual(seconds(report["usage"]["wall_time"]), 5)

    def test_a_supervisor_that_is_killed_in_the_grace_takes_the_job_along(self):
        process = self.start_deaf("--cancel-grace", "10m")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        self.assertEqual(len(jobs_with(self.token)), 1)
        process.kill()
        process.wait()
        self.assertTrue(wait_until(lambda: not processes_with(self.token), 60))

    def test_what_could_not_work_is_refused(self):
        for flags, part in ((("--cancel-grace", "soon"), "cancel.grace"),
                            (("--cancel-signal", "SIGINT"), "there is no grace"),
                            (("--cancel-grace", "1s", "--cancel-signal", "9"), "cancel.signal"),
                            (("--cancel-grace", "1s", "--cancel-signal", "SIGKILL"),
                             "no job can act on SIGKILL"),
                            (("--timeline", "0"), "timeline"), (("--timeline", "1us"), "timeline")):
            done, report = self.run_job(["exit", "0"], *flags)
            self.assert_failed(done, report, part)


class Timelines(LifeTest):
    def setUp(self):
        super().setUp()
        if not have_cgroup():
            self.skipTest("needs cgroup memory and pids")

    def check(self, report):
        timeline = report["timeline"]
        samples = timeline["sample"]
        self.assertLessEqual(len(samples), 601)
        self.assertEqual(timeline["unavailable_why"], "")
        for name in ("offset", "cpu_time"):
            values = [seconds(sample[name]) for sample in samples]
            self.assertEqual(values, sorted(values), name)
        used = seconds(report["usage"]["cpu_time"])
        self.assertGreaterEqual(seconds(samples[-1]["cpu_time"]), used - 0.01)
        self.assertGreaterEqual(seconds(samples[-1]["offset"]),
                                seconds(report["usage"]["wall_time"]) - 0.001)
        self.assertEqual(samples[-1].get("pids", 0), 0)  # all of it is gone
        for sample in samples:
            memory = int(sample.get("memory_bytes", 0))
            self.assertLessEqual(memory, int(report["usage"]["memory_peak_bytes"]))
        return samples

    def test_samples_show_what_the_job_did(self):
        # 20 MiB and a second of CPU time, when the first sample has surely been taken; then it
        # sleeps with three children until it is cancelled. A busy emulated machine has charged
        # 177 ms for the start of a program alone.
        burn = ["use_and_sleep", "20", "1000", "3", "1000000"]
        process = self.start(["stopped", *burn], "--timeline", "10ms")
        self.assertTrue(wait_until(lambda: self.status("State") == "T", 60))
        time.sleep(2)
        os.kill(jobs_with(self.token)[0], signal.SIGCONT)
        self.assertTrue(wait_until(lambda: len(jobs_with(self.token)) == 4, 60))
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        report = self.cancelled(process)
        samples = self.check(report)
        self.assertEqual(report["timeline"]["asked_interval"], "0.010s")
        self.assertLess(seconds(samples[0]["cpu_time"]), 1)
        busy = [each for each in samples if each.get("pids") == 4]
        self.assertTrue(busy, samples)  # the four of it, none of ours
        for sample in busy:
            self.assertGreaterEqual(seconds(sample["cpu_time"]), 1)
        # One that is just being killed has given some of it back.
        self.assertGreaterEqual(max(int(sample["memory_bytes"]) for sample in busy), 20 << 20)

    def test_a_long_one_has_no_more_samples_than_fit(self):
        done, report = self.run_job(["sleep", "1500"], "--timeline", "1ms")
        self.assertEqual(done.returncode, 0)
        samples = self.check(report)
        self.assertEqual(report["timeline"]["asked_interval"], "0.001s")
        self.assertGreaterEqual(seconds(samples[-1]["offset"]), 1.5)
        self.assertLess(seconds(samples[0]["offset"]), 1.5)
        self.assertGreater(len(samples), 2)

    def test_a_job_that_a_limit_ends_has_its_samples(self):
        _, report = self.run_job(["loop"], "--timeline", "20ms", "--cpu-time", "300ms")
        self.assertEqual(report["verdict"], "CPU_LIMIT")
        samples = self.check(report)
        self.assertGreaterEqual(seconds(samples[-1]["cpu_time"]), 0.3)

    def test_none_is_taken_unasked(self):
        _, report = self.run_job(["sleep", "50"])
        self.assertNotIn("timeline", report)


class HealthTest(LifeTest):
    """The checks are other runs of the payload program; `--` is not in their words."""

    def flags(self, *check, interval="20ms", timeout="60s", retries=3, start=None):
        flags = []
        for word in ["/payload/payload", *check]:
            flags += ["--health-cmd", word]
        flags += ["--health-interval", interval, "--health-timeout", timeout,
                  "--health-retries", str(retries)]
        return flags + (["--health-start-period", start] if start else [])

    def run_checked(self, job, *check, more=(), **options):
        return self.run_job(job, *self.flags(*check, **options), *more)

    def policy_with(self, old, new):
        with open(self.policy, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))

    def without_landlock(self):
        self.policy_with("apparmor {", "landlock { enforcement: OFF }\napparmor {")

    @staticmethod
    def output(report):
        return base64.b64decode(report["health"]["last"].get("output", ""))

    def assert_unhealthy(self, done, report, end):
        self.assertEqual(report["verdict"], "UNHEALTHY", report)
        self.assertEqual(report["signal_name"], "SIGKILL")
        self.assertEqual(done.returncode, 128 + signal.SIGKILL)
        self.assertEqual(self.evidence(report, "health.check")[0]["observed"], end)
        self.assertEqual(report["health"]["last"]["end"], end)


class Health(HealthTest):
    def test_a_healthy_job_runs_on(self):
        done, report = self.run_checked(["sleep", "5000"], "exit", "0")
        self.assertEqual((done.returncode, report["verdict"]), (0, "EXITED"))
        health = report["health"]
        self.assertTrue(health["ready"])
        self.assertGreaterEqual(health["passed"], 2)
        self.assertEqual(health.get("failed", 0), 0)
        self.assertLess(seconds(health["ready_after"]), 5)
        self.assertEqual(health["last"]["end"], "exit 0")
        self.assertEqual(done.stdout, b"")

    def test_failures_in_a_row_end_the_job(self):
        done, report = self.run_checked(["ignore_signals", "1000000"], "exit", "3")
        self.assert_unhealthy(done, report, "exit 3")
        health = report["health"]
        self.assertEqual((health["failed"], health["failed_in_row"]), (3, 3))
        self.assertFalse(health.get("ready", False))
        (row,) = self.evidence(report, "health.failed_in_row")
        self.assertEqual((row["observed"], row["limit"]), ("3", "3"))
        self.assertIn("UNHEALTHY", done.stderr.decode())

    def test_the_start_period_and_what_comes_after_it(self):
        job = ["ready_between", "/work/ready", "400", "4000", "1000000"]
        check = ["open_to_write", "/work/ready"]
        done, report = self.run_checked(job, *check, retries=1)
        self.assert_unhealthy(done, report, "exit 2")
        self.assertEqual(report["health"]["failed"], 1)
        # It becomes ready, and a failure afterwards counts, whatever the start period.
        done, report = self.run_checked(job, *check, retries=2, start="60s")
        self.assert_unhealthy(done, report, "exit 2")
        health = report["health"]
        self.assertTrue(health["ready"])
        self.assertGreaterEqual(seconds(health["ready_after"]), 0.4)
        self.assertGreaterEqual(health["failed"], 3)
        self.assertEqual(health["failed_in_row"], 2)

    def test_a_check_that_never_ends(self):
        for check in (["sleep", "1000000"], ["ignore_signals", "1000000"], ["stop"]):
            done, report = self.run_checked(["sleep", "1000000"], *check, self.token,
                                            timeout="300ms", retries=2)
            self.assert_unhealthy(done, report, "timeout")
            self.assertEqual(report["health"]["timed_out"], 2)

    def test_checks_that_leave_processes_stay_in_the_job(self):
        done, report = self.run_checked(["sleep", "1000000"], "fork_bomb", timeout="5s")
        self.assertEqual(report["verdict"], "UNHEALTHY", report)
        if not have_cgroup():
            return
        # Daemons that left its group: they fill the job's limit and end with the job.
        done, report = self.run_checked(["sleep", "1000000"], "daemon", "/work/late", "1000000",
                                        more=["--wall-time", "3s"])
        self.assertEqual(report["verdict"], "PROCESS_LIMIT", report)
        self.assertTrue(self.evidence(report, "timer.wall"))
        self.assertLessEqual(report["usage"]["pids_peak"], 8)
        self.assertEqual(done.returncode, 128 + signal.SIGKILL)

    def test_what_a_check_says_is_kept_in_bounds(self):
        done, report = self.run_checked(["sleep", "1000000"], "flood", timeout="500ms", retries=1)
        self.assert_unhealthy(done, report, "timeout")
        self.assertEqual(done.stdout, b"")
        self.assertEqual(self.output(report), b"f" * 1024)
        done, report = self.run_checked(["sleep", "1000000"], "nul", retries=1, timeout="60s",
                                        more=["--wall-time", "3s"])
        self.assertEqual(report["verdict"], "WALL_LIMIT")
        self.assertEqual(self.output(report), b"a\0b\0\0\x1b[31m\xff")

    def test_a_program_that_is_not_there(self):
        flags = ["--health-cmd", "/nowhere", "--health-interval", "10ms"]
        done, report = self.run_job(["sleep", "1000000"], *flags)
        self.assert_unhealthy(done, report, "not started: Exec: ENOENT")

    def test_a_check_sees_what_the_job_sees(self):
        for check, expected in ((["descriptors"], b"0 1 2 "), (["cat"], b"")):
            _, report = self.run_checked(["sleep", "4000"], *check)
            self.assertEqual(report["verdict"], "EXITED", report)
            self.assertEqual(self.output(report), expected)
        _, report = self.run_checked(["sleep", "1000000"], "sigsys", retries=1)
        # ENOSYS where the filter asks the supervisor: a check has no listener of its own.
        self.assertIn(report["health"]["last"]["end"], ("SIGSYS", "exit 3"))
        _, report = self.run_checked(["sleep", "4000"], "open_to_write", "/payload/payload")
        self.assertIn(report["health"]["last"]["end"],
                      ("exit 30", "exit 13", "exit 26"))  # EROFS, EACCES, ETXTBSY

    def test_a_check_is_held_by_the_same_layers(self):
        """Both as the host sees them, each in its program."""
        process = self.start(["sleep", "1000000"],
                             *self.flags("sleep", "2000000", self.token + "_check"))
        self.assertTrue(wait_until(lambda: jobs_with(self.token + "_check"), 60))
        (check,) = jobs_with(self.token + "_check")
        (job,) = set(jobs_with(self.token)) - {check}
        looks = []
        for pid in (job, check):
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            look = {name: status[name] for name in
                    ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
                     "NoNewPrivs", "Seccomp", "Seccomp_filters", "Umask", "Threads")}
            for name in ("cgroup", "limits", "oom_score_adj", "mountinfo", "uid_map"):
                with open(f"/proc/{pid}/{name}", encoding="utf-8") as file:
                    look[name] = file.read()
            for name in ("root", "cwd", "ns/user", "ns/mnt", "ns/pid", "ns/net", "ns/ipc",
                         "ns/uts", "ns/cgroup"):
                look[name] = os.stat(f"/proc/{pid}/{name}").st_ino
            look["fds"] = sorted(os.listdir(f"/proc/{pid}/fd"))
            try:
                with open(f"/proc/{pid}/attr/apparmor/current", encoding="utf-8") as file:
                    look["apparmor"] = file.read()
            except OSError:
                pass
            looks.append(look)
        self.assertEqual(looks[0], looks[1])
        self.assertEqual(looks[1]["Seccomp"], "2")
        self.assertEqual(looks[1]["CapEff"], "0" * 16)
        process.send_signal(signal.SIGTERM)
        self.cancelled(process)

    def test_its_use_is_the_jobs(self):
        if not have_cgroup():
            self.skipTest("needs cgroup memory and pids")
        _, report = self.run_checked(["sleep", "6000"], "use_and_sleep", "24", "120", "0", "0",
                                     interval="10s")
        self.assertEqual(report["verdict"], "EXITED", report)
        self.assertTrue(report["health"]["ready"])
        self.assertGreaterEqual(seconds(report["usage"]["cpu_time"]), 0.12)
        self.assertGreaterEqual(int(report["usage"]["memory_peak_bytes"]), 24 << 20)
        _, report = self.run_checked(["sleep", "1000000"], "loop", more=["--cpu-time", "300ms"])
        self.assertEqual(report["verdict"], "CPU_LIMIT")

    def test_what_starts_checks_is_no_process_of_the_jobs(self):
        if not have_cgroup():
            self.skipTest("needs cgroup memory and pids")
        _, report = self.run_checked(["sleep", "4000"], "exit", "0", more=["--pids", "2"])
        self.assertEqual(report["verdict"], "EXITED", report)
        self.assertEqual(report["health"].get("failed", 0), 0)
        self.assertEqual(report["usage"]["pids_peak"], 2)
        # With one there is no room beside the job.
        _, report = self.run_checked(["sleep", "1000000"], "exit", "0", more=["--pids", "1"])
        self.assertEqual(report["verdict"], "UNHEALTHY", report)
        self.assertIn("EAGAIN", report["health"]["last"]["end"])

    def test_a_supervisor_that_is_killed_takes_all_along(self):
        process = self.start(["ignore_signals", "1000000"],
                             *self.flags("ignore_signals", "1000000", self.token))
        self.assertTrue(wait_until(lambda: len(jobs_with(self.token)) == 2, 60))
        checkers = checkers_of(process.pid)
        self.assertEqual(len(checkers), 1)
        process.kill()
        process.wait()
        self.assertTrue(wait_until(lambda: not processes_with(self.token), 60))
        self.assertTrue(wait_until(lambda: not os.path.exists(f"/proc/{checkers[0]}"), 60))

    def test_flags_without_a_command_and_bad_ones(self):
        for flags, part in ((("--health-interval", "1s"), "no --health-cmd"),
                            (("--health-cmd", "/x", "--health-interval", "0"), "interval"),
                            (("--health-cmd", "/x", "--health-timeout", "never"), "timeout"),
                            (("--health-cmd", "/x", "--health-retries", "0"), "retries"),
                            (("--health-cmd", "/x", "--health-retries", "-1"), "not a number"),
                            (("--health-cmd", ""), "health_check.argv")):
            done, report = self.run_job(["exit", "0"], *flags)
            self.assert_failed(done, report, part)


class HealthAttacks(HealthTest):
    """A payload against its checks: none passes that did not."""

    def test_healthy_cannot_be_forged(self):
        calls = '"ptrace", "process_vm_writev", "pidfd_getfd", "pidfd_open"'
        self.policy_with('seccomp { allow', f'seccomp {{ rule {{ calls: [{calls}] action: ALLOW }}'
                                            ' allow')
        self.policy_with('wall_time: "10s" cpu_time: "5s"',
                         'wall_time: "5m" cpu_time: "5m"')
        self.without_landlock()
        # It may trace a check whose program has begun: stop it, and keep it from being reaped.
        done, report = self.run_checked(["forge_health", "1000000"], "exit", "1", retries=8,
                                        timeout="500ms")
        self.assertEqual(report["verdict"], "UNHEALTHY", report)
        self.assertEqual(done.returncode, 128 + signal.SIGKILL)
        self.assertEqual(report["health"]["passed"], 0)

    def test_killing_what_starts_checks_ends_the_job(self):
        self.without_landlock()
        done, report = self.run_checked(["kill_all", "9", "1000000"], "exit", "0")
        self.assertEqual(report["verdict"], "UNHEALTHY", report)
        (checker,) = self.evidence(report, "health.checker")
        self.assertEqual(checker["observed"], "ended: SIGKILL")
        self.assertEqual(done.returncode, 128 + signal.SIGKILL)

    def test_stopping_it_ends_the_job(self):
        self.policy_with('wall_time: "10s" cpu_time: "5s"',
                         'wall_time: "5m" cpu_time: "5m"')
        self.without_landlock()
        _, report = self.run_checked(["kill_all", "19", "1000000"], "exit", "0", timeout="300ms")
        self.assertEqual(report["verdict"], "UNHEALTHY", report)
        observed = [each["observed"] for each in report["evidence"]]
        self.assertTrue("does not answer" in observed or "timeout" in observed, observed)

    def test_taking_its_limits_ends_the_job(self):
        self.policy_with('seccomp { allow', 'seccomp { rule { calls: "prlimit64" action: ALLOW }'
                                            ' allow')
        self.without_landlock()
        _, report = self.run_checked(["lower_limits", "1000000"], "exit", "0")
        self.assertEqual(report["verdict"], "UNHEALTHY", report)

    def test_landlock_keeps_signals_from_it(self):
        if facts()["landlock_abi"] < 6:
            self.skipTest("needs Landlock ABI 6")
        done, report = self.run_checked(["kill_all", "9", "5000"], "exit", "0")
        self.assertEqual((done.returncode, report["verdict"]), (0, "EXITED"), report)
        self.assertTrue(report["health"]["ready"])
        self.assertEqual(report["health"].get("failed", 0), 0)


class TimelinesWithoutAGroup(LifeTest):
    def test_the_report_says_why_there_are_none(self):
        with open(self.policy, encoding="utf-8") as file:
            text = file.read().replace("cgroup { enforcement: IF_AVAILABLE }",
                                       "cgroup { enforcement: OFF }")
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(text)
        done, report = self.run_job(["sleep", "50"], "--timeline", "10ms")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(report["timeline"]["sample"], [])
        self.assertIn("no control group", report["timeline"]["unavailable_why"])


if __name__ == "__main__":
    run_cli_test.main("life_cli")
