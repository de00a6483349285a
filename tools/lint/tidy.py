# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over our translation units; slow, so changed files only unless all are asked for.

Entry point: check(root, build, everything). The build folder needs compile_commands.json made by
clang.
"""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
from typing import List, Set

from common import Finding

PROGRAM = "clang-tidy-14"
OURS = ("policy/", "sandbox/", "tools/", "fuzz/", "profiles/")
_LINE = re.compile(r"^(?P<path>/[^:\n]+):(?P<line>\d+):\d+: (?:error|warning): (?P<text>.*)$",
                   re.MULTILINE)


def changed_files(root: str) -> Set[str]:
    """Files that differ from the last commit, or that the last commit changed."""
    names: Set[str] = set()
    for command in (["diff", "--name-only", "HEAD"], ["diff", "--name-only", "HEAD~1", "HEAD"],
                    ["ls-files", "--others", "--exclude-standard"]):
        run = subprocess.run(["git", "-C", root, *command], capture_output=True, text=True,
                             check=False)
        names.update(run.stdout.split())
    return names


def units(root: str, build: str) -> List[str]:
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    names = {os.path.relpath(entry["file"], root) for entry in entries}
    return sorted(name for name in names if name.startswith(OURS))


def findings_in(output: str, root: str) -> List[Finding]:
    found = set()
    for match in _LINE.finditer(output):
        path = os.path.relpath(match.group("path"), root)
        if not path.startswith(".."):
            found.add(Finding(path, int(match.group("line")), match.group("text")))
    return sorted(found)


def _run(root: str, build: str, name: str) -> List[Finding]:
    run = subprocess.run([PROGRAM, "--quiet", "-p", build, name], cwd=root, capture_output=True,
                         text=True, check=False)
    found = findings_in(run.stdout, root)
    if run.returncode != 0 and not found:
        found = [Finding(name, 1, "clang-tidy failed: " + run.stderr.strip()[-300:])]
    return found


def check(root: str, build: str, everything: bool) -> List[Finding]:
    if not shutil.which(PROGRAM):
        return [Finding("tools/lint/tidy.py", 1, f"{PROGRAM} is not installed")]
    if not os.path.exists(os.path.join(build, "compile_commands.json")):
        return [Finding(os.path.relpath(build, root), 0, "no compile_commands.json: run "
                                                         "tools/dev build first")]
    names = units(root, build)
    if not everything:
        changed = changed_files(root)
        names = [name for name in names if name in changed]
    findings: Set[Finding] = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for found in pool.map(lambda name: _run(root, build, name), names):
            findings.update(found)
    return sorted(findings)
