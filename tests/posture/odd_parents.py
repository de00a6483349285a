# SPDX-License-Identifier: Apache-2.0
"""What a parent can do to a child before it starts a program: functions that are called between
fork and exec. None of them touches the test itself.
"""

import ctypes
import os
import signal
import struct
import tempfile

_LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_SECUREBITS = 1, 4, 22, 28
PR_SET_TIMERSLACK, PR_SET_NO_NEW_PRIVS = 29, 38
KEEP_CAPS = 0x10 | 0x20             # SECBIT_KEEP_CAPS, locked
NO_ROOT = 0x01 | 0x02 | 0x04 | 0x08  # SECBIT_NOROOT, NO_SETUID_FIXUP, locked
PERSONALITIES = {"no address randomisation": 0x0040000, "a page at address 0": 0x0100000,
                 "read implies execute": 0x0400000, "an old release": 0x0020000,
                 "an old processor": 0x0000008}
EPERM = 1
NOT_ALLOWED = 77
# x86-64; the numbers from 403 on are the same on every architecture.
CALLS = {"acct": 163, "mount": 165, "open_tree": 428, "clone3": 435, "seccomp": 317, "prctl": 157,
         "epoll_create1": 291, "waitid": 247, "timerfd_create": 283, "keyctl": 250,
         "personality": 135, "pidfd_open": 434, "pidfd_send_signal": 424}
BPF_LOAD_WORD, BPF_JUMP_EQUAL, BPF_RETURN = 0x20, 0x15, 0x06
RET_ERRNO, RET_ALLOW = 0x00050000, 0x7fff0000


def text_of(path):
    with open(path, encoding="utf-8", errors="backslashreplace") as file:
        return file.read()


def _must(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def possible(setup):
    """Whether this caller may do it at all, tried in a child."""
    child = os.fork()
    if child == 0:
        try:
            setup()
        except (OSError, ValueError):
            os._exit(NOT_ALLOWED)
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    return not (os.WIFEXITED(status) and os.WEXITSTATUS(status) == NOT_ALLOWED)


def prctl(option, value):
    return lambda: _must(_LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def personality(bits):
    return lambda: _must(_LIBC.personality(ctypes.c_ulong(bits)))


def scheduled(policy, priority=0):
    return lambda: os.sched_setscheduler(0, policy, os.sched_param(priority))


def io_real_time():
    _must(_LIBC.syscall(251, 1, 0, 1 << 13))  # ioprio_set of this process: real time, level 0


def many_cpus():
    return len(os.sched_getaffinity(0)) > 1 and 0 in os.sched_getaffinity(0)


def keeps_cpus():
    """Before Linux 6.2 a process forgets its processors when it enters a group of cgroup v2 that
    has cpuset: then a job has all of them."""
    release = tuple(int(part) for part in os.uname().release.split(".")[:2])
    return release >= (6, 2) or not os.path.exists("/sys/fs/cgroup/cgroup.controllers")


def on_one_cpu():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def oom_score(value):
    def write():
        with open("/proc/self/oom_score_adj", "w", encoding="utf-8") as file:
            file.write(str(value))
    return write


def in_a_directory_that_is_gone():
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.rmdir(folder)


def in_a_locked_directory():
    """Gone as well, so that nobody has to remove it."""
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.chmod(folder, 0)
    os.rmdir(folder)


def many_descriptors():
    """A directory of the host, a file of the host opened for writing, a socket pair, high numbers;
    none of them closed by exec."""
    handle, path = tempfile.mkstemp()
    os.unlink(path)
    for number, fd in ((100, handle), (101, os.open("/", os.O_RDONLY)),
                       (102, os.open("/etc", os.O_PATH)), (1000, handle)):
        os.dup2(fd, number, True)
    for number in range(3, 60):
        os.dup2(handle, number, True)


def block_all():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def ignore_all():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:  # the C library's own
            continue


def slow_timers():
    signal.setitimer(signal.ITIMER_VIRTUAL, 1)
    signal.setitimer(signal.ITIMER_PROF, 1)


def denied(call):
    """A filter that answers EPERM to one call."""
    def install():
        steps = ((BPF_LOAD_WORD, 0, 0, 0), (BPF_JUMP_EQUAL, 0, 1, CALLS[call]),
                 (BPF_RETURN, 0, 0, RET_ERRNO | EPERM), (BPF_RETURN, 0, 0, RET_ALLOW))
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
        program = struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code))
        prctl(PR_SET_NO_NEW_PRIVS, 1)()
        _must(_LIBC.prctl(PR_SET_SECCOMP, 2, program, 0, 0))
    return install
