# SPDX-License-Identifier: Apache-2.0
"""The dependency law: who may include what, who may make system calls, who may write assembly.

Entry point: check(root). ROOMS is the one include table: the first row whose prefix a file has
decides. Project includes not listed are refused; so are system headers outside a room's set.
"""

import re
from typing import FrozenSet, List, NamedTuple, Tuple

from common import Finding, blank_comments_and_literals, line_of, read, source_files

# Headers of the C++ library that touch neither files nor the kernel.
PURE = frozenset("""algorithm array bit bitset cctype cerrno charconv climits cmath compare concepts
cstddef cstdint cstdlib cstring deque functional initializer_list iterator limits list map memory
new numeric optional ostream queue ratio set span stack string string_view tuple type_traits
unordered_map unordered_set utility variant vector""".split())
FREESTANDING = frozenset("""bit cstdarg cstddef cstdint initializer_list limits stdarg.h
stddef.h stdint.h type_traits""".split())
LIBRARIES = ("absl/", "google/protobuf/")
ANY = frozenset(["*"])
KERNEL = ("linux/", "asm/", "asm-generic/")


class Room(NamedTuple):
    prefix: str                  # path of a folder or file
    project: Tuple[str, ...]     # prefixes of "..." includes (and of abseil, protobuf)
    system: FrozenSet[str]       # names of <...> includes; ANY: all
    kernel: bool = False         # may include <linux/*> and <asm/*>


_SANDBOX_BASE = LIBRARIES + ("policy/", "sandbox/os/")

# First match wins: special rows stand above the row of their folder.
ROOMS = (
    # One libseccomp call wants a file descriptor: a memfd (architecture, purity exception).
    Room("policy/bpf/assemble.cc", LIBRARIES + ("policy/",),
         PURE | {"seccomp.h", "sys/mman.h", "unistd.h"}),
    Room("policy/uapi/", ("policy/uapi/",), PURE, kernel=True),
    Room("policy/", LIBRARIES + ("policy/",), PURE),
    Room("profiles/", ("absl/", "profiles/"), PURE),
    # Runs between clone3 and exec: no library of any kind below it.
    Room("sandbox/child/", ("sandbox/child/", "sandbox/program/opcode.inc",
                            "sandbox/program/kernel_call.inc", "policy/uapi/"),
         FREESTANDING, kernel=True),
    Room("sandbox/os/", _SANDBOX_BASE, ANY, kernel=True),
    # Resolved bind sources are an input of lowering, so they stand below the layers.
    Room("sandbox/launch/sources", _SANDBOX_BASE + ("sandbox/launch/sources",), ANY),
    # Where the lowering of all layers is joined to one program: above the layers.
    Room("sandbox/program/build",
         _SANDBOX_BASE + ("sandbox/program/", "sandbox/layers/", "sandbox/launch/sources.h",
                          "sandbox/files/copy_in.h"), ANY),
    Room("sandbox/program/", _SANDBOX_BASE + ("sandbox/program/", "sandbox/child/"), ANY),
    Room("sandbox/layers/",
         _SANDBOX_BASE + ("sandbox/layers/", "sandbox/program/", "sandbox/launch/sources.h"), ANY),
    Room("sandbox/host/", _SANDBOX_BASE + ("sandbox/host/", "sandbox/layers/"), ANY),
    # Between the layers, whose read-back it trusts, and the launch of what it fills.
    Room("sandbox/files/",
         _SANDBOX_BASE + ("sandbox/files/", "sandbox/layers/", "sandbox/program/program.h",
                          "sandbox/launch/sources.h"), ANY),
    Room("sandbox/launch/",
         _SANDBOX_BASE + ("sandbox/launch/", "sandbox/layers/", "sandbox/program/",
                          "sandbox/child/"), ANY),
    Room("sandbox/sandbox.",
         _SANDBOX_BASE + ("sandbox/sandbox.h", "sandbox/files/", "sandbox/launch/",
                          "sandbox/layers/", "sandbox/program/", "sandbox/child/",
                          "sandbox/host/"), ANY),
    Room("sandbox/supervise/",
         _SANDBOX_BASE + ("sandbox/supervise/", "sandbox/sandbox.h", "sandbox/launch/",
                          "sandbox/layers/", "sandbox/program/", "sandbox/child/wire.h"), ANY),
    # The library as other programs see it: from text and files to a report.
    Room("sandbox/api/",
         _SANDBOX_BASE + ("sandbox/api/", "profiles/", "sandbox/sandbox.h", "sandbox/host/",
                          "sandbox/files/", "sandbox/supervise/supervisor.h",
                          "sandbox/supervise/talk.h", "sandbox/supervise/talk_verdict.h"), ANY),
    # Made from the installed tree, of which it sees what everybody does.
    Room("tools/example/", LIBRARIES,
         PURE | {"csignal", "cstdio", "cordon/batch.h", "cordon/cordon.h"}),
    Room("sandbox/pool/", LIBRARIES + ("policy/", "sandbox/"), ANY),
    # Compiling is measured inside a process, everything else from outside.
    Room("tools/bench/compile_", LIBRARIES + ("policy/", "profiles/", "sandbox/host/"), ANY),
    Room("tools/bench/", ("tools/bench/",), ANY),
    Room("tools/", LIBRARIES + ("policy/", "profiles/", "sandbox/", "CLI/", "tools/"), ANY),
    Room("fuzz/", ("",), ANY, kernel=True),
    Room("tests/", ("",), ANY, kernel=True),
)

