# SPDX-License-Identifier: Apache-2.0
"""A corpus of small programs, each with the verdict and the numbers that it must get.

Run by ctest: corpus_test.py --cordon PROGRAM --program PROGRAM [--repeat N] [--again N] [--jobs N]
[--scale N] [--case REGEX]. CORDON_CORPUS_REPEAT, CORDON_CORPUS_AGAIN and CORDON_CORPUS_CASE stand
for the options of that name. Every round runs all programs; a test fails when any round was wrong.
Prints the worst deviations. A number above its bounds is right when the host of this machine took
as much from the processor meanwhile (witness.py). A single round measures others again, twice at
most, with a new base: it is to say whether Cordon is right on a host that others use, too. More
rounds hold each run to them; with `--again N` they measure again as well, if that is rare
(README.md).
"""

import argparse
import concurrent.futures
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
import unittest
from typing import Dict, List, NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools")]
import batch  # noqa: E402  (the folder is on the path only now)
import bounds  # noqa: E402
import python_results  # noqa: E402
import runner  # noqa: E402
import table  # noqa: E402
import witness  # noqa: E402


# Of each family a few, above all those whose time or memory is easily lost.
IN_BATCH = re.compile(r"^(exit_42|self_kill|burn|getpid|threads_stay|unwaited|ignored|no_wait"
                      r"|daemon|orphans|subreaper|clone_silently|namespace_.*|stopped|outlived|told"
                      r"|limit_(daemon|ignored|orphans)|sleep|anonymous|tmpfs|children"
                      r"|memory_(of_daemon|unwaited|ignored|limit|daemon|tmpfs)|crowd.*"
                      r"|call_ptrace)$")


# In this many rounds, one run in so many may be excused or measured again.
MANY_ROUNDS = 10
RARE = 200


def only_more(found: bounds.Judgement) -> bool:
    """Whether all that is wrong is a number above its bounds. What is missing is never excused."""
    above = tuple(each.text() for each in found.deviations if each.found > each.most)
    return all(each.startswith(above) for each in found.complaints)  # what was taken may follow


class Options(NamedTuple):
    cordon: str
    program: str
    repeat: int
    again: int
    jobs: int
    scale: int
    case: str


