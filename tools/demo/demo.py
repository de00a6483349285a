#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges a folder of submissions and runs a CI job, and shows one table of verdicts.

Exit status: 0 all verdicts are the expected ones and the host is unharmed, 1 not so, 2 usage,
3 the host does not grant this user a control that the profiles require (it says which).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List, Optional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import ci_job  # noqa: E402  (the folder is on the path only now)
import host  # noqa: E402
import interactive  # noqa: E402
import judge  # noqa: E402
import table  # noqa: E402
from cordon_cli import OWN_FAILURE, Cordon, Job  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(judge.HERE))
HEADER = ("submission", "expected", "verdict", "cpu", "wall", "memory", "procs", "limit that hit")
NOT_GRANTED = 3


def cells(row: judge.Row) -> List[str]:
    if row.outcome is None:
        return [row.name, row.expected, f"skipped: {row.skipped}", "", "", "", "", ""]
    outcome = row.outcome
    words = [row.verdict, "" if outcome.exit_code is None else str(outcome.exit_code),
             outcome.signal_name if row.verdict == "SIGNALED" else "", row.answer]
    if row.verdict == "COMPILE_ERROR":
        words = [row.verdict]
    return [row.name, row.expected, " ".join(word for word in words if word),
            table.seconds(outcome.usage("cpu_time")), table.seconds(outcome.usage("wall_time")),
            table.size(outcome.usage("memory_peak_bytes")), f"{outcome.usage('pids_peak'):.0f}",
            outcome.limit_hit]


def show(rows: List[judge.Row], palette: table.Palette) -> None:
    styles = ["bad" if row.complaints else "dim" if row.skipped else "good" for row in rows]
    lines = [[table.plain(cell) for cell in cells(row)] for row in rows]
    print(table.render_table(HEADER, lines, styles, palette, right=(3, 4, 5, 6)))


class Progress:
    """One line that moves on a terminal, one line per step elsewhere; on stderr."""

    def __init__(self, total: int):
        self.total = total
        self.done = 0
        self.moving = sys.stderr.isatty()

    def step(self, name: str) -> None:
        self.done += 1
        text = f"[{self.done}/{self.total}] {name}"
        if self.moving:
            sys.stderr.write(f"\r\033[K{text}")
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def end(self) -> None:
        if self.moving:
            sys.stderr.write("\r\033[K")


def refused_control(cordon: Cordon) -> Optional[str]:
    """Why this host does not let this user run jobs at all; None when it does."""
    outcome = cordon.run(Job("judge/c", ["true"]))
    if outcome.exit_status != OWN_FAILURE:
        return None
    error = outcome.report.get("error", {})
    return outcome.message.strip() or error.get("message", "no message") + (
        f"\nhint: {error['hint']}" if error.get("hint") else "")


def chosen(submissions: List[Dict[str, Any]], only: List[str]) -> List[Dict[str, Any]]:
    if not only:
        return submissions
    return [s for s in submissions if any(name in s["file"] for name in only)]


def as_data(row: judge.Row) -> Dict[str, Any]:
    return {"submission": row.name, "expected": row.expected, "verdict": row.verdict,
            "answer": row.answer, "skipped": row.skipped, "complaints": row.complaints,
            "report": row.outcome.report if row.outcome else None}


def as_result(row: judge.Row) -> Dict[str, Any]:
    """The row as `cordon batch` would tell of it (JobResult in policy/proto/batch_result.proto)."""
    if row.outcome is None:
        return {"name": row.name, "outcome": "SKIPPED", "why": row.skipped}
    name = f"{row.name} (compiler)" if row.verdict == "COMPILE_ERROR" else row.name
    return {"name": name, "outcome": "BAD" if row.complaints else "GOOD",
            "why": "\n".join(row.complaints), "report": row.outcome.report}


def write_page(path: str, rows: List[judge.Row], cordon: Cordon, scratch: str) -> bool:
    """All rows as one page, by the writer of `cordon batch --html`."""
    results = os.path.join(scratch, "results.jsonl")
    with open(results, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(as_result(row)) + "\n")
    done = subprocess.run([cordon.program, "report", results, "--html", path, "--title",
                           "Cordon demo"], check=False)
    if done.returncode == 0:
        print(f"the same as a page: {path}")
    return done.returncode == 0


def write_tally(path: str, rows: List[judge.Row], damage: List[str]) -> None:
    entries = [{"name": f"demo.{row.name}",
                "result": "failed" if row.complaints else "skipped" if row.skipped else "passed",
                "detail": row.skipped or "; ".join(row.complaints)[:300]} for row in rows]
    entries.append({"name": "demo.host is unharmed", "result": "failed" if damage else "passed",
                    "detail": "; ".join(damage)})
    with open(path, "w", encoding="utf-8") as file:
        json.dump(entries, file)


