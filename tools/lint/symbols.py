# SPDX-License-Identifier: Apache-2.0
"""Undefined symbols of the archives that promise something about what they call.

Entry point: check(root, build). libcordon_policy.a asks for no system call's wrapper, with one
named exception; libcordon_child.a asks for nothing but what a compiler emits by itself;
libcordon_sandbox.a for nothing that the fault matrix cannot let fail. Needs an unsanitised build.
"""

import os
import re
import subprocess
from typing import Dict, List, NamedTuple, Set

from common import Finding
from layering import SYSCALLS

# What a compiler may call on its own in freestanding code.
CHILD_ALLOWED = frozenset(["memcpy", "memset", "memmove", "__stack_chk_fail"])

# Entries of libc that end in a system call although layering.py has no reason to name them.
LIBC_EXTRA = frozenset("""
fopen fopen64 freopen fdopen opendir fdopendir readdir readdir64 scandir nftw ftw glob realpath
getcwd getenv setenv putenv system popen mkstemp mkstemp64 mkostemp mkdtemp tmpfile tmpfile64
gethostbyname getaddrinfo getpwnam getpwuid getgrnam getgrgid dlopen dlsym pthread_create sysconf
nanosleep usleep sleep time clock_gettime gettimeofday isatty printf puts
""".split())

# Members of the policy archive that may ask for calls, each with its reason.
POLICY_EXCEPTIONS: Dict[str, Set[str]] = {
    # seccomp_export_bpf (libseccomp 2.5) writes only to a descriptor: one memfd.
    "assemble.cc.o": {"memfd_create", "lseek", "read", "close"},
}

_ALIASES = re.compile(r"^(?:__)?(\w+?)(?:64|_2|64_2|_chk|64_chk)?$")


class Member(NamedTuple):
    name: str
    undefined: Set[str]
    defined: Set[str]


def members_of(listing: str) -> List[Member]:
    """Parses `nm --format=posix -A archive`: "libx.a[member.o]: symbol T 0 0"."""
    members: Dict[str, Member] = {}
    for line in listing.splitlines():
        match = re.match(r"^.*\[(?P<member>[^\]]+)\]:\s+(?P<symbol>\S+)\s+(?P<kind>\S)", line)
        if not match:
            continue
        member = members.setdefault(match.group("member"),
                                    Member(match.group("member"), set(), set()))
        symbol = match.group("symbol").split("@")[0]
        kind = match.group("kind")
        (member.undefined if kind in "Uwv" else member.defined).add(symbol)
    return list(members.values())


def call_behind(symbol: str) -> str:
    """"open" for open, open64, __open_2, __open64_2; "" when `symbol` is no call."""
    calls = SYSCALLS | LIBC_EXTRA
    if symbol in calls:
        return symbol
    plain = _ALIASES.match(symbol)
    return plain.group(1) if plain and plain.group(1) in calls else ""


def check_policy(archive: str, members: List[Member]) -> List[Finding]:
    findings = []
    for member in members:
        allowed = POLICY_EXCEPTIONS.get(member.name, set())
        for symbol in sorted(member.undefined):
            call = call_behind(symbol)
            if call and call not in allowed:
                findings.append(Finding(archive, 0, f"{member.name} calls {symbol}: the policy "
                                                    "room is pure"))
    return findings


def check_child(archive: str, members: List[Member]) -> List[Finding]:
    defined = set().union(*(member.defined for member in members)) if members else set()
    findings = []
    for member in members:
        for symbol in sorted(member.undefined - defined - CHILD_ALLOWED):
            findings.append(Finding(archive, 0, f"{member.name} needs {symbol}: nothing but "
                                                f"{', '.join(sorted(CHILD_ALLOWED))} may be "
                                                "called after clone3"))
    return findings + check_no_faults(archive, members)


# Calls of sandbox/os whose failure has no meaning, or that cannot fail.
NEVER_FAULTY = frozenset("""_exit clock_gettime close closedir getegid geteuid getpid getrusage
getuid isatty munmap setitimer signal sysconf unlink""".split())
# One wrapper per call that can fail, for the fault matrix; these two are written out by hand.
FAULTY_CALLS = "tests/support/faults/calls.inc"
FAULTY_BY_HAND = frozenset(["write", "syscall"])
# Made by a helper or worker that is forked: to its parent, a failure there is its exit status.
OF_HELPERS = frozenset(["chdir", "dup2", "execve", "getppid", "prctl", "sched_setaffinity",
                        "unshare"])
_FAULTY = re.compile(r"^(?:CALL\(\w+, |VARIADIC\(\w+, |POINTER\()(\w+),", re.MULTILINE)


def check_faults(archive: str, members: List[Member], calls: str) -> List[Finding]:
    """Every call that the supervisor makes passes the fault matrix; no archive knows of faults."""
    covered = set(_FAULTY.findall(calls)) | FAULTY_BY_HAND | NEVER_FAULTY | OF_HELPERS
    findings = []
    for member in members:
        for symbol in sorted(member.undefined):
            call = call_behind(symbol)
            if call and call not in covered:
                findings.append(Finding(archive, 0, f"{member.name} calls {symbol}, which "
                                                    f"{FAULTY_CALLS} does not let fail"))
    return findings + check_no_faults(archive, members)


def check_no_faults(archive: str, members: List[Member]) -> List[Finding]:
    return [Finding(archive, 0, f"{member.name} has {symbol}: faults are for tests only")
            for member in members for symbol in sorted(member.undefined | member.defined)
            if "cordon6faults" in symbol or symbol.startswith(("__wrap_", "__real_"))]


def _find(build: str, name: str) -> str:
    for folder, _, files in os.walk(build):
        if name in files:
            return os.path.join(folder, name)
    return ""


def check(root: str, build: str) -> List[Finding]:
    findings = []
    calls = os.path.join(root, FAULTY_CALLS)
    text = open(calls, encoding="utf-8").read() if os.path.exists(calls) else ""
    for name, rule in (("libcordon_policy.a", check_policy), ("libcordon_child.a", check_child),
                       ("libcordon_sandbox.a", lambda *x: check_faults(*x, text))):
        path = _find(build, name)
        shown = os.path.relpath(path or os.path.join(build, name), root)
        if not path:
            findings.append(Finding(shown, 0, "not built: run tools/dev build first"))
            continue
        listing = subprocess.run(["nm", "--format=posix", "-A", path], capture_output=True,
                                 text=True, check=True).stdout
        members = members_of(listing)
        if not members:
            findings.append(Finding(shown, 0, "nm lists no member: is the archive empty?"))
        findings += rule(shown, members)
    return findings
