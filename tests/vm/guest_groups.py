# SPDX-License-Identifier: Apache-2.0
"""Control groups inside the VM lab, laid out as a service manager would.

Entry points: prepare(mode) once, then make(mode, who, number, plain) for the group that one program
runs in. Mode "v2": root runs below system.slice, the user in a subtree that is delegated to uid
1000. Mode "v1": controllers on v1 hierarchies, a controller-less v2 beside them, in which each
program has its group. Mode "systemd": a scope of the service manager's, which delegates it to a
program that is not `plain`.
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


class Group:
    """A group of its own for one program: what is left in it afterwards was left behind."""

    def __init__(self, path: str):
        self.path = f"{TOP}/{path}"

    def make(self, owner: int = 0) -> "Group":
        os.mkdir(self.path)
        if owner != 0:
            os.chown(self.path, owner, owner)
            for file in DELEGATED_FILES[:3]:
                os.chown(f"{self.path}/{file}", owner, owner)
        return self

    def command(self, words: List[str]) -> List[str]:
        return words

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
        with contextlib.suppress(FileNotFoundError):
            _write(f"{self.path}/cgroup.kill", "1")

    def remove(self) -> None:
        for _ in range(100):
            if not self.members():
                break
            time.sleep(0.05)
        for folder, _, _ in os.walk(self.path, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


class Scope(Group):
    """The same, made by the service manager when the command starts, and gone with its end."""

    def __init__(self, who: str, number: int, plain: bool):
        unit = f"lab-{who}-{number}.scope"
        super().__init__(f"system.slice/{unit}" if who == "root" else
                         f"{USER_BASE}/app.slice/{unit}")
        self.words = ["systemd-run", *([] if who == "root" else ["--user"]), "--scope", "--quiet",
                      f"--unit={unit}", *([] if plain else ["-p", "Delegate=yes"])]

    def command(self, words: List[str]) -> List[str]:
        return [*self.words, *words]

    def enter(self) -> None:
        pass


def make(mode: str, who: str, number: int, plain: bool) -> Group:
    if mode == "systemd":
        return Scope(who, number, plain)
    if mode == "v1":
        return Group(f"unified/lab-{who}-{number}.service").make()
    if who == "root":
        return Group(f"{ROOT_BASE}/lab-{number}.service").make()
    return Group(f"{USER_BASE}/lab-{number}.scope").make(USER_ID)
