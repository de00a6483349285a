# SPDX-License-Identifier: Apache-2.0
"""What the recipes of the VM lab share: the error of the lab, commands with a log, root's rights.

Entry points: LabError, run, output, as_root.
"""

import os
import subprocess
from typing import List


class LabError(Exception):
    """The lab itself cannot work; the message says what to do."""


def run(command: List[str], log: str, cwd: str = "/") -> None:
    with open(log, "ab") as file:
        file.write((" ".join(command) + "\n").encode())
        file.flush()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=cwd,
                              check=False)
    if done.returncode != 0:
        with open(log, encoding="utf-8", errors="replace") as file:
            tail = "".join(file.readlines()[-15:])
        raise LabError(f"{command[0]} failed with {done.returncode}:\n{tail}")


def as_root() -> List[str]:
    if os.geteuid() == 0:
        return []
    if subprocess.run(["sudo", "-n", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        raise LabError("the root image of the VM lab is made once by debootstrap, which needs root:"
                       " run `sudo -v` first")
    return ["sudo", "-n"]


def output(command: List[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
