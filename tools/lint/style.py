# SPDX-License-Identifier: Apache-2.0
"""House rules that clang-format does not know, for every text file of the tree.

Entry point: check(root). Licence line, 100 columns, blanks, no `friend`, no exceptions, no
unowned to-do notes, no path of the machine at hand.
"""

import os
import re
from typing import List, Set

from common import (CPP_SUFFIXES, TOKENS, Finding, all_files, blank_comments_and_literals, line_of,
                    read)

LICENCE = "SPDX-License-Identifier: Apache-2.0"
LICENSED = CPP_SUFFIXES + (".py", ".sh", ".cmake", "CMakeLists.txt", ".proto", ".textproto",
                           "tools/dev", ".ci/run", ".java", ".js", ".css", ".clang-format",
                           ".clang-tidy")
COLUMNS = 100
# A table's row and a link cannot be broken; inputs of fuzzers and jobs are data.
UNBROKEN = re.compile(r"^\s*(\||\[[^\]]*\]:|[-*]?\s*<?https?://)")
DATA = ("fuzz/corpus/", "fuzz/dict/", "tests/golden/")
# CLI11 reports bad flags by exceptions; they end where it is called.
EXCEPTIONS_END = ("tools/cordon/main.cc", "tools/cordon_setup/main.cc")
NOT_TEXT = (".json", "LICENSE")

# The words are put together here so that this file does not contain them.
_TODO = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b(?!\(#\d+\))")
_CONFLICT = re.compile(r"<{7} |>{7} ")
_FRIEND = re.compile(r"\bfriend\b(?!\s*[=(;,.])")
_BARE = re.compile(r"\bif \(.*\) (?:EXPECT|ASSERT)_")
_THROW = re.compile(r"\b(?:throw|try|catch)\b(?=\s*[\w({;])")


def _lines_of_raw_strings(name: str, text: str) -> Set[int]:
    """Lines of C++ that a raw string covers: no formatter may break them."""
    covered: Set[int] = set()
    if name.endswith(CPP_SUFFIXES):
        for match in TOKENS.finditer(text):
            if match.lastgroup in ("raw", "tag"):
                covered.update(range(line_of(text, match.start()), line_of(text, match.end()) + 1))
    return covered


def _line_findings(name: str, number: int, line: str, raw: bool) -> List[Finding]:
    findings = []
    if line.rstrip() != line:
        findings.append(Finding(name, number, "ends in blanks"))
    if "\t" in line and not name.endswith((".tsv", "Makefile", ".go")):
        findings.append(Finding(name, number, "has a tab"))
    unbroken = raw or UNBROKEN.match(line) or name.endswith(".tsv")
    if len(line) > COLUMNS and not unbroken:
        findings.append(Finding(name, number, f"has {len(line)} columns; {COLUMNS} is the limit"))
    if _TODO.search(line):
        findings.append(Finding(name, number, "a note of this kind needs an issue number"))
    if _CONFLICT.match(line):
        findings.append(Finding(name, number, "a mark of a merge that was not finished"))
    return findings


def check_text(name: str, text: str) -> List[Finding]:
    findings = []
    if not text:
        return findings
    lines = text.split("\n")
    head = lines[0] if not lines[0].startswith("#!") else "".join(lines[1:2])
    if name.endswith(LICENSED) and LICENCE not in head:
        findings.append(Finding(name, 1, f"does not begin with {LICENCE}"))
    if not text.endswith("\n"):
        findings.append(Finding(name, len(lines), "has no newline at its end"))
    raw = _lines_of_raw_strings(name, text)
    for number, line in enumerate(lines, start=1):
        findings += _line_findings(name, number, line, number in raw)
    if name.endswith(CPP_SUFFIXES) and not name.startswith("tools/demo/"):
        code = blank_comments_and_literals(text)
        for rule, message in ((_FRIEND, "friend: give the class a door instead"),
                              (_BARE, "needs braces: the macro has an else, which g++ refuses"),
                              (_THROW, "exceptions: return a Status")):
            for match in rule.finditer(code):
                if rule is _THROW and name in EXCEPTIONS_END:
                    continue
                findings.append(Finding(name, line_of(code, match.start()), message))
    return findings


def machine_paths(root: str) -> Set[str]:
    """Paths that mean something only here: the checkout's, and the home of whoever runs this."""
    return {path for path in (root, os.path.expanduser("~")) if path.count("/") > 1}


def check_paths(name: str, text: str, paths: Set[str]) -> List[Finding]:
    if not paths:
        return []
    # One finding for a place, also where one of the paths lies below another.
    places = re.compile("|".join(re.escape(path) + r"\b" for path in sorted(paths, reverse=True)))
    return [Finding(name, line_of(text, match.start()), "names a path of this machine")
            for match in places.finditer(text)]


def check(root: str) -> List[Finding]:
    findings = []
    paths = machine_paths(root)
    for name in all_files(root):
        if name.startswith(DATA) or name.endswith(NOT_TEXT):
            continue
        with open(f"{root}/{name}", "rb") as file:
            if b"\0" in file.read(4096):
                continue
        text = read(root, name)
        findings += check_text(name, text) + check_paths(name, text, paths)
    return findings
