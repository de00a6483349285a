# SPDX-License-Identifier: Apache-2.0
"""What jobs must not do to the host, looked at from outside.

Entry points: Snapshot.take and .differences, groups_of, leftovers. The jobs' own words are never
asked.
"""

import os
import socket
import time
from typing import Iterable, List, NamedTuple

CGROUPS = "/sys/fs/cgroup"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _digest_mounts() -> str:
    """Mount points and options, without the ids that mean nothing."""
    return "\n".join(sorted(" ".join(line.split()[2:]) for line in
                            _read("/proc/self/mountinfo").splitlines()))


class Snapshot(NamedTuple):
    hostname: str
    mounts: str
    shadow: str

    @staticmethod
    def take() -> "Snapshot":
        return Snapshot(socket.gethostname(), _digest_mounts(), _read("/etc/shadow"))

    def differences(self, later: "Snapshot") -> List[str]:
        return [f"the host's {field} changed" for field in self._fields
                if getattr(self, field) != getattr(later, field)]


def groups_of(supervisors: Iterable[int], top: str = CGROUPS) -> List[str]:
    """Control groups named after these processes; other users of the host have theirs."""
    wanted = tuple(f"cordon-{pid}-" for pid in supervisors)
    if not wanted:
        return []
    return sorted(folder for folder, _, _ in os.walk(top)
                  if os.path.basename(folder).startswith(wanted))


def processes_with(token: str) -> List[int]:
    """Processes whose command line holds `token`, except this one."""
    pids = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            if token in _read(f"/proc/{entry}/cmdline"):
                pids.append(int(entry))
    return pids


def leftovers(token: str, patience: float = 1.0) -> List[int]:
    """Processes of a finished job that are still there after `patience` seconds."""
    deadline = time.monotonic() + patience
    pids = processes_with(token)
    while pids and time.monotonic() < deadline:
        time.sleep(0.05)
        pids = processes_with(token)
    return pids
