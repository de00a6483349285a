# SPDX-License-Identifier: Apache-2.0
"""The same programs as jobs of one `cordon batch`.

Entry point: run_batch. Two jobs at a time, on one processor: they share it, and nothing of one may
be in the account of the other.
"""

import json
import os
import subprocess
from typing import Any, Dict, List

from runner import TIMEOUT, Files, Run
from table import Program

LIMITS = {"--cpu-time": "cpu_time", "--wall-time": "wall_time", "--memory": "memory",
          "--pids": "processes", "--output-limit": "output"}
# Words of the table that a job of a batch has no counterpart for, or that want all processors.
ONLY_RUN = {"stdin", "disk", "args", "program", "out"}


def fits(program: Program) -> bool:
    return not ONLY_RUN & set(program.more)


def _job(program: Program, files: Files) -> Dict[str, Any]:
    flags = program.flags
    expected: Dict[str, Any] = {"verdict": program.verdict}
    if program.verdict == "EXITED":
        expected["exit_code"] = int(program.ending or 0)
    more = program.more
    limits: Dict[str, Any] = {LIMITS[flags[at]]: flags[at + 1] for at in range(0, len(flags), 2)}
    if "processes" in limits:
        limits["processes"] = int(limits["processes"])
    return {"name": program.name,
            "policy": files.policy(more.get("policy", more.get("file_size", "usual"))),
            "argv": ["/corpus", *program.words],
            "bind": [{"source": files.program, "target": "/corpus"}],
            "limits": limits,
            "stdout": os.path.join(files.folder, program.name + ".out"),
            "expect": expected}


def run_batch(cordon: str, files: Files, programs: List[Program]) -> Dict[str, Run]:
    """By name; the status is 0 for a job that ended as it says that it expects."""
    jobs = os.path.join(files.folder, "jobs.json")
    report = os.path.join(files.folder, "batch.json")
    with open(jobs, "w", encoding="utf-8") as file:
        json.dump({"job": [_job(each, files) for each in programs]}, file)
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
    done = subprocess.run([cordon, "batch", jobs, "--jobs", "2", "--report", report],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
                          check=False)
    if not os.path.exists(report):
        raise RuntimeError(f"no report of the batch: {done.stderr.decode()}")
    with open(report, encoding="utf-8") as file:
        results = json.load(file)["result"]
    found = {}
    for result in results:
        with open(os.path.join(files.folder, result["name"] + ".out"), "rb") as out:
            found[result["name"]] = Run(int(result["outcome"] != "GOOD"), out.read(), b"",
                                        result.get("report", {}))
    return found