def keep(rows: Dict[str, judge.Row], row: judge.Row, round_number: int) -> None:
    first = rows.setdefault(row.name, row)
    if row is not first:
        first.complaints += [f"round {round_number + 1}: {c}" for c in row.complaints]


def judge_all(arguments, manifest: Dict[str, Any], cordon: Cordon,
              scratch: str) -> List[judge.Row]:
    submissions = chosen(manifest["submissions"], arguments.only)
    talkers = chosen(manifest["interactive"], arguments.only)
    with_ci = not arguments.no_ci and (not arguments.only or "ci" in arguments.only)
    talks = 1 if talkers else 0
    progress = Progress((len(submissions) + talks) * arguments.repeat + (1 if with_ci else 0))
    bench = judge.Judge(cordon, scratch, manifest)
    rows: Dict[str, judge.Row] = {}
    for round_number in range(arguments.repeat):
        for submission in submissions:
            progress.step(judge.name_of(submission))
            keep(rows, bench.judge(submission), round_number)
        if talkers:
            progress.step("interactive problem: two sandboxes that talk")
            for row in interactive.run(cordon, scratch, bench, talkers):
                keep(rows, row, round_number)
    found = list(rows.values())
    if with_ci:
        progress.step("CI job: the policy library under ci/cmake, without network")
        found += ci_job.run(cordon, ROOT, scratch)
    progress.end()
    return found


def report(rows: List[judge.Row], damage: List[str], arguments, seconds: float) -> int:
    palette = table.Palette(sys.stdout)
    show(rows, palette)
    wrong = [row for row in rows if row.complaints]
    for row in wrong:
        print(palette.paint("bad", f"\n{row.name}:"))
        for complaint in row.complaints[:5]:
            print("  " + "\n  ".join(table.plain(line) for line in complaint.splitlines()))
    for line in damage:
        print(palette.paint("bad", f"host: {line}"))
    skipped = sum(1 for row in rows if row.skipped)
    rounds = f" in each of {arguments.repeat} rounds" if arguments.repeat > 1 else ""
    print(f"\n{len(rows) - len(wrong) - skipped} of {len(rows)} as expected{rounds}, "
          f"{len(wrong)} not, {skipped} skipped; the host is "
          f"{'HARMED' if damage else 'unharmed'}; {seconds:.0f} s")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump([as_data(row) for row in rows], file, indent=1)
    if arguments.tally:
        write_tally(arguments.tally, rows, damage)
    return 1 if wrong or damage or not rows else 0


def parse(argv: List[str]):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cordon", default=os.path.join(ROOT, "build", "cordon"))
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="submissions whose file name has NAME in it; \"ci\" for the CI job")
    parser.add_argument("--repeat", type=int, default=1, metavar="N",
                        help="judge the set N times and require the same verdicts")
    parser.add_argument("--no-ci", action="store_true", help="leave the CI job out")
    parser.add_argument("--json", metavar="FILE", help="write all rows with their reports")
    parser.add_argument("--html", metavar="FILE", help="write all rows as one page for people")
    parser.add_argument("--tally", metavar="FILE", help="write results for tools/test_summary.py")
    arguments = parser.parse_args(argv)
    if arguments.repeat < 1:
        parser.error("--repeat wants at least 1")
    if not os.access(arguments.cordon, os.X_OK):
        parser.error(f"{arguments.cordon} is not there: run tools/dev build")
    return arguments


def main(argv: List[str]) -> int:
    arguments = parse(argv)
    manifest = judge.load_manifest()
    every = manifest["submissions"] + manifest["interactive"]
    if arguments.only and not chosen(every, arguments.only) and "ci" not in arguments.only:
        print(f"demo: no submission has {arguments.only} in its name", file=sys.stderr)
        return 2
    began = time.monotonic()
    scratch = tempfile.mkdtemp(prefix="cordon-demo-")
    os.chmod(scratch, 0o755)  # the job is another user than root
    try:
        cordon = Cordon(arguments.cordon, scratch)
        refusal = refused_control(cordon)
        if refusal:
            print("This host does not grant this user what the profiles require:\n"
                  f"{refusal}\n`{arguments.cordon} doctor` lists every control and how to grant "
                  "it.", file=sys.stderr)
            if arguments.tally:
                with open(arguments.tally, "w", encoding="utf-8") as file:
                    json.dump([{"name": "demo", "result": "skipped",
                                "detail": refusal.splitlines()[0]}], file)
            return NOT_GRANTED
        before = host.Snapshot.take()
        rows = judge_all(arguments, manifest, cordon, scratch)
        damage = before.differences(host.Snapshot.take())
        damage += [f"a control group is left: {g}" for g in host.groups_of(cordon.pids)]
        status = report(rows, damage, arguments, time.monotonic() - began)
        if arguments.html and not write_page(arguments.html, rows, cordon, scratch):
            status = 1
        return status
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
