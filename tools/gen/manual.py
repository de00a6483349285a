# SPDX-License-Identifier: Apache-2.0
"""Manual pages in man(7) from a frame of prose (tools/man/*.in) and from what --help and the
schemas say. Entry point: page.

In a frame, a line `@verbs@` stands for every verb of the command with its options, `@options@` for
the program's own options, `@footer@` for the text below them, `@fields FILE MESSAGE OTHERS@` for
the message and all that it is made of but what another page shows, `@about FILE@` for the comment
at the head of the schema, `@profiles@` for the list of profiles.
"""

import re
from typing import Callable, Dict, List, Mapping, Set

import cli_help
import proto_comments
from cli_help import Command, Option
from proto_comments import Enum, Field, Message, Schema

SCALARS = ("string", "bytes", "bool", "double", "float", "int32", "int64", "uint32", "uint64",
           "sint32", "sint64")
PLAIN_TYPE = {"uint32": "number", "uint64": "number", "int32": "number", "int64": "number",
              "bool": "true or false", "google.protobuf.Duration": "duration"}


def escape(text: str) -> str:
    """Text of one line for roff, outside of a macro's arguments."""
    text = text.replace("\\", "\\e").replace("--", "\\-\\-")
    text = re.sub(r"(?<![\w\\])-(?=\w)", "\\\\-", text)
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return "\\&" + text if text[:1] in (".", "'") else text


def paragraphs(text: str, between: str = ".PP") -> List[str]:
    lines: List[str] = []
    for number, part in enumerate(text.split("\n")):
        lines += ([between] if number else []) + [escape(part)]
    return lines


def _option_lines(option: Option) -> List[str]:
    value = " \\fI" + escape(option.value or "VALUE") + "\\fR" if _takes_value(option) else ""
    if option.names[0].startswith("-"):
        tag = ", ".join("\\fB" + escape(name) + "\\fR" for name in option.names) + value
    else:
        tag = "\\fI" + escape(option.names[0]) + "\\fR"
    text = option.text
    if any(choice not in text for choice in option.choices):
        text += f"; one of {', '.join(option.choices)}"
    if option.default:
        text += f" (default {option.default})"
    if option.repeated and "repeated" not in text:
        text += "; may be given several times"
    return [".TP", tag, *paragraphs(text)]


def _takes_value(option: Option) -> bool:
    return bool(option.value or option.choices)


def options(command: Command) -> List[str]:
    lines: List[str] = []
    for option in command.positionals + command.options:
        if "--help" not in option.names:
            lines += _option_lines(option)
    return lines


def footer(command: Command) -> List[str]:
    """The text below the options; a line that is set back ends where one is not any more."""
    lines: List[str] = []
    back = False
    for line in command.footer.split("\n"):
        if not line.strip() or line.startswith("Usage:"):
            continue
        if back and not line.startswith(" "):
            lines.append(".PP")
        back = line.startswith(" ")
        lines.append(escape(line.strip()))
    return lines


def usage_of(verb: Command) -> str:
    """The usage that a verb writes itself, at its end, knows more than the one at its top."""
    own = [line[len("Usage:"):].strip() for line in verb.footer.split("\n")
           if line.startswith("Usage:")]
    return own[0] if own else verb.usage


def verbs(command: Command) -> List[str]:
    lines: List[str] = []
    for verb in command.verbs:
        lines += [f".SS {verb.name}", ".nf", "\\fB" + escape(usage_of(verb)) + "\\fR", ".fi", ".PP",
                  escape(verb.summary) + ".", *options(verb)]
        below = footer(verb)
        lines += [".PP", *below] if below else []
    return lines


def _uses(schema: Schema, root: str) -> Dict[str, List[str]]:
    """Message or enum -> the fields that hold it, as paths from the root; in order of meeting."""
    found: Dict[str, List[str]] = {root: []}
    queue = [(root, "", {root})]
    while queue:
        name, path, above = queue.pop(0)
        for field in schema.messages[name].fields:
            kind = resolve(schema, name, field.type)
            if not kind:
                continue
            here = f"{path}.{field.name}" if path else field.name
            found.setdefault(kind, []).append(here)
            if kind in schema.messages and kind not in above:
                queue.append((kind, here, above | {kind}))
    return found


