# SPDX-License-Identifier: Apache-2.0
"""What jobs must not do to the host, looked at from outside.

Entry points: Snapshot.take and .differences, leftovers. The jobs' own words are never asked.
"""

import os
import socket
import time
from typing import Dict, List, NamedTuple

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


def control_groups() -> Dict[str, int]:
    """Every control group folder that we can see -> its inode."""
    groups = {}
    for folder, _, _ in os.walk(CGROUPS):
        try:
            groups[folder] = os.stat(folder).st_ino
        except OSError:
            continue
    return groups


class Snapshot(NamedTuple):
    hostname: str
    mounts: str
    shadow: str
    groups: Dict[str, int]

    @staticmethod
    def take() -> "Snapshot":
        return Snapshot(socket.gethostname(), _digest_mounts(), _read("/etc/shadow"),
                        control_groups())

    def differences(self, later: "Snapshot") -> List[str]:
        found = []
        for field in ("hostname", "mounts", "shadow"):
            if getattr(self, field) != getattr(later, field):
                found.append(f"the host's {field} changed")
        for group in sorted(set(later.groups) - set(self.groups)):
            if "cordon" in group and os.path.exists(group):
                found.append(f"a control group is left: {group}")
        return found


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