# What tools/ may know of it: the library's face, the supervisor, the probe for `doctor`, and the
# wrappers of system calls.
TOOLS_SANDBOX = ("sandbox/api/", "sandbox/sandbox.h", "sandbox/files/",
                 "sandbox/supervise/supervisor.h", "sandbox/pool/", "sandbox/host/probe.h",
                 "sandbox/host/scope.h", "sandbox/os/")

ASSEMBLY_HOME = "sandbox/child/raw_syscall.h"

# Only these may call the kernel: prefix -> calls, or None for all.
SYSCALL_HOMES = {
    "sandbox/os/": None,
    "sandbox/child/": None,
    # The memfd of seccomp_export_bpf, see ROOMS.
    "policy/bpf/assemble.cc": frozenset(["memfd_create", "lseek", "read", "close"]),
    # Acts for its parent only, and dies with it.
    "tools/cordon_scope/": frozenset(["getppid", "prctl"]),
    # Its files are for everybody to read, whatever the caller's mask is.
    "tools/cordon_setup/": frozenset(["umask"]),
    # The benchmark measures posix_spawn itself and links nothing of ours.
    "tools/bench/": None,
    "tests/": None,
    "fuzz/": None,
}

SYSCALLS = frozenset("""
accept accept4 access acct bind capget capset chdir chmod chown chroot clone clone3 close
close_range connect copy_file_range creat daemon dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
epoll_wait eventfd execl execle execlp execv execve execveat execvp execvpe faccessat fallocate
fchdir fchmod fchmodat fchown fchownat fcntl fdatasync fexecve flock fork fstat fstatat fstatfs
fstatvfs fsync ftruncate getdents64 getpid getppid getrandom getrlimit getrusage getsockopt ioctl
kill killpg lchown link linkat listen lseek lstat madvise memfd_create mkdir mkdirat mkfifo mknod
mknodat mlock mmap mount mount_setattr move_mount mprotect munmap open open_tree openat openat2
pause pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 pivot_root poll posix_spawn
posix_spawnp ppoll prctl pread preadv prlimit prlimit64 ptrace pwrite pwritev read readlink
readlinkat readv reboot recv recvfrom recvmsg rename renameat renameat2 rmdir sched_getscheduler
sched_setaffinity sched_setscheduler seccomp select send sendfile sendmsg sendto setdomainname
setegid seteuid setgid setgroups sethostname setns setpgid setregid setresgid setresuid setreuid
setrlimit setsid setsockopt setuid setxattr shutdown sigaction signalfd sigprocmask socket
socketpair splice stat statfs statvfs statx swapon symlink symlinkat syscall sync tgkill
timerfd_create timerfd_settime truncate umask umount umount2 unlink unlinkat unshare utimensat
vfork wait wait3 wait4 waitid waitpid write writev
""".split())

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
_ASSEMBLY = re.compile(r"\b(?:asm|__asm__|__asm)\b\s*(?:volatile|__volatile__|goto|inline|\()")
_CALL = re.compile(r"(?P<before>[\w.>:)\]]?)(?P<space>\s*)(?P<global>::)?\b(?P<name>[a-z]\w*)\s*\(")
_WORD_BEFORE = re.compile(r"(\w+)\s*$")


