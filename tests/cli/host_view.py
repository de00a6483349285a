# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command see from the host: processes and control groups.
"""

import os
import re
import time


def processes_with(token):
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read()
        except OSError:
            continue
        if token.encode() in words:
            found.append(int(name))
    return found


def jobs_with(token):
    """Processes with the token that have become the payload: the sandbox's init keeps the command
    line of the supervisor that it was cloned from."""
    found = []
    for pid in processes_with(token):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().startswith(b"/payload/payload\0"):
                    found.append(pid)
        except OSError:
            continue
    return found


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
            return [int(each) for each in file.read().split()]
    except OSError:
        return []


def status_of(pid, field):
    """The first word of a line of its /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return re.search(rf"^{field}:\s*(\w+)", file.read(), re.MULTILINE)[1]


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def group_folders(pid):
    """Control groups that the command with this process id made; of any, with "" for it."""
    prefix = f"cordon-{pid}-" if pid else "cordon-"
    found = []
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        found += [os.path.join(folder, name) for name in names if name.startswith(prefix)]
    return found