def resolve(schema: Schema, inside: str, kind: str) -> str:
    """The full name of a message or enum of this schema; "" for what is none."""
    for name in (f"{inside}.{kind}", kind):
        if name in schema.messages or name in schema.enums:
            return name
    return ""


def _type_word(schema: Schema, inside: str, field: Field) -> str:
    kind = resolve(schema, inside, field.type)
    if kind in schema.enums:
        word = " | ".join(value.name for value in _values(schema.enums[kind]))
    elif kind:
        word = "{ ... }"
    else:
        word = PLAIN_TYPE.get(field.type, field.type)
    return word + (", repeated" if field.label == "repeated" else "")


def _values(enum: Enum) -> List[Field]:
    """What an author may write: the value for "not set" has the name of its enum in it."""
    return [value for value in enum.values if not value.name.endswith("_UNSPECIFIED")]


def _message_lines(schema: Schema, message: Message) -> List[str]:
    lines = paragraphs(message.comment) if message.comment else []
    for field in message.fields:
        kind = escape(_type_word(schema, message.name, field))
        lines += [".TP", f"\\fB{field.name}\\fR: \\fI{kind}\\fR"]
        if field.comment:
            lines += paragraphs(field.comment)
        else:
            lines.append("See below." if resolve(schema, message.name, field.type) else "\\&")
    return lines


def _enum_lines(enum: Enum) -> List[str]:
    lines = paragraphs(enum.comment) if enum.comment else []
    for value in _values(enum):
        lines += [".TP", f"\\fB{value.name}\\fR",
                  *(paragraphs(value.comment) if value.comment else ["\\&"])]
    return lines


def fields(schema: Schema, root: str, shown: Set[str] = frozenset()) -> List[str]:
    """The message and all that it is made of; `shown`: what another page says."""
    lines: List[str] = []
    for name, places in _uses(schema, root).items():
        if name in shown:
            continue
        # A path that goes through a list or a choice is as an author writes it.
        places = (["At the top"] if name == root else []) + places
        title = ", ".join(places[:4]) + (" ..." if len(places) > 4 else "")
        lines += [f'.SS "{title}"']
        if name in schema.messages:
            lines += _message_lines(schema, schema.messages[name])
        else:
            lines += _enum_lines(schema.enums[name])
    return lines


def page(frame: str, command: Command, schemas: Mapping[str, Schema],
         profiles: List[str], version: str) -> str:
    """The page of a frame. `schemas`: by path; types of those they import included."""
    makers: Dict[str, Callable[..., List[str]]] = {
        "verbs": lambda: verbs(command),
        "options": lambda: options(command),
        "footer": lambda: footer(command),
        "about": lambda path: paragraphs(schemas[path].comment),
        "fields": lambda path, root, *shown: fields(schemas[path], root, set(shown)),
        "profiles": lambda: [line for name, said in profiles
                             for line in (".TP", f"\\fB{name}\\fR", escape(said))],
    }
    lines: List[str] = []
    for line in frame.replace("@version@", version).split("\n"):
        call = re.fullmatch(r"@(\w+)((?: [\w./]+)*)@", line)
        if not call:
            lines.append(line)
        elif call.group(1) in makers:
            lines += makers[call.group(1)](*call.group(2).split())
        else:
            raise cli_help.Failure(f"a frame asks for {line}")
    text = "\n".join(lines)
    if not text.isascii():
        raise cli_help.Failure("a page is not ASCII: " + repr(re.findall(r"[^\x00-\x7f]", text)[0]))
    return text


def joined(schemas: List[Schema]) -> Schema:
    """The first one with the types of all: imports are flat in this tree."""
    messages, enums = {}, {}
    for schema in reversed(schemas):
        messages.update(schema.messages)
        enums.update(schema.enums)
    return proto_comments.Schema(schemas[0].comment, messages, enums)
