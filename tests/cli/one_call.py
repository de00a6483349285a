# SPDX-License-Identifier: Apache-2.0
"""Runs a program and spoils one of its system calls that change files: the n-th of them.

Entry point: run. Either the program is killed before the call, or the call fails as on a full disk.
By ptrace, so that the program is the one that ships.
"""

import ctypes
import os
import platform
import signal
from typing import List, NamedTuple, Optional

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_LIBC.ptrace.restype = ctypes.c_long
_TRACEME, _GETREGS, _SETREGS, _SYSCALL, _SETOPTIONS = 0, 12, 13, 24, 0x4200
_TRACESYSGOOD, _EXITKILL = 1, 0x100000
_STOP_OF_CALL = signal.SIGTRAP | 0x80
# struct user_regs_struct of x86-64, as an array.
_Registers = ctypes.c_ulonglong * 27
_RAX, _RDX, _ORIG_RAX, _RDI, _RSI = 10, 12, 15, 14, 13
_ENOSPC = 28
_WRITE, _OPEN, _OPENAT = 1, 2, 257
_MAKES = os.O_CREAT | (os.O_TMPFILE & ~os.O_DIRECTORY)
# ftruncate, rename, mkdir, rmdir, unlink, fchmod, mkdirat, unlinkat, renameat, linkat, renameat2,
# fdatasync
_CHANGES = frozenset([77, 82, 83, 84, 87, 91, 258, 263, 264, 265, 316, 75])


class Outcome(NamedTuple):
    spoilt: bool            # there were as many calls
    status: Optional[int]   # exit status; None: killed


def possible() -> bool:
    return platform.machine() == "x86_64"


def _ptrace(request, pid, data=0):
    pointer = data if isinstance(data, int) else ctypes.addressof(data)
    if _LIBC.ptrace(request, pid, None, pointer) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def _is_change(registers) -> bool:
    call = registers[_ORIG_RAX]
    if call == _WRITE:
        return registers[_RDI] > 2
    if call in (_OPEN, _OPENAT):
        return bool(registers[_RSI if call == _OPEN else _RDX] & _MAKES)
    return call in _CHANGES


def _start(command) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(null, stream)
            _ptrace(_TRACEME, 0)
            os.execv(command[0], command)
        finally:
            os._exit(127)  # pylint: disable=protected-access
    os.waitpid(pid, 0)
    _ptrace(_SETOPTIONS, pid, _TRACESYSGOOD | _EXITKILL)
    return pid


def run(command: List[str], number: int, kill: bool) -> Outcome:
    """`number` counts from 1."""
    pid = _start(command)
    registers = _Registers()
    seen, entered, failing = 0, False, False
    passed_on = 0
    while True:
        _ptrace(_SYSCALL, pid, passed_on)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
            return Outcome(seen >= number, code)
        stop = os.WSTOPSIG(status)
        passed_on = 0 if stop in (_STOP_OF_CALL, signal.SIGTRAP) else stop
        if stop != _STOP_OF_CALL:
            continue
        entered = not entered
        if not entered and not failing:
            continue
        _ptrace(_GETREGS, pid, registers)
        if failing:
            registers[_RAX] = 2**64 - _ENOSPC
            failing = False
        elif _is_change(registers):
            seen += 1
            if seen != number:
                continue
            if kill:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return Outcome(True, None)
            registers[_ORIG_RAX] = 2**64 - 1
            failing = True
        else:
            continue
        _ptrace(_SETREGS, pid, registers)
