#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up test results and prints the truth about them: test_summary.py [--nowhere] DIR...

Reads in each DIR and in the folders below it: ctest's JUnit files (ctest*.xml), GoogleTest's XML of
each test program (NAME.xml in cases/), and tallies of our own runners (*.tally.json). A program
that ctest calls failed counts as a failure even if its own file shows none (it crashed afterwards).
Groups skips by reason, names failures, and ends with the line `N passed, N failed, N skipped`.
Exits 1 on a failure or when nothing ran; with --nowhere also when a test was skipped in each place
where it was met.
"""

import argparse
import collections
import glob
import json
import os
import sys
import xml.etree.ElementTree as ElementTree
from typing import List, NamedTuple


class Result(NamedTuple):
    name: str
    outcome: str  # passed, failed, skipped
    detail: str


def _message(text: str) -> str:
    """The beginning of a skip or failure message, without gtest's file:line above it."""
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].rsplit(":", 1)[-1].isdigit():
        lines = lines[1:]
    return " ".join(lines[:4])[:200] if lines else ""


def gtest_cases(path: str) -> List[Result]:
    results = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        failure, skipped = case.find("failure"), case.find("skipped")
        if failure is not None:
            results.append(Result(name, "failed", _message(failure.get("message", ""))))
        elif skipped is not None or case.get("result") == "skipped":
            reason = skipped.get("message", "") if skipped is not None else ""
            results.append(Result(name, "skipped", _message(reason) or "no reason given"))
        elif case.get("status") == "notrun":
            results.append(Result(name, "skipped", "disabled in the source"))
        else:
            results.append(Result(name, "passed", ""))
    return results


def _program_result(case: ElementTree.Element) -> Result:
    """What ctest itself says about one program."""
    name, status = case.get("name", "?"), case.get("status")
    failure, skipped = case.find("failure"), case.find("skipped")
    if failure is not None or status == "fail":
        message = failure.get("message", "") if failure is not None else ""
        return Result(name, "failed", _message(message) or "failed")
    if skipped is not None or status in ("notrun", "disabled"):
        message = skipped.get("message", "") if skipped is not None else ""
        return Result(name, "skipped", _message(message) or f"not run ({status})")
    return Result(name, "passed", "")


def ctest_results(path: str, cases_folder: str) -> List[Result]:
    results = []
    for element in ElementTree.parse(path).getroot().iter("testcase"):
        program = _program_result(element)
        own = os.path.join(cases_folder, program.name + ".xml")
        cases: List[Result] = []
        if os.path.exists(own):
            try:
                cases = gtest_cases(own)
            except ElementTree.ParseError:
                cases = [Result(program.name, "failed", "its result file is broken off")]
        results += [case._replace(name=f"{program.name}: {case.name}") for case in cases]
        if not cases:
            results.append(program)
        elif program.outcome == "failed" and all(c.outcome != "failed" for c in cases):
            results.append(program)
    return results


def results_of(folder: str) -> List[Result]:
    results = []
    for path in sorted(glob.glob(os.path.join(folder, "ctest*.xml"))):
        results += ctest_results(path, os.path.join(folder, "cases"))
    for path in sorted(glob.glob(os.path.join(folder, "*.tally.json"))):
        with open(path, encoding="utf-8") as file:
            results += [Result(entry["name"], entry["result"], entry.get("detail", ""))
                        for entry in json.load(file)]
    return results


def folders_with_results(top: str) -> List[str]:
    """`top` and those below it that hold results of their own."""
    return [top] + sorted(where for where, _, files in os.walk(top) if where != top and any(
        name.endswith(".tally.json") or (name.startswith("ctest") and name.endswith(".xml"))
        for name in files))


def skipped_everywhere(results: List[Result]) -> List[Result]:
    ran = {r.name for r in results if r.outcome != "skipped"}
    missing = {r.name: r for r in results if r.name not in ran}
    return [missing[name] for name in sorted(missing)]


def print_summary(results: List[Result]) -> None:
    reasons = collections.defaultdict(list)
    for result in results:
        if result.outcome == "skipped":
            reasons[result.detail].append(result.name)
    if reasons:
        print("\nSkipped:")
        for reason, names in sorted(reasons.items()):
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            print(f"  {len(names):3} {reason} ({names[0]}{more})")
    # Last, where whoever looks at the end of a long log finds them.
    failed = [r for r in results if r.outcome == "failed"]
    if failed:
        print("\nFailed:")
        for result in failed:
            print(f"  {result.name}" + (f": {result.detail}" if result.detail else ""))
    count = collections.Counter(r.outcome for r in results)
    print(f"\n{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped",
          flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--nowhere", action="store_true",
                        help="a test that was skipped in every place is a failure")
    parser.add_argument("folder", nargs="+")
    arguments = parser.parse_args()
    results: List[Result] = []
    plain: List[Result] = []
    for top in arguments.folder:
        for folder in folders_with_results(top):
            found = results_of(folder)
            plain += found
            if len(arguments.folder) > 1:
                label = os.path.relpath(folder, os.path.dirname(os.path.normpath(top)))
                found = [r._replace(name=f"[{label}] {r.name}") for r in found]
            results += found
    nowhere = skipped_everywhere(plain) if arguments.nowhere else []
    results += [r._replace(outcome="failed", detail="ran nowhere: " + r.detail) for r in nowhere]
    print_summary(results)
    return 1 if not results or any(r.outcome == "failed" for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
