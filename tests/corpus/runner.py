# SPDX-License-Identifier: Apache-2.0
"""Runs one program of the corpus under `cordon run` and gives what the report says.

Entry points: Runner.run, Runner.measure_base. A runner belongs to one thread and keeps its jobs on
one processor, so that the kernel's charges in advance (64 pages for each processor that a group
runs on) are there once; programs marked `spread` have all of them.
"""

import ctypes
import json
import mmap
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from typing import Any, Dict, FrozenSet, List, NamedTuple

from table import Bound, Program, bytes_of, seconds

TIMEOUT = 300
NOBODY = 65534
POLICY = """extends: "base/compute"
limits { file_size: "%s" }
mounts { dev { shm_size: "64MiB" } }
"""
# The filter has nothing against namespaces here; what else is in the way is what is tested.
OPEN = """seccomp {
  rule { calls: ["clone", "unshare"] action: ALLOW }
}
"""


# Without a control group the init can only add up whom it reaped.
UNGROUPED = "cgroup { enforcement: OFF }\n"


class Run(NamedTuple):
    status: int
    out: bytes
    err: bytes
    report: Dict[str, Any]
    processors: FrozenSet[int] = frozenset()  # on which it may have been
    began: float = 0.0   # time.monotonic()
    ended: float = 0.0
    taken: float = 0.0   # seconds of its processors that were the host's meanwhile

    @property
    def verdict(self) -> str:
        return self.report.get("verdict", "NO_REPORT")

    def number(self, field: str) -> float:
        """A field of `usage`: seconds or a plain number."""
        value = self.report.get("usage", {}).get(field, 0)
        return seconds(value) if isinstance(value, str) and value.endswith("s") else float(value)

    def told(self) -> float:
        """What the program said last of its CPU time, in seconds; -1: nothing."""
        lines = [line for line in self.out.decode(errors="replace").splitlines()
                 if line.startswith("cpu_ns ")]
        return int(lines[-1].split()[1]) / 1e9 if lines else -1


class Base(NamedTuple):
    """What a job costs that uses nothing, measured where and when the others are."""

    cpu: float       # of a program that ends at once
    overhead: float  # of a program that burns, beyond what its own clock has counted
    memory: float
    processors: int  # that a job has when it is not kept on one


class Files:
    """Policies, and the program in memory: its pages must not be charged to a job."""

    def __init__(self, program: str):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="cordon_corpus_", dir="/var/tmp")
        os.chmod(self.folder, 0o755)
        for name, size, more in (("usual", "64MiB", ""), ("open", "64MiB", OPEN),
                                 ("1MiB", "1MiB", ""), ("ungrouped", "64MiB", UNGROUPED)):
            with open(self.policy(name), "w", encoding="utf-8") as file:
                file.write(POLICY % size + more)
        with open(program, "rb") as file:
            self.map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_WRITE,
                                 flags=mmap.MAP_PRIVATE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        # Best effort: where locked memory is scarce, pages that are used all the time stay anyway.
        ctypes.CDLL(None).mlock(ctypes.c_void_p(address), ctypes.c_size_t(len(self.map)))

    def policy(self, name: str) -> str:
        return os.path.join(self.folder, name + ".textproto")

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class Runner:
    def __init__(self, cordon: str, files: Files, number: int):
        self.cordon = cordon
        self.files = files
        self.all = os.sched_getaffinity(0)
        self.own = {sorted(self.all)[number % len(self.all)]}
        self.report = os.path.join(files.folder, f"report{number}.json")
        self.disk = os.path.join(files.folder, f"disk{number}")

    def _command(self, program: Program) -> List[str]:
        more = program.more
        policy = self.files.policy(more.get("policy", more.get("file_size", "usual")))
        line = [self.cordon, "run", "-q", "--policy", policy, "--report", self.report,
                *program.flags]
        if "disk" in more:
            os.makedirs(self.disk, exist_ok=True)
            if os.geteuid() == 0:
                os.chown(self.disk, NOBODY, NOBODY)
            line += ["--bind", f"{self.disk}:/disk:rw"]
        words = [*program.words, *(["a" * int(more["args"])] if "args" in more else [])]
        return [*line, "--", more.get("program", self.files.program), *words]

    def run(self, program: Program) -> Run:
        more = program.more
        wanted = more.get("stdin", "0")
        # The affinity is that of this thread, and goes to what it starts.
        processors = self.all if "spread" in more else self.own
        os.sched_setaffinity(0, processors)
        began = time.monotonic()
        with subprocess.Popen(self._command(program), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                if wanted == "open":
                    out, err = process.stdout.read(), process.stderr.read()
                    process.wait(timeout=TIMEOUT)
                else:
                    out, err = process.communicate(b"i" * int(wanted), timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        ended = time.monotonic()
        shutil.rmtree(self.disk, ignore_errors=True)
        document: Dict[str, Any] = {}
        if os.path.exists(self.report):
            with open(self.report, encoding="utf-8") as file:
                document = json.load(file)
            os.unlink(self.report)
        return Run(process.returncode, out, err, document, frozenset(processors), began, ended)

    def _simple(self, words: List[str]) -> Run:
        nothing = Bound("none")
        return self.run(Program("base", words, [], "EXITED", "0", nothing, nothing, {}, ""))

    def measure_base(self) -> Base:
        empty = [self._simple(["exit", "0"]) for _ in range(5)]
        burned = [self._simple(["burn", "20000000"]) for _ in range(3)]
        return Base(statistics.median(run.number("cpu_time") for run in empty),
                    statistics.median(run.number("cpu_time") - run.told() for run in burned),
                    statistics.median(run.number("memory_peak_bytes") for run in empty),
                    len(self.all))


def limit_of(program: Program, flag: str) -> float:
    text = program.limit(flag)
    return float(bytes_of(text)) if flag == "--memory" else seconds(text)
