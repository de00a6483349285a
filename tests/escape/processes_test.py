# SPDX-License-Identifier: Apache-2.0
"""Processes: too many, too stubborn, too late. Judged by counters and by who is left."""

import os
import subprocess
import sys
import time

import harness
from harness import IS_ROOT, EscapeTest, processes_with

NOBODY = 65534


class Processes(EscapeTest):
    def writable(self):
        """A folder of the host where the job may leave a sign of life."""
        folder = os.path.join(self.folder, "out")
        os.makedirs(folder, exist_ok=True)
        if IS_ROOT:
            os.chown(folder, NOBODY, NOBODY)
        return folder

    def test_bombs_stop_at_the_limit(self):
        for bomb in ("fork-bomb", "thread-bomb", "zombies"):
            run = self.attack(bomb)
            self.assert_verdict(run, "PROCESS_LIMIT")
            self.assertLess(run.number("made"), 64)
            self.assertLessEqual(run.usage("pids_peak"), 65)
        more = self.policy("limits { processes: 200 }")
        control = self.attack("fork-bomb", policy=more)
        self.assertGreater(control.number("made"), 100)

    def test_a_bomb_of_short_lives_ends(self):
        run = self.attack("quick-bomb", flags=["--wall-time", "1s", "--cpu-time", "1s"])
        self.assert_verdict(run, "PROCESS_LIMIT", "WALL_LIMIT", "CPU_LIMIT", "EXITED")
        self.assertLess(run.seconds, 20)

    def test_a_daemon_does_not_outlive_the_job(self):
        folder = self.writable()
        canary = os.path.join(folder, "canary")
        for base in ("base/compute", "base/build", "ci/cmake"):
            run = self.attack("daemon", "/out/canary", "300", policy=base,
                              flags=["--bind", f"{folder}:/out:rw"])
            self.assert_verdict(run, "EXITED")
        time.sleep(0.6)
        self.assertFalse(os.path.exists(canary))
        self.outside("daemon", canary, "10")
        deadline = time.monotonic() + 10
        while not os.path.exists(canary) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertTrue(os.path.exists(canary), "the control shows nothing")

    def test_a_swarm_of_sessions_is_killed(self):
        run = self.attack("swarm")
        self.assert_verdict(run, "EXITED")
        self.assertGreater(run.usage("pids_peak"), 20)
        self.assertEqual(processes_with(self.token), [])

    def test_stopping_everything_stops_no_clock(self):
        run = self.attack("stop-all", flags=["--wall-time", "3s", "--cpu-time", "2s"])
        self.assert_verdict(run, "WALL_LIMIT")

    def test_killing_everything_kills_the_job_alone(self):
        # Ours, of the same user: what the job would reach if it saw the host's processes.
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as bystander:
            for policy in ("base/compute", self.without("landlock")):
                run = self.attack("kill-all", policy=policy)
                self.assert_verdict(run, "SIGNALED")
                self.assertEqual(run.report["signal_name"], "SIGKILL")
            self.assertIsNone(bystander.poll())
            bystander.kill()

    def test_the_init_can_be_starved_by_nobody(self):
        run = self.attack("starve-init")
        self.assert_verdict(run, "EXITED")
        self.assertEqual(run.status, 21)

    def test_hanging_and_deaf_jobs_end_at_the_wall(self):
        for how in ("vfork-hang", "ignore-all", "sleeper"):
            run = self.attack(how, flags=["--wall-time", "300ms"])
            self.assert_verdict(run, "WALL_LIMIT")
            self.assertLess(run.seconds, 20)

    def test_the_status_is_that_of_the_process(self):
        self.assertEqual(self.attack("leader-leaves").status, 17)
        self.assertEqual(self.attack("exec-from-thread").status, 18)
        self.assertEqual(self.attack("exec-chain", "300").status, 19)
        self.assertEqual(self.attack("no-arguments").status, 98)
        self.assertEqual(self.attack("exit", "255").status, 255)

    def test_crashes_leave_no_core(self):
        run = self.attack("crash-many")
        self.assert_verdict(run, "EXITED")
        self.assertEqual(run.status, 0)

    def test_a_storm_of_signals_delays_no_clock(self):
        run = self.attack("signal-storm", flags=["--wall-time", "500ms", "--cpu-time", "400ms"])
        self.assert_verdict(run, "CPU_LIMIT", "WALL_LIMIT")
        self.assertLess(run.seconds, 20)

    def test_a_storm_of_signals_costs_the_supervisor_little(self):
        """CPU time of both over the same while, as the host counts it."""
        program = self.popen(["signal-storm"], policy=self.policy(""))
        try:
            deadline = time.monotonic() + 40
            jobs = []
            while len(jobs) < 5 and time.monotonic() < deadline:
                jobs = processes_with(self.token)
            before = self.ticks([program.pid]), self.ticks(jobs)
            used = 0
            while used < 50 and time.monotonic() < deadline:
                time.sleep(0.02)
                used = self.ticks(jobs) - before[1]
            spent = self.ticks([program.pid]) - before[0]
            self.assertGreaterEqual(used, 50)
            self.assertLess(spent, used / 4)
        finally:
            program.terminate()
            program.wait()
            program.stdout.close()

    @staticmethod
    def ticks(pids):
        """User and system time of processes together, without their children's."""
        found = 0
        for pid in pids:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                fields = file.read().rpartition(")")[2].split()
            found += int(fields[11]) + int(fields[12])
        return found

    def test_own_limits_are_not_the_judges(self):
        run = self.attack("lower-limits")
        self.assert_verdict(run, "SIGNALED")
        self.assertIn(run.report["signal_name"], ("SIGXCPU", "SIGKILL"))

    def test_two_jobs_do_not_see_each_other(self):
        """Abstract sockets, System V memory, processes: of a job that runs at the same time."""
        name = f"cordon_escape_{os.getpid()}"
        line = ["meet", name, "5000"]
        program = self.popen(line)
        try:
            self.assertIn(b"other ECONNREFUSED", program.stdout.readline())
            self.assertIn(b"shm ENOENT", program.stdout.readline())
            self.assertIn(b"ready", program.stdout.readline())
            self.assertNotEqual(processes_with(self.token), [], "the harness sees no job at all")
            second = self.attack("meet", name, policy="ci/cmake").answers()
            self.assertEqual(second["other"], "ECONNREFUSED")
            self.assertEqual(second["shm"], "ENOENT")
        finally:
            program.terminate()
            program.wait()
            program.stdout.close()
        with subprocess.Popen([harness.ATTACK, *line], stdout=subprocess.PIPE) as first:
            for _ in range(3):
                first.stdout.readline()
            control = self.outside("meet", name).answers()
            first.kill()
        self.assertEqual(control["other"], "ok")
        self.assertEqual(control["shm"], "ok")
        subprocess.run(["ipcrm", "-M", "0x434f5244"], check=False)

    def test_what_one_job_takes_of_its_user_another_does_not_miss(self):
        """An ordinary user's jobs have the same id on the host, where the kernel counts by it."""
        program = self.popen(["exhaust-user", "600000"], policy=self.policy(""))
        try:
            taken = [program.stdout.readline().decode().split() for _ in range(4)]
            self.assertEqual([each[0] for each in taken],
                             ["signals", "timer", "pipes", "processes"])
            self.assertEqual([each[1] for each in taken[:2]], ["EAGAIN", "EAGAIN"])
            self.assertIn(taken[3][1], ("EAGAIN", "ENOMEM"))
            # What is left for the second: it starts, has signals, timers, children and pipes, and
            # ends well. So have the host's processes of the user.
            queued = self.attack("queue-one")
            self.assertEqual(queued.answers(), {"signal": "ok", "timer": "ok"})
            self.assertEqual(self.outside("queue-one").answers(), queued.answers())
            second = self.command(["/bin/sh", "-c", "echo a | cat | cat; exit 7"])
            self.assert_verdict(second, "EXITED")
            self.assertEqual((second.status, second.out), (7, b"a\n"))
            self.assertIsNone(program.poll(), "the first held nothing meanwhile")
        finally:
            program.terminate()
            program.wait()
            program.stdout.close()
        # The control: inside the job that took it all nothing of the kind starts.
        self.assertEqual(self.attack("exhaust-user", "0").answers()["processes"], taken[3][1])

    def test_descriptors_in_flight_of_one_job_keep_no_other_from_its_start(self):
        """The kernel counts them by user and measures every sender by his own limit of open files;
        the init of a job with named kills is one."""
        # Jobs of root are users of their own, but for those that write to a folder of one user.
        bind = ["--bind", f"{self.writable()}:/out:rw"]
        program = self.popen(["flood-flight", "600000"], self.policy("", "judge/python"), bind)
        try:
            self.assertEqual(program.stdout.readline().split(), [b"in_flight", b"ETOOMANYREFS"])
            few = self.policy("limits { open_files: 16 }")
            for policy in ("base/strict", "judge/python", few):
                second = self.command(["/bin/true"], policy=policy, flags=bind)
                self.assert_verdict(second, "EXITED")
            # The control: who has that limit himself is refused.
            user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if IS_ROOT else {}
            self.assertEqual(self.outside("send-one", **user).answers(),
                             {"send_one": "ETOOMANYREFS"})
            self.assertIsNone(program.poll(), "the first held nothing meanwhile")
        finally:
            program.terminate()
            program.wait()
            program.stdout.close()

    def popen(self, words, policy="ci/cmake", flags=()):
        return subprocess.Popen(
            [harness.CORDON, "run", "-q", "--policy", policy, "--env",
             f"TOKEN={self.token}", *flags, "--", harness.ATTACK, *words],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
