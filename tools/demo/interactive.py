# SPDX-License-Identifier: Apache-2.0
"""The interactive problem of the demo: a contestant guesses a number, a grader answers.

Entry point: run. Each pair is one job of two sandboxes that talk (`cordon talk`), each with its own
policy, limits and report; the verdict is the job's.
"""

import json
import os
from typing import Any, Dict, List, Optional

import host
from cordon_cli import Cordon
from judge import Judge, Row, check_expectations, described, name_of

POLICY = "judge/c"
NUMBER = "789"
LIMITS = {"cpu_time": "2s", "wall_time": "20s", "memory": "128MiB", "output": "4MiB"}


def sandbox(name: str, program: str, arguments: List[str]) -> Dict[str, Any]:
    return {"name": name, "policy": POLICY, "argv": [program, *arguments], "limits": LIMITS}


def job_of(grader: str, contestant: str, token: str) -> Dict[str, Any]:
    return {"name": "guess", "verdict_of": "grader",
            "sandbox": [sandbox("grader", grader, [NUMBER, token]),
                        sandbox("contestant", contestant, [token])],
            "connect": [{"from": "grader.stdout", "to": "contestant.stdin"},
                        {"from": "contestant.stdout", "to": "grader.stdin"}]}


def one(cordon: Cordon, scratch: str, bench: Judge, grader: str, submission: Dict[str, Any]) -> Row:
    row = Row(name_of(submission), "c", described(submission))
    program = program_of(bench, row, submission)
    if program is None:
        return row
    path = os.path.join(scratch, "guess.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"job": [job_of(grader, program, bench.token)]}, file)
    row.outcome = cordon.talk(path)
    row.verdict = row.outcome.verdict
    check_expectations(row, submission)
    left = host.leftovers(bench.token)
    if left:
        row.complaints.append(f"processes of the job are left: {left}")
    decided = row.outcome.report.get("decided_by")
    if decided != submission["decided_by"]:
        row.complaints.append(f"decided by {decided}, expected {submission['decided_by']}")
    return row


def program_of(bench: Judge, row: Row, submission: Dict[str, Any]) -> Optional[str]:
    folder = bench.compiled(row, {**submission, "verdict": "EXITED"})
    return None if folder is None else os.path.join(folder, "program")


def run(cordon: Cordon, scratch: str, bench: Judge, submissions: List[Dict[str, Any]]) -> List[Row]:
    """One row for each submission; the grader is compiled once."""
    grader_row = Row("interactive/grader.c", "c", "compiled")
    grader = program_of(bench, grader_row, {"file": "interactive/grader.c", "language": "c"})
    if grader is None:
        return [grader_row]
    return [one(cordon, scratch, bench, grader, submission) for submission in submissions]