class Rounds:
    """All runs: complaints and deviations by program."""

    def __init__(self, options: Options):
        self.options = options
        self.programs = [each for each in table.programs(options.scale)
                         if re.search(options.case, each.name)]
        self.complaints: Dict[str, List[str]] = {each.name: [] for each in self.programs}
        self.deviations: Dict[str, List[bounds.Deviation]] = {each.name: []
                                                              for each in self.programs}
        self.bases: List[runner.Base] = []
        self.again: List[str] = []    # programs that were measured again, each time
        self.excused: List[str] = []  # that the host took more from than they were above
        self.witness = witness.Witness(options.program, ())
        self.lock = threading.Lock()

    def _work(self, one: runner.Runner, number: int, todo: "queue.Queue") -> None:
        base = one.measure_base()
        with self.lock:
            self.bases.append(base)
        while True:
            try:
                program = todo.get_nowait()
            except queue.Empty:
                return
            try:
                found, base = self._judge(one, program, base)
            except Exception as error:  # pylint: disable=broad-except
                found = bounds.Judgement([f"no result: {error!r}"], [])
            with self.lock:
                for each in found.complaints:
                    print(f"{program.name}: {each}", flush=True)
                self.complaints[program.name] += [f"round {number}: {each}"
                                                  for each in found.complaints]
                self.deviations[program.name] += found.deviations

    def _judge(self, one: runner.Runner, program, base: runner.Base):
        """The judgement, and the base that the next program has."""
        found = self._fairly(program, one.run(program), base)
        for _ in range(self.options.again):
            if not found.complaints or not only_more(found):
                break
            print(f"{program.name}: {'; '.join(found.complaints)}: measured again", flush=True)
            with self.lock:
                self.again.append(program.name)
            base = one.measure_base()
            found = self._fairly(program, one.run(program), base)
        return found, base

    def _fairly(self, program, run: runner.Run, base: runner.Base) -> bounds.Judgement:
        """A number above its bounds is not Cordon's when the host took as much meanwhile."""
        found = bounds.judge(program, run, base)
        if not found.complaints or not only_more(found):
            return found
        taken = self.witness.taken(run.processors, run.began, run.ended)
        fair = bounds.judge(program, run._replace(taken=taken), base)
        if fair.complaints:
            return found._replace(complaints=[f"{each}; the host took {taken * 1000:.2f} ms"
                                              for each in found.complaints])
        print(f"{program.name}: {'; '.join(found.complaints)}: the host took {taken * 1000:.2f} ms",
              flush=True)
        with self.lock:
            self.excused.append(program.name)
        return fair

    def run(self) -> None:
        files = runner.Files(self.options.program)
        self.witness = witness.Witness(self.options.program, os.sched_getaffinity(0))
        try:
            for number in range(1, self.options.repeat + 1):
                began = time.monotonic()
                todo: "queue.Queue" = queue.Queue()
                for program in self.programs:
                    todo.put(program)
                with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
                    work = [pool.submit(self._work, runner.Runner(self.options.cordon, files, each),
                                        number, todo) for each in range(self.options.jobs)]
                for each in work:
                    each.result()
                wrong = sum(any(line.startswith(f"round {number}:") for line in lines)
                            for lines in self.complaints.values())
                print(f"round {number}: {len(self.programs)} programs, {wrong} wrong, "
                      f"{time.monotonic() - began:.1f} s", flush=True)
        finally:
            files.remove()
            self.witness.end()

    def runs(self) -> int:
        return self.options.repeat * len(self.programs)

    def summary(self, most: int = 12) -> str:
        lines = []
        for what in ("cpu", "told", "memory"):
            worst = [(each.used, name, each) for name, all_of in self.deviations.items()
                     for each in all_of if each.what == what]
            by_name: Dict[str, tuple] = {}
            for entry in sorted(worst, key=lambda entry: entry[0]):
                by_name[entry[1]] = entry
            lines.append(f"worst of {what} ({len(worst)} runs): part of the room used, case, found")
            lines += [f"  {used:6.2f}  {name:22} {deviation.text()}" for used, name, deviation in
                      sorted(by_name.values(), key=lambda entry: -entry[0])[:most]]
        for field, factor, unit in (("cpu", 1000, "ms"), ("overhead", 1000, "ms"),
                                    ("memory", 1 / table.MIB, "MiB")):
            values = [getattr(base, field) * factor for base in self.bases]
            lines.append(f"base {field}: {min(values):.3f} to {max(values):.3f} {unit}")
        lines.append(f"what the host took: {self.witness.summary()}")
        lines.append(f"more than allowed, and taken by the host: {len(self.excused)} "
                     f"{self.excused}")
        lines.append(f"measured again: {len(self.again)} of {self.runs()} {self.again}")
        return "\n".join(lines)


class Corpus(unittest.TestCase):
    """One test for each program, made by `make_tests`."""


class Batch(unittest.TestCase):
    """The same accounts when two jobs at a time share a processor in one batch."""

    rounds: Rounds

    def test_jobs_of_a_batch_have_their_own_accounts(self):
        options = self.rounds.options
        programs = [each for each in self.rounds.programs if IN_BATCH.search(each.name)]
        if not programs:
            self.skipTest("none of its programs is chosen")
        self.assertTrue(all(batch.fits(each) for each in programs))
        affinity = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, affinity)
        files = runner.Files(options.program)
        self.addCleanup(files.remove)
        for attempt in range(1 + options.again):
            base = runner.Runner(options.cordon, files, 0).measure_base()
            found = batch.run_batch(options.cordon, files, programs)
            self.assertEqual(set(found), {each.name for each in programs})
            again = []
            for program in programs:
                run = found[program.name]
                judged = bounds.judge(program, run, base)
                if judged.complaints and only_more(judged) and attempt < options.again:
                    print(f"{program.name} in a batch: {judged.complaints}: measured again")
                    again.append(program)
                    continue
                with self.subTest(program.name):
                    self.assertEqual(judged.complaints, [])
                    self.assertEqual(run.status, 0, "the batch calls it bad")
            programs = again
            if not programs:
                return


