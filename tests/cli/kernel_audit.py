# SPDX-License-Identifier: Apache-2.0
"""The kernel's audit and what its log leaves out, changed for the time of a test. Needs root."""

import contextlib
import os
import select
import socket
import struct

_RATE = "/proc/sys/kernel/printk_ratelimit"
_GET, _SET = 1000, 1001  # AUDIT_GET, AUDIT_SET
_ENABLED, _PID = 1, 4    # bits of audit_status.mask


def _order(kernel, kind, mask=0, enabled=0, pid=0):
    """Sends a message and gives what the kernel answers; the last answer is an errno."""
    status = struct.pack("=11I", mask, enabled, 0, pid, 0, 0, 0, 0, 0, 0, 0)
    kernel.send(struct.pack("=IHHII", 16 + len(status), kind, 5, 1, 0) + status)
    found = None
    error = None
    while error is None or (kind == _GET and error == 0 and found is None):
        answer = kernel.recv(9000)  # what comes in between are lines
        answered = struct.unpack_from("=H", answer, 4)[0]
        if answered == 2:  # NLMSG_ERROR
            error = -struct.unpack_from("=i", answer, 16)[0]
        elif answered == _GET:
            found = struct.unpack_from("=4I", answer, 16)
    if error != 0:
        raise OSError(error, "audit")
    return found


@contextlib.contextmanager
def _kernel():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9) as kernel:  # NETLINK_AUDIT
        kernel.bind((0, 0))
        kernel.connect((0, 0))
        kernel.settimeout(60)
        yield kernel


@contextlib.contextmanager
def daemon():
    """This process is the audit daemon meanwhile. Gives what tells the types of its lines."""
    with _kernel() as kernel:
        def types():
            found = []
            while select.select([kernel], [], [], 0.5)[0]:
                found.append(struct.unpack_from("=H", kernel.recv(9000), 4)[0])
            return found

        _order(kernel, _SET, mask=_PID, pid=os.getpid())
        try:
            yield types
        finally:
            _order(kernel, _SET, mask=_PID)


def state():
    """Whether audit is on, and the process of its daemon; None where that cannot be asked."""
    try:
        with _kernel() as kernel:
            _, enabled, _, pid = _order(kernel, _GET)
            return enabled, pid
    except OSError:
        return None


@contextlib.contextmanager
def turned(on):
    """Audit is on, or off, meanwhile."""
    before = state()[0]
    with _kernel() as kernel:
        _order(kernel, _SET, mask=_ENABLED, enabled=on)
        try:
            yield
        finally:
            _order(kernel, _SET, mask=_ENABLED, enabled=before)


@contextlib.contextmanager
def new_lines():
    """Gives what reads the lines of the kernel's log that came since it was asked last."""
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)

    def read():
        found = []
        while True:
            try:
                found.append(os.read(log, 8192).decode())
            except BlockingIOError:
                return found
            except BrokenPipeError:  # overwritten: the next one is read
                continue
    try:
        os.lseek(log, 0, os.SEEK_END)
        yield read
    finally:
        os.close(log)


@contextlib.contextmanager
def lines_limited(limit):
    """Lines are kept from the kernel's log meanwhile where there are more than ten in this many
    seconds; "0": none are. A test would otherwise be about the lines of the one before."""
    with open(_RATE, encoding="utf-8") as file:
        before = file.read()
    try:
        with open(_RATE, "w", encoding="utf-8") as file:
            file.write(limit)
        yield
    finally:
        with open(_RATE, "w", encoding="utf-8") as file:
            file.write(before)
