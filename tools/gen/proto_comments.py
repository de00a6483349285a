# SPDX-License-Identifier: Apache-2.0
"""Messages, fields and enums of a .proto file with their comments: the source of the manual.

Entry point: parse. Knows the form in which this tree writes its schemas (a comment above, or behind
on the same line) and refuses what it does not know, so that no field is missing in silence.
"""

import re
from typing import Dict, List, NamedTuple, Optional


class Failure(Exception):
    """The file is not in the form of this tree."""


class Field(NamedTuple):
    name: str
    type: str       # as written, without label
    label: str      # "", "optional", "repeated"
    comment: str


class Message(NamedTuple):
    name: str       # "Seccomp"
    comment: str
    fields: List[Field]


class Enum(NamedTuple):
    name: str       # "Seccomp.Action"
    comment: str
    values: List[Field]   # type and label are empty


class Schema(NamedTuple):
    comment: str
    messages: Dict[str, Message]
    enums: Dict[str, Enum]


_OPEN = re.compile(r"^(message|enum|oneof)\s+(\w+)\s*\{$")
_FIELD = re.compile(r"^(?:(optional|repeated)\s+)?([\w.]+)\s+(\w+)\s*=\s*\d+\s*(?:\[.*\])?;$")
_MAP = re.compile(r"^(map<\s*[\w.]+\s*,\s*[\w.]+\s*>)\s+(\w+)\s*=\s*\d+\s*;$")
_VALUE = re.compile(r"^(\w+)\s*=\s*-?\d+\s*;$")
_IGNORED = re.compile(r'^(syntax|package|import|option|reserved)\b.*;$')


class _Reader:
    def __init__(self) -> None:
        self.schema_comment = ""
        self.messages: Dict[str, Message] = {}
        self.enums: Dict[str, Enum] = {}
        self.stack: List[tuple] = []      # (kind, qualified name)
        self.above: List[str] = []        # comment lines that wait for what they are about
        self.items: Optional[List[Field]] = None
        self.column = -1                  # of the comment behind the last field

    def take_above(self) -> str:
        text, self.above = _paragraphs(self.above), []
        return text

    def open(self, kind: str, name: str) -> None:
        outer = [each for each_kind, each in self.stack if each_kind == "message"]
        qualified = f"{outer[-1]}.{name}" if outer else name
        comment = self.take_above()
        if kind == "message":
            self.messages[qualified] = Message(qualified, comment, [])
        elif kind == "enum":
            self.enums[qualified] = Enum(qualified, comment, [])
        self.stack.append((kind, qualified))

    def target(self) -> List[Field]:
        if self.stack[-1][0] == "enum":
            return self.enums[self.stack[-1][1]].values
        name = [each for kind, each in self.stack if kind == "message"][-1]
        return self.messages[name].fields

    def add(self, name: str, kind: str, label: str, behind: str) -> None:
        self.above += [behind] if behind else []
        self.items = self.target()
        self.items.append(Field(name, kind, label, self.take_above()))

    def more(self, text: str) -> None:
        """A comment that goes on below the one behind the last field."""
        last = self.items[-1]
        self.items[-1] = last._replace(comment=f"{last.comment} {text}".strip())


def _paragraphs(lines: List[str]) -> str:
    return "\n".join(" ".join(part.split()) for part in "\n".join(lines).split("\n\n")).strip()


def _statement(reader: _Reader, code: str, behind: str, number: int) -> None:
    opened, field = _OPEN.match(code), _FIELD.match(code)
    mapped, value = _MAP.match(code), _VALUE.match(code)
    if opened:
        reader.open(*opened.groups())
    elif code == "}" and reader.stack:
        reader.stack.pop()
    elif value and reader.stack and reader.stack[-1][0] == "enum":
        reader.add(value.group(1), "", "", behind)
    elif field and reader.stack:
        reader.add(field.group(3), field.group(2), field.group(1) or "", behind)
    elif mapped and reader.stack:
        reader.add(mapped.group(2), mapped.group(1), "", behind)
    elif not _IGNORED.match(code):
        raise Failure(f"line {number}: {code!r}")


def parse(text: str) -> Schema:
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        code, slashes, comment = line.partition("//")
        code, comment = code.strip(), comment.strip()
        if not code and slashes:
            if "SPDX-License" in comment:
                continue
            if reader.column >= 0 and line.index("//") == reader.column:
                reader.more(comment)
            else:
                reader.column = -1
                reader.above.append(comment)
            continue
        reader.column = line.index("//") if slashes else -1
        if not code:
            # A comment that stands apart at the top of the file is about the whole of it.
            if not reader.stack and reader.above and not reader.schema_comment:
                reader.schema_comment = reader.take_above()
            reader.above.clear()
        elif code.startswith("syntax"):
            reader.schema_comment = reader.schema_comment or reader.take_above()
        else:
            _statement(reader, code, comment, number)
    if reader.stack:
        raise Failure("a brace is not closed")
    return Schema(reader.schema_comment, reader.messages, reader.enums)
