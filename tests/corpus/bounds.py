# SPDX-License-Identifier: Apache-2.0
"""PURE: what a program was built to use, and what its report says -> complaints and deviations.

Entry point: judge. CPU time: 2 % or 5 ms, memory: 2 % or 256 KiB, whichever is more. README.md
beside this file says where the measured base comes in, and why.
"""

from typing import List, NamedTuple, Optional

from runner import Base, Run, limit_of
from table import MIB, Program, seconds

CPU_PART = 0.02
CPU_LEAST = 0.005
MEMORY_PART = 0.02
MEMORY_LEAST = 256 * 1024
# The base itself is not the same twice: the kernel's own structures.
BASE_PART = 0.05
# How late a CPU limit may be noticed, in CPU time: on one processor the supervisor takes it from
# the job as it wakes; a job on all of them burns on while a busy machine lets the supervisor wait.
# What is usual (10 ms at p99) is a matter of tools/bench.
OVERSHOOT = 0.020
OVERSHOOT_SPREAD = 0.050  # for each processor
# How late a wall limit may be, or a sleeper wake: a machine that is busy, not a benchmark.
WALL_LATE = 3.0


class Deviation(NamedTuple):
    """What was found, what was expected, and what is allowed: in seconds or bytes."""

    what: str
    found: float
    least: float
    expected: float
    most: float

    @property
    def bad(self) -> bool:
        return not self.least <= self.found <= self.most

    @property
    def used(self) -> float:
        """The part of the room that is used, from what is expected: 1 is the edge."""
        room = self.most - self.expected if self.found > self.expected else (
            self.expected - self.least)
        return abs(self.found - self.expected) / room if room > 0 else float(self.bad)

    def text(self) -> str:
        if self.what == "memory":
            numbers = [f"{value / MIB:.3f} MiB" for value in self[1:]]
        else:
            numbers = [f"{value * 1000:.2f} ms" for value in self[1:]]
        found, least, expected, most = numbers
        return f"{self.what} {found}, expected {expected}, allowed {least} to {most}"


class Judgement(NamedTuple):
    complaints: List[str]
    deviations: List[Deviation]


def cpu_room(value: float) -> float:
    return max(CPU_PART * value, CPU_LEAST)


def memory_room(value: float) -> float:
    return max(MEMORY_PART * value, MEMORY_LEAST)


def all_cpu(run: Run) -> float:
    """What the group has used in all, the end of its tree included."""
    return run.number("cpu_time") + run.number("cleanup_cpu_time")


def judge_cpu(program: Program, run: Run, base: Base) -> Optional[Deviation]:
    bound, found = program.cpu, run.number("cpu_time")
    if bound.kind == "built":
        room = cpu_room(bound.value)
        return Deviation("cpu", found, bound.value - room, bound.value,
                         bound.value + base.overhead + room + bound.more)
    if bound.kind == "below":
        return Deviation("cpu", found, 0, 0, bound.value)
    if bound.kind == "little":
        return Deviation("cpu", found, 0, base.cpu, base.cpu + CPU_LEAST)
    if bound.kind in ("limit", "told"):
        limit = limit_of(program, "--cpu-time")
        # Verdict and account may be of the moment at which it was noticed; the host pays for all.
        late = OVERSHOOT_SPREAD * base.processors if "spread" in program.more else OVERSHOOT
        return Deviation("cpu", all_cpu(run), limit, limit,
                         limit + base.overhead + max(CPU_PART * limit, late))
    return None


def judge_told(program: Program, run: Run, base: Base) -> Optional[Deviation]:
    """What it used no table can know; it said so itself, a moment before it ended or was killed."""
    if program.cpu.kind not in ("told", "said"):
        return None
    if run.told() < 0:
        return Deviation("told", -1, 0, 0, 0)
    room = cpu_room(run.told())
    return Deviation("told", all_cpu(run), run.told(), run.told(),
                     run.told() + base.overhead + room)


def judge_memory(program: Program, run: Run, base: Base) -> Optional[Deviation]:
    bound, found = program.memory, run.number("memory_peak_bytes")
    least = base.memory - MEMORY_LEAST - BASE_PART * base.memory
    if bound.kind == "built":
        room = memory_room(bound.value) + BASE_PART * base.memory
        expected = base.memory + bound.value
        return Deviation("memory", found, expected - room, expected, expected + room)
    if bound.kind == "little":
        return Deviation("memory", found, least, base.memory, 2 * base.memory - least)
    if bound.kind == "below":
        return Deviation("memory", found, least, base.memory, base.memory + bound.value)
    if bound.kind in ("limit", "upto-limit"):
        limit = limit_of(program, "--memory")
        least = limit - memory_room(limit) if bound.kind == "limit" else 0
        return Deviation("memory", found, least, limit, limit + MEMORY_LEAST)
    return None


def _ending(program: Program, run: Run) -> List[str]:
    wrong = []
    if run.verdict != program.verdict:
        wrong.append(f"verdict {run.verdict}, expected {program.verdict}")
    if program.ending is None:
        return wrong
    if program.ending.isdigit():
        found = str(run.report.get("exit_code", "none"))
    else:
        found = run.report.get("signal_name", "none")
    if found != program.ending:
        wrong.append(f"ended with {found}, expected {program.ending}")
    return wrong


def _further(program: Program, run: Run) -> List[str]:
    more, wrong = program.more, []
    usage = run.report.get("usage", {})
    out = len(run.out) + len(run.err)
    if "out" in more and out != int(more["out"]):
        wrong.append(f"{out} bytes of output, expected {more['out']}")
    if "pids" in more and "pids_peak" not in usage.get("lower_bound", []):
        if run.number("pids_peak") != int(more["pids"]):
            wrong.append(f"{run.number('pidsPeak'):.0f} processes, expected {more['pids']}")
    if "wall" in more and run.number("wall_time") < float(more["wall"][:-2]) / 1000:
        wrong.append(f"wall time {run.number('wallTime')} s, expected at least {more['wall']}")
    if "says" in more and more["says"].encode() not in run.out:
        wrong.append(f"it does not say {more['says']}: {run.out[:100]!r}")
    if "evidence" in more and more["evidence"] not in [
            each["name"] for each in run.report.get("evidence", [])]:
        wrong.append(f"no evidence {more['evidence']}")
    parts = run.number("user_time") + run.number("system_time")
    if abs(parts - run.number("cpu_time")) > 1e-6:
        wrong.append(f"user and system time are {parts} s of {run.number('cpuTime')} s")
    return wrong


def judge_built(program: Program, run: Run) -> Optional[Deviation]:
    """The program itself must have done what it was built for, by its own clock."""
    if program.cpu.kind != "built" or program.verdict != "EXITED" or run.told() < 0:
        return None
    built = program.cpu.value
    return Deviation("its own clock", run.told(), 0, built, built + CPU_LEAST / 2)


def judge(program: Program, run: Run, base: Base) -> Judgement:
    complaints = _ending(program, run)
    if program.verdict == "SETUP_FAILED":
        if "usage" in run.report and run.number("cpu_time") > 0:
            complaints.append("usage of a job that never ran")
        return Judgement(complaints, [])
    complaints += _further(program, run)
    found = [judge_cpu(program, run, base), judge_told(program, run, base),
             judge_memory(program, run, base), judge_built(program, run)]
    # The kernel charges a program with what the host took from its processor meanwhile.
    deviations = [each if each.what == "memory" else each._replace(most=each.most + run.taken)
                  for each in found if each is not None]
    complaints += [each.text() for each in deviations if each.bad]
    return Judgement(complaints, deviations)
