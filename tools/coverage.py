#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Line coverage of one folder after a run of tests: coverage.py --build DIR [--folder policy].

Reads what gcov says of every object below DIR/FOLDER, prints the lines that ran per folder, the
files with the least of them, and the total. Exits 1 when the total is below --least percent.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
from typing import Dict, Iterable, Iterator, List

Counts = Dict[str, Dict[int, int]]  # path below the root -> line -> how often it ran
WORST = 12


def add(document: dict, folder: str, counts: Counts) -> None:
    """Adds one document of gcov --json-format. Files outside of `folder` do not count.

    Compilers run in the build folder, whose parent is the root of the tree.
    """
    build = document["current_working_directory"]
    for entry in document["files"]:
        path = os.path.relpath(os.path.normpath(os.path.join(build, entry["file"])),
                               os.path.dirname(build))
        if not path.startswith(folder + "/"):
            continue
        lines = counts.setdefault(path, {})
        for line in entry["lines"]:
            number = line["line_number"]
            lines[number] = lines.get(number, 0) + line["count"]


def percent(ran: int, lines: int) -> float:
    return 100.0 * ran / lines if lines else 100.0


def report(counts: Counts) -> List[str]:
    """The lines to print; the last one is the total."""
    folders: Dict[str, List[int]] = collections.defaultdict(lambda: [0, 0])
    files = []
    for path, lines in sorted(counts.items()):
        ran = sum(1 for count in lines.values() if count > 0)
        folders[os.path.dirname(path)][0] += ran
        folders[os.path.dirname(path)][1] += len(lines)
        files.append((percent(ran, len(lines)), path, ran, len(lines)))
    text = [f"{percent(*both):6.1f} %  {both[0]:5} of {both[1]:5}  {folder}/"
            for folder, both in sorted(folders.items())]
    text.append("the least:")
    text += [f"{share:6.1f} %  {ran:5} of {lines:5}  {path}"
             for share, path, ran, lines in sorted(files)[:WORST]]
    ran, lines = total(counts)
    text.append(f"{percent(ran, lines):6.1f} %  {ran:5} of {lines:5}  in all")
    return text


def total(counts: Counts) -> List[int]:
    ran = sum(1 for lines in counts.values() for count in lines.values() if count > 0)
    return [ran, sum(len(lines) for lines in counts.values())]


def documents(output: str) -> Iterator[dict]:
    for line in output.splitlines():
        if line.strip():
            yield json.loads(line)


def data_files(folder: str) -> Iterable[str]:
    for where, _, names in os.walk(folder):
        yield from (os.path.join(where, name) for name in names if name.endswith(".gcda"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--folder", default="policy")
    parser.add_argument("--least", type=float, default=90.0)
    parser.add_argument("--gcov", default="gcov-12")
    arguments = parser.parse_args()
    build = os.path.abspath(arguments.build)
    counts: Counts = {}
    with tempfile.TemporaryDirectory() as scratch:
        for data in sorted(data_files(os.path.join(build, arguments.folder))):
            run = subprocess.run([arguments.gcov, "--json-format", "--stdout", data], cwd=scratch,
                                 capture_output=True, text=True, check=True)
            for document in documents(run.stdout):
                add(document, arguments.folder, counts)
    if not counts:
        print(f"no test left a .gcda file below {arguments.build}/{arguments.folder}",
              file=sys.stderr)
        return 1
    print("\n".join(report(counts)))
    ran, lines = total(counts)
    if percent(ran, lines) >= arguments.least:
        return 0
    print(f"below {arguments.least:g} %", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
