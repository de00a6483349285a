# SPDX-License-Identifier: Apache-2.0
"""The table of programs: what each is built to use, and what Cordon must say of it.

Entry point: programs(scale). README.md beside this file describes the columns of cases.tsv.
"""

import os
import re
from typing import Dict, List, NamedTuple, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = 8
MIB = 1 << 20
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Bound(NamedTuple):
    """`kind` is a word of the table; `value` in seconds or bytes; `more` widens it upwards."""

    kind: str  # built, below, little, limit, told, said, upto-limit, none
    value: float = 0
    more: float = 0


class Program(NamedTuple):
    name: str
    words: List[str]
    flags: List[str]
    verdict: str
    ending: Optional[str]  # exit code or name of the signal
    cpu: Bound
    memory: Bound
    more: Dict[str, str]
    why: str

    def limit(self, flag: str) -> str:
        return self.flags[self.flags.index(flag) + 1]


def seconds(text: str) -> float:
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.rstrip("s"))


def bytes_of(text: str) -> int:
    return int(float(text[:-3]) * UNITS[text[-3:]])


def _scaled(text: str, scale: int) -> str:
    """Every time in milliseconds, longer; a wall limit in seconds is a mere backstop."""
    return re.sub(r"\b(\d+)ms\b", lambda found: f"{int(found[1]) * scale}ms", text)


def _bound(text: str, value) -> Bound:
    words = {"little": "little", "limit": "limit", "told": "told", "said": "said",
              "none": "none",
             "<=limit": "upto-limit"}
    if text in words:
        return Bound(words[text])
    if text.startswith("<"):
        return Bound("below", value(text[1:]))
    built, _, more = text.partition("+")
    return Bound("built", value(built), value(more) if more else 0)


def _program(line: str, scale: int) -> Program:
    cells = line.rstrip("\n").split("\t")
    if len(cells) != COLUMNS:
        raise ValueError(f"{len(cells)} columns in place of {COLUMNS}: {line!r}")
    name, words, flags, verdict, cpu, memory, more, why = cells
    kind, _, ending = verdict.partition(" ")
    pairs = (word.partition("=") for word in _scaled(more, scale).split())
    return Program(name, _scaled(words, scale).split(), _scaled(flags, scale).split(), kind,
                   ending or None, _bound(_scaled(cpu, scale), seconds),
                   _bound(memory, lambda text: float(text) * MIB),
                   {key: value for key, _, value in pairs}, why)


def programs(scale: int = 1) -> List[Program]:
    with open(os.path.join(HERE, "cases.tsv"), encoding="utf-8") as file:
        found = [_program(line, scale) for line in file
                 if line.strip() and not line.startswith("#")]
    names = [each.name for each in found]
    if len(set(names)) != len(names):
        raise ValueError(f"twice: {sorted(name for name in names if names.count(name) > 1)}")
    return found
