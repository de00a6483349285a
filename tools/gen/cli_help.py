# SPDX-License-Identifier: Apache-2.0
"""What a program says of itself with --help, as data: the source of the manual and the completion.

Entry points: parse (the text of one --help), ask (a program and all its verbs). The text is that of
CLI11; what is not understood is an error, so that no option is missing in silence.
"""

import re
import subprocess
from typing import List, NamedTuple, Optional, Tuple


class Failure(Exception):
    """The text is not as expected."""


class Option(NamedTuple):
    names: Tuple[str, ...]         # "-q", "--quiet"; of a positional its one name
    value: str                     # "FILE"; "" for a flag
    choices: Tuple[str, ...]       # when only these are allowed
    default: str
    repeated: bool
    required: bool
    text: str


class Command(NamedTuple):
    name: str                      # "run"; "" for the program itself
    summary: str
    usage: str
    positionals: Tuple[Option, ...]
    options: Tuple[Option, ...]
    verbs: Tuple["Command", ...]
    footer: str


SECTIONS = ("Positionals:", "Options:", "Subcommands:")
TEXT_COLUMN = 30
_ENTRY = re.compile(r"^  (\S.*)$")
_VALUE = re.compile(r"^(?P<value>[^\s{=]*?)(?::\{(?P<choices>[^}]*)\})?(?:=(?P<default>.+))?$")
_RANGE = re.compile(r":[A-Z]+ in \[[^\]]*\]")


def _option(cell: str, text: str) -> Option:
    names, _, rest = cell.partition(" ")
    rest = re.sub(r"\s*(Excludes|Needs): .*$", "", rest)
    rest = _RANGE.sub("", rest)
    required = rest.endswith("REQUIRED")
    rest = rest[:-len("REQUIRED")].rstrip() if required else rest
    repeated = rest.endswith("...")
    rest = rest[:-len("...")].rstrip() if repeated else rest
    match = _VALUE.match(rest)
    if not match:
        raise Failure(f"not understood: {cell!r}")
    choices = tuple(match.group("choices").split(",")) if match.group("choices") else ()
    return Option(tuple(names.split(",")), match.group("value"), choices,
                  match.group("default") or "", repeated, required, text)


def _entries(lines: List[str]) -> List[Tuple[str, str]]:
    """(cell of names, description) of the lines of one section."""
    found: List[Tuple[str, List[str]]] = []
    for line, after in zip(lines, lines[1:] + [""]):
        if line.startswith(" " * TEXT_COLUMN) and found:
            found[-1][1].append(line.strip())
        elif _ENTRY.match(line):
            cell, text = line[:TEXT_COLUMN].strip(), line[TEXT_COLUMN:].strip()
            # A long cell runs beyond its column; its text is on the next line.
            if "  " not in line.strip() and after.startswith(" " * TEXT_COLUMN):
                cell, text = line.strip(), ""
            found.append((cell, [text] if text else []))
        else:
            raise Failure(f"not understood: {line!r}")
    return [(cell, " ".join(text)) for cell, text in found]


def parse(name: str, text: str) -> Command:
    lines = text.rstrip("\n").split("\n")
    usage = next((i for i, line in enumerate(lines) if line.startswith("Usage: ")), None)
    if usage is None:
        raise Failure(f"--help of {name!r} has no usage")
    sections = {title: [] for title in SECTIONS}
    footer: List[str] = []
    current: Optional[List[str]] = None
    for line in lines[usage + 1:]:
        if line in SECTIONS:
            current = sections[line]
        elif not line:
            current = footer if current is not None else None
        elif current is not None:
            current.append(line)
    options = [_option(*entry) for entry in _entries(sections["Options:"])]
    places = [_option(*entry) for entry in _entries(sections["Positionals:"])]
    verbs = [Command(cell.split()[0], said, "", (), (), (), "")
             for cell, said in _entries(sections["Subcommands:"])]
    return Command(name, " ".join(lines[:usage]).strip(), lines[usage][len("Usage: "):],
                   tuple(places), tuple(options), tuple(verbs), "\n".join(footer))


def ask(program: str) -> Command:
    """The program and each of its verbs."""

    def said(*words: str) -> str:
        return subprocess.run([program, *words, "--help"], capture_output=True, text=True,
                              check=True, stdin=subprocess.DEVNULL).stdout

    top = parse("", said())
    verbs = []
    for verb in top.verbs:
        verbs.append(parse(verb.name, said(verb.name))._replace(summary=verb.summary))
    return top._replace(verbs=tuple(verbs))