def room_of(name: str):
    for room in ROOMS:
        if name.startswith(room.prefix):
            return room
    return None


def _is_private(name: str, header: str) -> str:
    """Why `name` may not include the project header `header`; "" when it may."""
    for hall in ("tests/", "fuzz/"):
        if header.startswith(hall) and not name.startswith(("tests/", "fuzz/")):
            return f"nothing outside tests/ and fuzz/ includes {hall}"
    if name.startswith("tools/") and header.startswith("sandbox/"):
        if not header.startswith(TOOLS_SANDBOX):
            return "tools/ sees only " + ", ".join(TOOLS_SANDBOX) + " of sandbox/"
    return ""


def check_include(name: str, quote: str, header: str) -> str:
    """The reason why the include is refused; "" when it is allowed."""
    room = room_of(name)
    if room is None:
        return "no row of tools/lint/layering.py covers this file: add its room"
    reason = _is_private(name, header)
    if reason:
        return reason
    if quote == '"' or header.startswith(LIBRARIES):
        if header.startswith(room.project):
            return ""
        return f"{room.prefix} may not include \"{header}\""
    if header.startswith(KERNEL):
        if room.kernel or room.system is ANY:
            return ""
        return f"{room.prefix} takes kernel constants from policy/uapi/, not from <{header}>"
    if room.system is ANY or header in room.system:
        return ""
    return f"{room.prefix} may not include <{header}>"


def _syscall_home(name: str):
    """The calls that a file may make: None for all."""
    for prefix, calls in SYSCALL_HOMES.items():
        if name.startswith(prefix):
            return calls
    return frozenset()


def _calls(code: str):
    """(offset, name) of what looks like a call of a system call's wrapper."""
    for match in _CALL.finditer(code):
        name = match.group("name")
        if name not in SYSCALLS:
            continue
        before = match.group("before")
        if match.group("global"):
            if before and not match.group("space"):
                continue  # std::bind and the like
        else:
            if before in (".", ">", ":"):
                continue  # a member function, or a name in some namespace
            word = _WORD_BEFORE.search(code[:match.start("name")])
            if word and word.group(1) not in ("return", "else", "do", "co_return", "case"):
                continue  # a declaration: "type name("
        yield match.start("name"), name


def check_text(name: str, text: str) -> List[Finding]:
    findings = []
    code = blank_comments_and_literals(text)
    for match in _INCLUDE.finditer(text):
        if not code[match.start():match.end()].strip().startswith("#"):
            continue  # inside a comment
        reason = check_include(name, match.group(1), match.group(2))
        if reason:
            findings.append(Finding(name, line_of(text, match.start(1)), reason))
    if name != ASSEMBLY_HOME and not name.startswith(("tests/", "fuzz/", "tools/demo/")):
        for match in _ASSEMBLY.finditer(code):
            findings.append(Finding(name, line_of(code, match.start()),
                                    f"inline assembly belongs in {ASSEMBLY_HOME}"))
    allowed = _syscall_home(name)
    if allowed is not None:
        for offset, call in _calls(code):
            if call not in allowed:
                findings.append(Finding(name, line_of(code, offset),
                                        f"{call}() is a system call: only sandbox/os and "
                                        "sandbox/child make them"))
    return findings


def check(root: str) -> List[Finding]:
    findings = []
    for name in source_files(root):
        if not name.startswith("tools/demo/"):  # jobs for the sandbox, not part of it
            findings += check_text(name, read(root, name))
    return findings
