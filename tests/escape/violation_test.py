# SPDX-License-Identifier: Apache-2.0
"""Calls that end the job: made by threads, children and tracees, by fifty at once, interrupted,
and while the supervisor dies. The call is mkdir below a folder of the host: whether it happened is
seen there. The control of each is the same program with the call allowed."""

import os
import signal
import subprocess
import time

import harness
from harness import IS_ROOT, EscapeTest, processes_with

CALL = 'calls: ["mkdir", "mkdirat"]'


class Violations(EscapeTest):
    def setUp(self):
        super().setUp()
        self.target = os.path.join(self.folder, "target")
        os.mkdir(self.target)
        # The job is nobody's id when root started it.
        os.chmod(self.target, 0o777 if IS_ROOT else 0o755)

    def under(self, action: str, more: str = "") -> str:
        return self.policy(
            f'mounts {{ bind {{ source: "{self.target}" target: "/out" read_only: false }} }} '
            'limits { processes: 64 } '
            f'seccomp {{ rule {{ {CALL} action: {action} }} '
            f'rule {{ calls: ["ptrace", "pidfd_getfd"] action: ALLOW }} {more} }}', "base/build")

    def made(self):
        return sorted(os.listdir(self.target))

    def broken(self, how: str, more: str = ""):
        """The run with KILL; the control has the effect first, so a blind test fails here."""
        control = self.attack("violate", how, "/out", policy=self.under("ALLOW", more))
        self.assertNotEqual(self.made(), [], how + ": " + control.text)
        for name in self.made():
            os.rmdir(os.path.join(self.target, name))
        run = self.attack("violate", how, "/out", policy=self.under("KILL", more))
        self.assertEqual(self.made(), [], how)
        self.assert_verdict(run, "SYSCALL_VIOLATION")
        return run

    def test_the_report_names_the_call(self):
        run = self.broken("plain")
        violation = run.report["violation"]
        self.assertEqual(violation["call"], "mkdir")
        self.assertEqual(violation["argument"][1], "0x1ed")
        self.assertEqual(violation["architecture"], harness.FACTS["architecture"])
        self.assertTrue(violation["decided_by"].startswith("seccomp.rule["))
        self.assertIn('rule { calls: "mkdir" action: ALLOW }', violation["allow_with"])
        evidence = {each["name"]: each["observed"] for each in run.report["evidence"]}
        self.assertEqual(evidence["seccomp.call"], violation["words"])
        self.assertEqual(evidence["seccomp.thread"], str(violation["thread"]))
        self.assertEqual(run.status, 128 + signal.SIGSYS)

    def test_what_the_report_says_allows_the_call(self):
        text = self.broken("plain").report["violation"]["allow_with"]
        run = self.attack("violate", "plain", "/out",
                          policy=self.policy(text, self.under("KILL")))
        self.assert_verdict(run, "EXITED")
        self.assertEqual(self.made(), ["plain"])

    def test_a_thread_among_others_ends_the_job_and_is_told(self):
        run = self.broken("threads")
        self.assertGreater(run.report["violation"]["thread"], 4)

    def test_a_child_ends_the_whole_job(self):
        self.broken("vfork")

    def test_a_storm_of_fifty_is_one_violation(self):
        run = self.broken("storm")
        self.assertTrue(run.report["violation"]["words"].startswith("mkdir(0x"))

    def test_a_tracer_cannot_lead_its_child_around_it(self):
        self.broken("tracee")

    def test_nobody_answers_but_the_supervisor(self):
        run = self.broken("steal")
        self.assertNotIn("listener", run.text)

    def test_a_signal_that_interrupts_the_wait_saves_nobody(self):
        self.broken("signals-restart")
        self.broken("signals")

    def start(self, policy: str) -> subprocess.Popen:
        job = subprocess.Popen(  # pylint: disable=consider-using-with
            [harness.CORDON, "run", "--policy", policy, "--env", f"TOKEN={self.token}", "--",
             harness.ATTACK, "violate", "plain", "/out"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(job.stdout.close)
        self.addCleanup(job.wait)
        self.addCleanup(job.kill)
        self.assertEqual(job.stdout.readline(), b"ready\n")
        return job

    def wait_until(self, condition):
        deadline = time.monotonic() + 60
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertTrue(condition())

    def test_a_supervisor_that_stands_still_or_dies_lets_nothing_happen(self):
        job = self.start(self.under("ALLOW"))
        os.kill(job.pid, signal.SIGSTOP)
        self.wait_until(lambda: self.made() == ["plain"])  # the control
        job.kill()
        self.wait_until(lambda: processes_with(self.token) == [])
        os.rmdir(os.path.join(self.target, "plain"))

        job = self.start(self.under("KILL"))
        os.kill(job.pid, signal.SIGSTOP)
        time.sleep(1.5)  # the call is made meanwhile, and waits
        self.assertNotEqual(processes_with(self.token), [])
        self.assertEqual(self.made(), [])
        job.kill()
        self.wait_until(lambda: processes_with(self.token) == [])
        self.assertEqual(self.made(), [])

    def test_a_supervisor_killed_at_that_very_moment_lets_nothing_happen(self):
        for delay in (0.28, 0.29, 0.295, 0.3, 0.301, 0.302, 0.305, 0.31, 0.32):
            job = self.start(self.under("KILL"))
            time.sleep(delay)
            job.kill()
            job.wait()
            self.wait_until(lambda: processes_with(self.token) == [])
            self.assertEqual(self.made(), [])
