# SPDX-License-Identifier: Apache-2.0
"""One boot under QEMU's software emulation.

Entry point: boot. The machine ends itself by writing its status N to the debug port; QEMU then
exits with 2N+1, so that anything else means that the run broke. Never waits without an end.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from typing import Callable, List, NamedTuple

MEMORY_MIB = 1536
# A boot takes 7 s on an idle machine and was seen to take 30 s on a loaded one.
ALIVE_SECONDS = 180
SIGN_OF_LIFE = "lab: up"
LSM = "lsm=landlock,lockdown,yama,integrity,apparmor,bpf"
# The processors share one counter of time; the kernel's own test says they do not, on a busy host,
# and then each look at the clock goes to a device: 100 us instead of one.
CLOCK = "no_timer_check tsc=reliable"
# What costs emulation most, and nothing here is about: copies byte by byte (`rep movsb`, which the
# kernel and libc choose where the processor says that it is fast), a fifth level of page tables;
# the detours against speculation, which an emulated processor does not do, and pages cleared twice.
PROCESSOR = "max,erms=off,fsrm=off,la57=off"
# Translated code is kept by its address: with random ones each process is translated anew. The
# tests outside run with addresses as the host makes them.
CHEAPER = "mitigations=off init_on_alloc=0 randomize_kstack_offset=off norandmaps"


class Start(NamedTuple):
    """What a machine starts from."""
    vmlinuz: str
    initramfs: str
    root: str    # images of disks; never written to
    tests: str
    share: str   # the folder that is /lab inside
    words: str   # of the kernel's command line
    # One processor whose clock counts instructions (2 ns each) while it works: what the host is
    # busy with is in no account of CPU time inside. Slower; for tests of such accounts.
    counted: bool = False


class Outcome(NamedTuple):
    alive: bool
    status: int  # what the machine said; -1: it said nothing
    why: str     # for -1


def _command(start: Start, serial: List[str]) -> List[str]:
    # Two processors take turns in one thread: a thread for each would wait for the other's, in two
    # boots on a host with two processors a quarter of all the time that they have.
    processors = ["-icount", "shift=1,sleep=on", "-smp", "1"] if start.counted else ["-smp", "2"]
    return ["qemu-system-x86_64", "-accel", "tcg,thread=single", *processors, "-cpu", PROCESSOR,
            "-m", str(MEMORY_MIB), "-display", "none", "-nodefaults", *serial, "-monitor", "none",
            "-no-reboot", "-kernel", start.vmlinuz, "-initrd", start.initramfs,
            "-append", f"console=ttyS0 panic=-1 quiet {CLOCK} {CHEAPER} {LSM} {start.words}",
            "-drive", f"file={start.root},if=virtio,format=raw,snapshot=on",
            "-drive", f"file={start.tests},if=virtio,format=raw,snapshot=on",
            "-fsdev", f"local,id=lab,path={start.share},security_model=none",
            "-device", "virtio-9p-pci,fsdev=lab,mount_tag=lab",
            "-device", "isa-debug-exit,iobase=0x501,iosize=2"]


def _text(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _outcome(code: int, alive: bool) -> Outcome:
    if code > 0 and code % 2 == 1:
        return Outcome(alive, code >> 1, "")
    return Outcome(alive, -1, f"QEMU ended with {code} before the tests did (a panic?)")


def _end_with_us() -> None:
    """A lab that is killed leaves no machine behind (PR_SET_PDEATHSIG; prctl(2))."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def boot(start: Start, console: str, seconds: float, tell: Callable[[], None]) -> Outcome:
    """Runs to the end of the machine or for `seconds`; calls `tell` about once a second."""
    began, alive = time.monotonic(), False
    with open(console + ".qemu", "wb") as errors:
        process = subprocess.Popen(
            _command(start, ["-serial", f"file:{console}"]), stdin=subprocess.DEVNULL,
            stdout=errors, stderr=errors, preexec_fn=_end_with_us)
    try:
        while True:
            try:
                code = process.wait(timeout=1)
                tell()
                alive = alive or SIGN_OF_LIFE in _text(console)
                if not alive:
                    return Outcome(False, -1, f"QEMU ended with {code} before the system was up: "
                                   + _text(console + ".qemu").strip()[-300:])
                return _outcome(code, alive)
            except subprocess.TimeoutExpired:
                pass
            tell()
            passed = time.monotonic() - began
            alive = alive or SIGN_OF_LIFE in _text(console)
            if not alive and passed > ALIVE_SECONDS:
                return Outcome(False, -1, f"no sign of life in {ALIVE_SECONDS} s")
            if passed > seconds + ALIVE_SECONDS:
                return Outcome(alive, -1, f"the machine did not end in {passed:.0f} s")
    finally:
        process.kill()
        process.wait()


def shell(start: Start) -> int:
    """The same machine with its serial port on this terminal."""
    command = _command(start, ["-serial", "mon:stdio"])
    at = command.index("-monitor")
    del command[at:at + 2]
    sys.stdout.flush()
    return subprocess.run(command, check=False).returncode
