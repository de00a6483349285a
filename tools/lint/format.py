# SPDX-License-Identifier: Apache-2.0
"""clang-format on every C++ file of the tree, as errors; never changes a file.

Entry point: check(root). Debian's clang-format-14 decides, because others break lines elsewhere.
"""

import re
import shutil
import subprocess
from typing import List

from common import Finding, source_files

PROGRAM = "clang-format-14"
_LINE = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):\d+: (?:error|warning): ", re.MULTILINE)


def findings_in(output: str, root: str) -> List[Finding]:
    """One finding per place in clang-format's own words."""
    places = []
    for match in _LINE.finditer(output):
        path = match.group("path")
        path = path[len(root) + 1:] if path.startswith(root + "/") else path
        places.append(Finding(path, int(match.group("line")), "clang-format would change this"))
    return sorted(set(places))


def check(root: str) -> List[Finding]:
    if not shutil.which(PROGRAM):
        return [Finding("tools/lint/format.py", 1, f"{PROGRAM} is not installed")]
    files = [n for n in source_files(root) if not n.startswith("tools/demo/")]
    findings: List[Finding] = []
    for at in range(0, len(files), 100):
        run = subprocess.run([PROGRAM, "--dry-run", "-Werror", "--style=file", *files[at:at + 100]],
                             cwd=root, capture_output=True, text=True, check=False)
        found = findings_in(run.stderr, root)
        if run.returncode != 0 and not found:
            found = [Finding(".clang-format", 1, run.stderr.strip()[:200])]
        findings += found
    return findings
