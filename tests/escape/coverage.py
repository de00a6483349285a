# SPDX-License-Identifier: Apache-2.0
"""Which of the known attacks are covered, and by what.

Entry points: read, show. attacks.json has one entry per attack: `held` names tests of this suite or
of the tree (those of the VM lab are in tests/vm/cases/), or fuzzers ("fuzz NAME"); `open` says why
there is none. The probes of probes.tsv name their attacks themselves.
"""

import json
import os
import re
from typing import Dict, List, NamedTuple, Set

from calls_test import read_probes

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
_CPP_TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
_FUZZERS = re.compile(r"foreach\(name ([\w\s]+)\)|cordon_fuzzer\((\w+)")
_PYTHON = re.compile(r"^class\s+(\w+)|^\s+def\s+(test_\w+)", re.MULTILINE)


class Attack(NamedTuple):
    name: str
    title: str
    held: List[str]
    open: str


def tests_of_the_tree() -> Set[str]:
    found: Set[str] = set()
    for top, _, files in os.walk(os.path.join(ROOT, "tests")):
        for name in files:
            if not (name.endswith(("_test.cc", "_test.py")) or
                    (name.endswith(".py") and top.endswith(os.path.join("vm", "cases")))):
                continue
            with open(os.path.join(top, name), encoding="utf-8") as file:
                text = file.read()
            found |= {f"{suite}.{test}" for suite, test in _CPP_TEST.findall(text)}
            suite = ""
            for match in _PYTHON.finditer(text):
                suite = match.group(1) or suite
                if match.group(2):
                    found.add(f"{suite}.{match.group(2)}")
    return found | {f"fuzz {name}" for name in fuzzers_of_the_tree()}


def fuzzers_of_the_tree() -> Set[str]:
    """Those that are built, so that their seeds are run as tests, too."""
    with open(os.path.join(ROOT, "fuzz", "CMakeLists.txt"), encoding="utf-8") as file:
        named = " ".join(" ".join(match) for match in _FUZZERS.findall(file.read()))
    return {name for name in named.split()
            if os.path.isfile(os.path.join(ROOT, "fuzz", name + "_fuzzer.cc"))}


def read() -> List[Attack]:
    with open(os.path.join(HERE, "attacks.json"), encoding="utf-8") as file:
        entries = json.load(file)
    probes: Dict[str, List[str]] = {}
    for probe in read_probes():
        for attack in probe.attacks:
            probes.setdefault(attack, []).append("probe " + probe.name)
    return [Attack(entry["id"], entry["title"],
                   entry.get("held", []) + probes.get(entry["id"], []), entry.get("open", ""))
            for entry in entries]


def mistakes(attacks: List[Attack]) -> List[str]:
    """What the table says and is not so."""
    found = []
    tests = tests_of_the_tree()
    names = {attack.name for attack in attacks}
    for attack in attacks:
        found += [f"{attack.name}: there is no {test}" for test in attack.held
                  if not test.startswith("probe ") and test not in tests]
        if bool(attack.held) == bool(attack.open):
            found.append(f"{attack.name}: either tests or a reason why there is none")
    for probe in read_probes():
        found += [f"probe {probe.name}: there is no attack {attack}"
                  for attack in probe.attacks if attack not in names]
    return found


def show() -> None:
    attacks = read()
    for attack in attacks:
        if attack.open:
            print(f"not covered: {attack.name} {attack.title}: {attack.open}")
    covered = sum(1 for attack in attacks if attack.held)
    print(f"{covered} of {len(attacks)} covered")
