# SPDX-License-Identifier: Apache-2.0
"""Runs one job through the command and reads its report.

Entry points: Cordon.run, Outcome. Nothing here knows what a right verdict is.
"""

import json
import os
import subprocess
import tempfile
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

OWN_FAILURE = 125


class Job(NamedTuple):
    """One run: flags of `cordon run` as values."""

    policy: str
    argv: Sequence[str]
    binds: Sequence[str] = ()
    limits: Dict[str, str] = {}
    stdin: Optional[str] = None
    stdout: Optional[str] = None
    stderr: Optional[str] = None
    folder: Optional[str] = None  # host folder where the command is started
    timeline: Optional[str] = None  # how often its course is sampled, for the page


class Outcome(NamedTuple):
    """What the command said about one job."""

    exit_status: int
    report: Dict[str, Any]
    message: str  # what the command itself wrote to stderr

    @property
    def verdict(self) -> str:
        return self.report.get("verdict", "NO_REPORT")

    @property
    def exit_code(self) -> Optional[int]:
        return self.report.get("exit_code", 0) if self.verdict == "EXITED" else None

    @property
    def signal_name(self) -> str:
        return self.report.get("signal_name", "")

    def usage(self, field: str) -> float:
        return number_of(self.report.get("usage", {}).get(field, 0))

    @property
    def limit_hit(self) -> str:
        """The evidence that carries a limit, or the first one, in a few words."""
        evidence = self.report.get("evidence", [])
        limited = [e for e in evidence if e.get("limit", "0") != "0"] or evidence
        if not limited or self.verdict == "EXITED":
            return ""
        first = limited[0]
        text = f"{first.get('name', '')} {people(first.get('observed', ''))}".strip()
        return text + (f" of {people(first['limit'])}" if first.get("limit") else "")


def people(number: str) -> str:
    """Bytes of a MiB or more in MiB; everything else as it is."""
    if number.isdigit() and int(number) >= 2**20:
        return f"{int(number) / 2**20:.1f} MiB"
    return number


def number_of(value: Any) -> float:
    """Protobuf's JSON writes 64-bit numbers as strings and durations as "1.5s"."""
    if isinstance(value, str):
        return float(value[:-1] if value.endswith("s") else value)
    return float(value)


def command_line(cordon: str, job: Job, report: str) -> List[str]:
    line = [cordon, "run", "--policy", job.policy, "--report", report]
    for flag, value in sorted(job.limits.items()):
        line += [f"--{flag}", value]
    for bind in job.binds:
        line += ["--bind", bind]
    for flag in ("stdin", "stdout", "stderr", "timeline"):
        if getattr(job, flag):
            line += [f"--{flag}", getattr(job, flag)]
    return line + ["--", *job.argv]


class Cordon:
    """The command under test; reports go to a folder that dies with the process."""

    def __init__(self, program: str, scratch: str):
        self.program = os.path.abspath(program)
        self.scratch = scratch
        self.pids: List[int] = []  # of every run, to recognise what they leave behind

    def run(self, job: Job, timeout: float = 2400) -> Outcome:
        return self._outcome(lambda report: command_line(self.program, job, report), job.folder,
                             timeout)

    def talk(self, jobs: str, timeout: float = 2400) -> Outcome:
        """The one job of a list, of several sandboxes."""
        return self._outcome(lambda report: [self.program, "talk", jobs, "--report", report], None,
                             timeout)

    def _outcome(self, line_of: Callable[[str], List[str]], start: Optional[str],
                 timeout: float) -> Outcome:
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            report_path = os.path.join(folder, "report.json")
            line = line_of(report_path)
            with subprocess.Popen(line, cwd=start, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                self.pids.append(process.pid)
                try:
                    _, message = process.communicate(timeout=timeout)
                except BaseException:
                    process.kill()  # the kernel ends the job with its supervisor
                    raise
            report: Dict[str, Any] = {}
            if os.path.exists(report_path):
                with open(report_path, encoding="utf-8") as file:
                    text = file.read()
                report = json.loads(text) if text.strip() else {}
        return Outcome(process.returncode, report, message.decode(errors="replace"))
