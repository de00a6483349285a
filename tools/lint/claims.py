# SPDX-License-Identifier: Apache-2.0
"""What the documents claim must be held by something that exists.

Entry point: check(root). In README.md, SECURITY.md and the rooms' documents every `Suite.Test`,
every `demo:FILE` and every path of the tree in backquotes must be there.
"""

import os
import re
from typing import List, Set

from common import Finding, all_files, line_of, read

_TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
_QUOTED = re.compile(r"`([^`\n]+)`")
_PYTHON_CLASS = re.compile(r"^class\s+(\w+)", re.MULTILINE)
_PYTHON_TEST = re.compile(r"^\s+def\s+(test_\w+)", re.MULTILINE)
_TEST_NAME = re.compile(r"^(?:[A-Z]\w*Test\.\w+|[A-Z]\w*\.test_\w+)$")
_DEMO = re.compile(r"^demo:(\S+)$")
_PATH = re.compile(r"^(?:policy|sandbox|tools|tests|fuzz|profiles)/[\w./-]*[\w/]$")
SUBMISSIONS = "tools/demo/submissions/"


def tests_in(text: str) -> Set[str]:
    return {f"{suite}.{name}" for suite, name in _TEST.findall(text)}


def python_tests_in(text: str) -> Set[str]:
    classes = [(match.start(), match.group(1)) for match in _PYTHON_CLASS.finditer(text)]
    found = set()
    for match in _PYTHON_TEST.finditer(text):
        above = [name for start, name in classes if start < match.start()]
        if above:
            found.add(f"{above[-1]}.{match.group(1)}")
    return found


def check_text(name: str, text: str, tests: Set[str], files: Set[str]) -> List[Finding]:
    findings = []
    folders = {os.path.dirname(file) for file in files}
    for match in _QUOTED.finditer(text):
        quoted, line = match.group(1), line_of(text, match.start())
        demo = _DEMO.match(quoted)
        if _TEST_NAME.match(quoted) and quoted not in tests:
            findings.append(Finding(name, line, f"no test is called {quoted}"))
        elif demo and SUBMISSIONS + demo.group(1) not in files:
            findings.append(Finding(name, line, f"the demo has no {demo.group(1)}"))
        elif _PATH.match(quoted):
            plain = quoted.rstrip("/")
            if not any(entry == plain or entry.startswith(plain + "/")
                       for entry in files | folders):
                findings.append(Finding(name, line, f"there is no {quoted}"))
    return findings


def check(root: str) -> List[Finding]:
    files = set(all_files(root))
    tests: Set[str] = set()
    for file in files:
        if file.startswith(("tests/", "fuzz/")) and file.endswith(".cc"):
            tests |= tests_in(read(root, file))
        elif file.endswith("_test.py") or file.startswith("tests/vm/cases/"):
            tests |= python_tests_in(read(root, file))
    findings = []
    for file in sorted(files):
        if file.endswith(".md"):
            findings += check_text(file, read(root, file), tests, files)
    return findings
