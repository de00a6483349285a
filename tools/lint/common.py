# SPDX-License-Identifier: Apache-2.0
"""What the lints share: the list of source files, findings, and C++ text without comments.

Entry points: Finding, source_files, read, blank_comments_and_literals. Nothing here decides a rule.
"""

import os
import re
import subprocess
from typing import Iterator, List, NamedTuple, Sequence

CPP_SUFFIXES = (".cc", ".h", ".inc", ".c")


class Finding(NamedTuple):
    """One violated rule, printed as `file:line: message`."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def repository_root() -> str:
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _walk(root: str) -> Iterator[str]:
    for folder, names, files in os.walk(root):
        names[:] = [n for n in names if not n.startswith((".git", "build"))]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), root)


def all_files(root: str) -> List[str]:
    """Files of the tree, sorted: what git knows or would add; a plain walk without git."""
    command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout
        names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = list(_walk(root))
    return sorted(n for n in set(names) if os.path.isfile(os.path.join(root, n)))


def source_files(root: str, prefixes: Sequence[str] = ("",),
                 suffixes: Sequence[str] = CPP_SUFFIXES) -> List[str]:
    return [name for name in all_files(root)
            if name.endswith(tuple(suffixes)) and name.startswith(tuple(prefixes))]


def read(root: str, name: str) -> str:
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
        return file.read()


TOKENS = re.compile(
    r"""(?P<line_comment>//(?:\\\n|[^\n])*)
      | (?P<block_comment>/\*.*?(?:\*/|\Z))
      | (?P<raw>(?:u8|[uUL])?R"(?P<tag>[^()\\\s]{0,16})\(.*?(?:\)(?P=tag)"|\Z))
      | (?P<string>"(?:\\.|[^"\\\n])*(?:"|$))
      | (?P<digits>\b[0-9](?:'?[0-9A-Za-z_.])*)
      | (?P<char>'(?:\\.|[^'\\\n])*(?:'|$))""",
    re.VERBOSE | re.DOTALL | re.MULTILINE)


def _spaces(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _blank(match: "re.Match[str]") -> str:
    text = match.group(0)
    if match.lastgroup == "digits":
        return text  # a digit separator is no character literal
    if match.lastgroup in ("string", "char") and len(text) > 1:
        return text[0] + _spaces(text[1:-1]) + text[-1]
    return _spaces(text)


def blank_comments_and_literals(text: str) -> str:
    """C++ text of the same length and lines, comments and the insides of literals as spaces."""
    return TOKENS.sub(_blank, text)


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