class Controls(unittest.TestCase):
    """What the corpus is for would be found: time that is missing, memory that is, a wrong end."""

    rounds: Rounds

    def program(self, name: str) -> table.Program:
        return next(each for each in table.programs(self.rounds.options.scale)
                    if each.name == name)

    def test_time_that_is_lost_without_groups_is_missed(self):
        files = runner.Files(self.rounds.options.program)
        self.addCleanup(files.remove)
        one = runner.Runner(self.rounds.options.cordon, files, 0)
        base = one.measure_base()
        for name in ("ignored", "no_wait"):
            program = self.program(name)
            run = one.run(program._replace(more=dict(program.more, policy="ungrouped")))
            self.assertEqual(run.verdict, "EXITED", run.err)
            deviation = bounds.judge_cpu(program, run, base)
            self.assertTrue(deviation.bad, deviation.text())
            self.assertLess(deviation.found, deviation.least)
            self.assertIn("cpu_time", run.report["usage"]["lower_bound"])

    def test_a_processor_that_is_taken_is_seen(self):
        if not witness.real_time():
            self.skipTest("needs real-time scheduling")
        processor = min(os.sched_getaffinity(0))
        watching = witness.Witness(self.rounds.options.program, {processor})
        self.addCleanup(watching.end)

        def taken(priority: int) -> float:
            began = time.monotonic()
            script = ("import os, time\n"
                      f"os.sched_setaffinity(0, {{{processor}}})\n"
                      f"if {priority}:\n"
                      f"    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param({priority}))\n"
                      "end = time.monotonic() + 0.02\n"
                      "while time.monotonic() < end: pass\n")
            subprocess.run([sys.executable, "-c", script], check=True)
            return watching.taken({processor}, began, time.monotonic())

        self.assertGreaterEqual(taken(2), 0.018)
        # A program that computes does not: at most the host does, now and then.
        self.assertTrue(any(taken(0) < 0.002 for _ in range(25)))
        self.assertEqual(watching.taken({processor + 1}, 0, time.monotonic()), 0)

    def test_only_what_is_above_a_bound_is_measured_again(self):
        program = table.Program("x", [], [], "EXITED", "0", table.Bound("built", 0.4),
                                table.Bound("none"), {}, "")

        class InTurn(runner.Runner):
            def __init__(self, *times):  # pylint: disable=super-init-not-called
                self.times = list(times)

            def run(self, program):
                cpu = self.times.pop(0)
                return runner.Run(0, b"", b"", {
                    "verdict": "EXITED", "exit_code": 0,
                    "usage": {"cpu_time": cpu, "user_time": cpu, "system_time": "0s"}})

            def measure_base(self):
                return base

        base = runner.Base(0.003, 0.001, 2 * table.MIB, 2)
        for times, again, right in ((("0.5s", "0.6s", "0.4s"), 2, True), (("0.5s",) * 3, 2, False),
                                    (("0.3s", "0.4s"), 0, False), (("0.4s",), 0, True)):
            rounds = Rounds(self.rounds.options._replace(again=2))
            found, _ = rounds._judge(InTurn(*times), program, base)
            self.assertEqual((found.complaints == [], len(rounds.again)), (right, again), times)

    def test_bounds_are_bounds(self):
        base = runner.Base(0.003, 0.001, 2 * table.MIB, 2)
        program = table.Program("x", [], ["--cpu-time", "100ms", "--memory", "8MiB"], "EXITED", "0",
                                table.Bound("built", 0.4), table.Bound("built", 64 * table.MIB), {},
                                "")
        usage = {"cpu_time": "0.4s", "user_time": "0.4s", "system_time": "0s",
                 "memory_peak_bytes": str(66 * table.MIB)}

        def wrong(**changed):
            return bounds.judge(program, runner.Run(0, b"", b"", {
                "verdict": "EXITED", "exit_code": 0, "usage": dict(usage, **changed)}), base)

        self.assertEqual(wrong().complaints, [])
        for cpu in ("0.391s", "0.410s"):
            self.assertNotEqual(wrong(cpu_time=cpu, user_time=cpu).complaints, [], cpu)
        for part in (0.97, 1.03):
            memory = 2 * table.MIB + int(64 * table.MIB * part)
            self.assertNotEqual(wrong(memory_peak_bytes=str(memory)).complaints, [], part)
        self.assertNotEqual(wrong(user_time="0.3s").complaints, [])
        # What the host took excuses as much, and nothing that is missing.
        for cpu, taken, right in (("0.415s", 0.007, True), ("0.415s", 0.005, False),
                                  ("0.391s", 0.1, False)):
            found = bounds.judge(program, runner.Run(0, b"", b"", {
                "verdict": "EXITED", "exit_code": 0, "usage": dict(
                    usage, cpu_time=cpu, user_time=cpu)}, taken=taken), base)
            self.assertEqual(found.complaints == [], right, cpu)
        for report in ({}, {"verdict": "SIGNALED", "usage": usage},
                       {"verdict": "EXITED", "exit_code": 1, "usage": usage}):
            self.assertNotEqual(bounds.judge(program, runner.Run(0, b"", b"", report),
                                             base).complaints, [], report)


