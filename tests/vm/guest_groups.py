# SPDX-License-Identifier: Apache-2.0
"""Control groups inside the VM lab, laid out as a service manager would.

Entry points: prepare(mode) once, then make(mode, who, number) for the group that one program runs
in. Mode "v2": root runs below system.slice, the user in a subtree that is delegated to uid 1000.
Mode "v1": controllers on v1 hierarchies, a controller-less v2 beside them. Mode "systemd": the
service manager does it; nothing here.
"""

import contextlib
import os
import subprocess
import time
from typing import List

TOP = "/sys/fs/cgroup"
CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")
V1 = ("memory", "pids", "cpu,cpuacct", "cpuset", "freezer")
ROOT_BASE = "system.slice"
USER_BASE = "user.slice/user-1000.slice/user@1000.service"
USER_ID = 1000
DELEGATED_FILES = ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "memory.oom.group",
                   "memory.reclaim")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _mount(kind: str, options: str, target: str) -> None:
    os.makedirs(target, exist_ok=True)
    subprocess.run(["mount", "-t", kind, "-o", options, kind, target], check=True)


def _hand_down(path: str) -> None:
    """Makes TOP/path, and the controllers available to its children, level by level."""
    wanted = " ".join(f"+{name}" for name in CONTROLLERS)
    at = TOP
    _write(f"{at}/cgroup.subtree_control", wanted)
    for part in path.split("/"):
        at = f"{at}/{part}"
        os.makedirs(at, exist_ok=True)
        _write(f"{at}/cgroup.subtree_control", wanted)


def prepare(mode: str) -> None:
    if mode == "v1":
        _mount("tmpfs", "mode=755", TOP)
        for names in V1:
            _mount("cgroup", names, f"{TOP}/{names}")
        _mount("cgroup2", "nsdelegate", f"{TOP}/unified")
        return
    if mode != "v2":
        return
    _mount("cgroup2", "nsdelegate,memory_recursiveprot", TOP)
    _hand_down(ROOT_BASE)
    _hand_down(USER_BASE)
    base = f"{TOP}/{USER_BASE}"
    os.chown(base, USER_ID, USER_ID)
    for name in DELEGATED_FILES:
        with contextlib.suppress(FileNotFoundError):
            os.chown(f"{base}/{name}", USER_ID, USER_ID)


class NoGroup:
    """A program that stays in the group of the runner."""

    def enter(self) -> None:
        pass

    def members(self) -> List[int]:
        return []

    def kill(self) -> None:
        pass

    def remove(self) -> None:
        pass


class V2Group:
    """A group of its own for one program: what is left in it afterwards was left behind."""

    def __init__(self, who: str, number: int):
        base, name = (ROOT_BASE, f"lab-{number}.service") if who == "root" else (
            USER_BASE, f"lab-{number}.scope")
        self.path = f"{TOP}/{base}/{name}"
        os.mkdir(self.path)
        if who != "root":
            os.chown(self.path, USER_ID, USER_ID)
            for file in DELEGATED_FILES[:3]:
                os.chown(f"{self.path}/{file}", USER_ID, USER_ID)

    def enter(self) -> None:
        _write(f"{self.path}/cgroup.procs", "0")

    def members(self) -> List[int]:
        found: List[int] = []
        for folder, _, _ in os.walk(self.path):
            with contextlib.suppress(OSError), open(f"{folder}/cgroup.procs",
                                                    encoding="ascii") as file:
                found += [int(line) for line in file]
        return found

    def kill(self) -> None:
        _write(f"{self.path}/cgroup.kill", "1")

    def remove(self) -> None:
        for _ in range(100):
            if not self.members():
                break
            time.sleep(0.05)
        for folder, _, _ in os.walk(self.path, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def make(mode: str, who: str, number: int):
    return V2Group(who, number) if mode == "v2" else NoGroup()
