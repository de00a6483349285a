#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes policy/bpf/syscall_table.inc from the headers of one kernel. Run by a person, not by the
build, when a newer kernel's calls are wanted:

    apt-get download linux-libc-dev linux-headers-VERSION-common   # as new as Debian has them
    dpkg-deb -x FILE DIR                                           # both; nothing is installed
    tools/gen/syscalls.py --uapi DIR/usr/lib/linux/uapi --headers DIR/usr/src/linux-headers-* \
        > policy/bpf/syscall_table.inc

Numbers come from {x86,arm64}/asm/unistd_64.h, which the kernel's build made from the tables that
the kernel itself runs by; so the 32-bit variants (time64, fstat64, mmap2) are not in them. Types
come from the prototypes in linux/syscalls.h. What a prototype does not show stands in the tables
below, each entry with its reason. Whatever is not understood ends the run: a type is never guessed.
"""

import argparse
import os
import re
import sys
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple


class Failure(Exception):
    """The headers say something that this program does not understand."""


# One letter per argument; policy/bpf/syscall_table.cc reads them.
SIGNED_32, UNSIGNED_32, UNSIGNED_16 = "i", "u", "h"
SIGNED_64, UNSIGNED_64, POINTER = "l", "L", "p"
SIGNED_FD, UNSIGNED_FD = "f", "F"  # descriptors: 32 bits, of which -1 and AT_FDCWD are none

LETTER_OF_TYPE = {
    "int": SIGNED_32, "__s32": SIGNED_32, "pid_t": SIGNED_32, "key_t": SIGNED_32,
    "clockid_t": SIGNED_32, "timer_t": SIGNED_32, "key_serial_t": SIGNED_32, "rwf_t": SIGNED_32,
    "mqd_t": SIGNED_FD,
    "unsigned": UNSIGNED_32, "unsigned int": UNSIGNED_32, "u32": UNSIGNED_32,
    "__u32": UNSIGNED_32, "uint32_t": UNSIGNED_32, "uid_t": UNSIGNED_32, "gid_t": UNSIGNED_32,
    "qid_t": UNSIGNED_32, "enum landlock_rule_type": UNSIGNED_32,
    "umode_t": UNSIGNED_16,
    "long": SIGNED_64, "off_t": SIGNED_64, "loff_t": SIGNED_64,
    "unsigned long": UNSIGNED_64, "size_t": UNSIGNED_64, "u64": UNSIGNED_64,
    "aio_context_t": UNSIGNED_64,
    "cap_user_header_t": POINTER, "cap_user_data_t": POINTER,
}

# Names of parameters that are descriptors; max_fd of close_range is a bound and not one.
DESCRIPTOR = re.compile(r"(?!max_fd$)(?:\w*fd|fildes|fd_?in|fd_?out|mqdes)")
# `unsigned long fd` (readv, mmap) goes through a function that takes an unsigned int.
LETTER_OF_DESCRIPTOR = {SIGNED_32: SIGNED_FD, UNSIGNED_32: UNSIGNED_FD, UNSIGNED_64: UNSIGNED_FD,
                        SIGNED_FD: SIGNED_FD}

# (call, argument) -> what the kernel reads, where the prototype says something else.
OVERRIDES: Dict[Tuple[str, int], str] = {
    ("clone", 0): UNSIGNED_32,   # lower_32_bits(clone_flags); clone3 has flags above
    ("mbind", 2): SIGNED_32,     # the mode is copied to an int
    ("ptrace", 1): SIGNED_32,    # the pid is handed on as a pid_t
}
# Counts of struct iovec are handed on as unsigned int.
OVERRIDES.update({(call, 2): UNSIGNED_32 for call in (
    "readv", "writev", "preadv", "pwritev", "preadv2", "pwritev2", "vmsplice",
    "process_vm_readv", "process_vm_writev")})
# Calls on sockets have prototypes without names of parameters.
OVERRIDES.update({(call, 0): SIGNED_FD for call in (
    "bind", "connect", "listen", "accept", "accept4", "getsockname", "getpeername", "sendto",
    "recvfrom", "shutdown")})

# Entry points that are not sys_NAME, in the kernel's own tables.
ENTRY_OF_CALL = {"stat": "newstat", "fstat": "newfstat", "lstat": "newlstat", "uname": "newuname",
                 "sendfile": "sendfile64", "umount2": "umount"}

# Prototypes that the headers do not have, from the SYSCALL_DEFINE lines.
EXTRA_PROTOTYPES = {
    "arch_prctl": "int option, unsigned long addr",
    "iopl": "unsigned int level",
    "modify_ldt": "int func, void *ptr, unsigned long bytecount",
    "lookup_dcookie": "u64 cookie64, char *buf, size_t len",  # until Linux 6.6
    "rt_sigreturn": "void",  # declared with the registers, which are no arguments
}

# Numbers that answer ENOSYS on every kernel that Cordon runs on: there is nothing to compare.
NEVER_IMPLEMENTED = frozenset((
    "_sysctl", "afs_syscall", "create_module", "epoll_ctl_old", "epoll_wait_old",
    "get_kernel_syms", "get_thread_area", "getpmsg", "nfsservctl", "putpmsg", "query_module",
    "security", "set_thread_area", "tuxcall", "vserver"))


class Machine(NamedTuple):
    folder: str                 # below --uapi
    defined: Mapping[str, int]  # what its kernel configuration defines
    entries: Mapping[str, str]  # its own lines of ENTRY_OF_CALL


MACHINES = (
    Machine("x86", {"BITS_PER_LONG": 64, "__ARCH_WANT_SYS_UTIME": 1}, {}),
    Machine("arm64", {"BITS_PER_LONG": 64, "CONFIG_CLONE_BACKWARDS": 1},
            {"fadvise64": "fadvise64_64"}),
)
PROTOTYPE_FILES = ("include/linux/syscalls.h", "include/asm-generic/syscalls.h")


HEAD = """\
// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen/syscalls.py from the headers of Linux {version}. Change the program instead.
// Rows {{name, number on x86_64, number on aarch64, types of arguments}}, sorted by name; two rows
// where the architectures disagree about types. Letters: i int, u unsigned int, h umode_t, l long,
// L unsigned long, p pointer, f F descriptor (int, unsigned int).
// clang-format off
constexpr absl::string_view kTableKernel = "{version}";
constexpr Row kRows[] = {{
"""


class Row(NamedTuple):
    name: str
    numbers: Tuple[Optional[int], ...]  # by MACHINES
    letters: str


def parse_numbers(text: str) -> Dict[str, int]:
    """Call -> number, of a header that is made of `#define __NR_name number`."""
    numbers: Dict[str, int] = {}
    for name, number in re.findall(r"^#define[ \t]+__NR_(\w+)[ \t]+(\S+)", text, re.MULTILINE):
        if not number.isdecimal():
            raise Failure(f"__NR_{name} is {number}, which is not a number")
        if name in numbers or int(number) in numbers.values():
            raise Failure(f"{name} ({number}): the name or the number is there twice")
        numbers[name] = int(number)
    if not numbers:
        raise Failure("no __NR_ lines in the header of numbers")
    return numbers


_TOKEN = re.compile(r"\s*(defined\s*\(\s*\w+\s*\)|defined\s+\w+|\w+|\|\||&&|==|!=|!|\(|\))")
_OPERATORS = {"||": " or ", "&&": " and ", "!": " not ", "==": "==", "!=": "!=", "(": "(",
              ")": ")"}


def holds(condition: str, defined: Mapping[str, int]) -> bool:
    """The value of the expression of an #if; an undefined name is 0, as in C."""
    condition, at, python = condition.strip(), 0, ""
    while at < len(condition):
        token = _TOKEN.match(condition, at)
        if not token:
            raise Failure(f"cannot read the condition: #if {condition}")
        text, at = token.group(1), token.end()
        if text.startswith("defined"):
            python += str(int(re.findall(r"\w+", text)[1] in defined))
        elif text in _OPERATORS:
            python += _OPERATORS[text]
        else:
            python += str(int(text) if text.isdecimal() else defined.get(text, 0))
    try:
        return bool(eval(python, {"__builtins__": {}}))  # digits and operators only
    except SyntaxError as error:
        raise Failure(f"cannot read the condition: #if {condition}") from error


def active_text(text: str, defined: Mapping[str, int]) -> str:
    """What a compiler would see of the declarations: no comments, no branches not taken."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL).replace("\\\n", " ")
    kept: List[str] = []
    taken: List[List[bool]] = []  # per open #if: this branch is active; one was already
    for line in text.split("\n"):
        directive = re.match(r"\s*#\s*(\w+)(.*)", line)
        if not directive:
            if all(branch[0] for branch in taken):
                kept.append(line)
            continue
        word, rest = directive.group(1), directive.group(2).strip()
        if word in ("ifdef", "ifndef", "if"):
            outside = all(branch[0] for branch in taken)
            yes = outside and (holds(rest, defined) if word == "if"
                               else (rest in defined) == (word == "ifdef"))
            taken.append([yes, yes])
        elif word in ("elif", "else"):
            if not taken:
                raise Failure(f"#{word} without #if")
            yes = not taken[-1][1] and (word == "else" or holds(rest, defined))
            taken[-1] = [yes, taken[-1][1] or yes]
        elif word == "endif":
            if not taken:
                raise Failure("#endif without #if")
            taken.pop()
    if taken:
        raise Failure("an #if without #endif")
    return "\n".join(kept)


def parse_prototypes(text: str) -> Dict[str, str]:
    """Entry point without sys_ -> its parameters as written."""
    prototypes: Dict[str, str] = {}
    for name, parameters in re.findall(r"\blong\s+sys_(\w+)\s*\(([^;{]*)\)\s*;", text):
        parameters = " ".join(parameters.split())
        if prototypes.setdefault(name, parameters) != parameters:
            raise Failure(f"sys_{name} has two prototypes")
    return prototypes


def letter_of(parameter: str) -> str:
    """The letter of one parameter: `type name`, or a type alone."""
    if "*" in parameter:
        return POINTER
    words = [word for word in parameter.split() if word not in ("const", "__user")]
    if " ".join(words) in LETTER_OF_TYPE:
        return LETTER_OF_TYPE[" ".join(words)]
    kind, name = " ".join(words[:-1]), words[-1] if words else ""
    if kind not in LETTER_OF_TYPE:
        raise Failure(f"the type of \"{parameter}\" is not known")
    letter = LETTER_OF_TYPE[kind]
    if not DESCRIPTOR.fullmatch(name):
        return letter
    if letter not in LETTER_OF_DESCRIPTOR:
        raise Failure(f"\"{parameter}\" is named like a descriptor and has another type")
    return LETTER_OF_DESCRIPTOR[letter]


def letters_of(call: str, parameters: str, used: Set[Tuple[str, int]]) -> str:
    if parameters == "void":
        return ""
    try:
        letters = [letter_of(parameter.strip()) for parameter in parameters.split(",")]
    except Failure as failure:
        raise Failure(f"{call}: {failure}") from failure
    for key, letter in OVERRIDES.items():
        if key[0] != call:
            continue
        if key[1] >= len(letters) or letters[key[1]] == letter:
            raise Failure(f"the override of argument {key[1]} of {call} changes nothing")
        letters[key[1]] = letter
        used.add(key)
    if len(letters) > 6:
        raise Failure(f"{call} has {len(letters)} arguments; a filter sees six")
    return "".join(letters)


def signature(call: str, machine: Machine, prototypes: Mapping[str, str],
              used: Set[Tuple[str, int]]) -> str:
    if call in NEVER_IMPLEMENTED:
        return ""
    entry = machine.entries.get(call, ENTRY_OF_CALL.get(call, call))
    parameters = EXTRA_PROTOTYPES.get(call, prototypes.get(entry))
    if parameters is None:
        raise Failure(f"{call} has no prototype sys_{entry}")
    return letters_of(call, parameters, used)


def build_rows(numbers: Sequence[Mapping[str, int]],
               prototypes: Sequence[Mapping[str, str]]) -> List[Row]:
    """One row per call; two where the machines disagree about its arguments. Sorted by name."""
    rows: List[Row] = []
    used: Set[Tuple[str, int]] = set()
    for call in sorted(set().union(*numbers)):
        by_letters: Dict[str, List[Optional[int]]] = {}
        for index, machine in enumerate(MACHINES):
            if call in numbers[index]:
                letters = signature(call, machine, prototypes[index], used)
                row = by_letters.setdefault(letters, [None] * len(MACHINES))
                row[index] = numbers[index][call]
        rows += [Row(call, tuple(row), letters) for letters, row in by_letters.items()]
    unused = set(OVERRIDES) - used
    if unused:
        raise Failure(f"overrides of calls that do not exist: {sorted(unused)}")
    return rows


def render(version: str, rows: Sequence[Row]) -> str:
    lines = HEAD.format(version=version).splitlines()
    for row in rows:
        numbers = ", ".join("kNone" if number is None else str(number) for number in row.numbers)
        lines.append(f'{{"{row.name}", {numbers}, "{row.letters}"}},')
    return "\n".join(lines + ["};", "// clang-format on", ""])


def kernel_version(makefile: str) -> str:
    found = [re.search(rf"^{key} = (\d+)$", makefile, re.MULTILINE)
             for key in ("VERSION", "PATCHLEVEL")]
    if not all(found):
        raise Failure("the Makefile of the headers does not say their version")
    return ".".join(match.group(1) for match in found if match)


def read(*parts: str) -> str:
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


def table(uapi: str, headers: str) -> str:
    numbers = [parse_numbers(read(uapi, machine.folder, "asm/unistd_64.h"))
               for machine in MACHINES]
    texts = "\n".join(read(headers, name) for name in PROTOTYPE_FILES)
    prototypes = [parse_prototypes(active_text(texts, machine.defined)) for machine in MACHINES]
    return render(kernel_version(read(headers, "Makefile")), build_rows(numbers, prototypes))


def main() -> int:
    parser = argparse.ArgumentParser(description="writes policy/bpf/syscall_table.inc")
    parser.add_argument("--uapi", required=True, help="folder with x86/asm and arm64/asm")
    parser.add_argument("--headers", required=True, help="folder with the kernel's include/")
    arguments = parser.parse_args()
    try:
        sys.stdout.write(table(arguments.uapi, arguments.headers))
    except (Failure, OSError) as failure:
        print(f"syscalls.py: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