def zeros_are_memory(program: str) -> bool:
    """Of the host, without a sandbox: 64 MiB that are only read. Seen on a 6.18 of a cloud."""
    with subprocess.Popen([program, "reserve", "64"], stdout=subprocess.DEVNULL) as process:
        usage = os.wait4(process.pid, 0)[2]
        process.returncode = 0
    return usage.ru_maxrss > 32 * 1024


def make_tests(rounds: Rounds) -> None:
    def test_of(program: table.Program):
        def test(self):
            wrong = rounds.complaints[program.name]
            if wrong and program.name == "reserve" and zeros_are_memory(rounds.options.program):
                self.skipTest("needs a kernel that has one page for all zeros that are read")
            self.assertEqual(wrong, [], f"{program.why}: {len(wrong)} of "
                                        f"{rounds.options.repeat} rounds")
        test.__doc__ = program.why
        return test

    Batch.rounds = Controls.rounds = rounds
    if rounds.options.repeat >= MANY_ROUNDS:
        def test_again(self):
            """What a host takes from programs is rare; what Cordon would add to accounts is not."""
            odd = rounds.again + rounds.excused
            self.assertLessEqual(len(odd) * RARE, rounds.runs(), odd)
        setattr(Corpus, "test_few_numbers_were_excused", test_again)
    for program in rounds.programs:
        setattr(Corpus, f"test_{program.name}", test_of(program))


def missing(cordon: str) -> str:
    """What this host lacks for any of it; empty: nothing."""
    told = subprocess.run([cordon, "doctor", "--format", "json"], capture_output=True, check=False)
    facts = json.loads(told.stdout)["facts"]
    if not facts["user_namespaces"]:
        return "needs user namespaces"
    if not {"memory", "pids", "cpuacct"} <= set(facts.get("cgroup_controllers", [])):
        return "needs control groups that the caller may use"
    return ""


def skip_all(why: str) -> None:
    for kind in (Batch, Controls, Corpus):
        kind.__unittest_skip__ = True
        kind.__unittest_skip_why__ = why


def options_of(arguments) -> Options:
    cases = arguments.case or os.environ.get("CORDON_CORPUS_CASE", "")
    repeat = arguments.repeat or int(os.environ.get("CORDON_CORPUS_REPEAT", "1"))
    again = arguments.again
    if again is None:
        again = int(os.environ.get("CORDON_CORPUS_AGAIN", "2" if repeat == 1 else "0"))
    scale = arguments.scale or 1
    return Options(os.path.abspath(arguments.cordon), os.path.abspath(arguments.program), repeat,
                   again, arguments.jobs, scale, cases)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cordon", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--repeat", type=int, default=0)
    parser.add_argument("--again", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--scale", type=int, default=0)
    parser.add_argument("--case", default="")
    arguments, rest = parser.parse_known_args()
    rounds = Rounds(options_of(arguments))
    lacking = missing(rounds.options.cordon)
    if lacking:
        skip_all(lacking)
    else:
        rounds.run()
    make_tests(rounds)
    outcome = unittest.main(argv=[sys.argv[0], *rest], exit=False,
                            testRunner=python_results.Runner("corpus"))
    if not lacking:
        print(rounds.summary())
    sys.exit(0 if outcome.result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
