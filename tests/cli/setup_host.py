# SPDX-License-Identifier: Apache-2.0
"""A made-up host below a folder, for tests of `cordon-setup --root`, and how it is looked at."""

import os
import stat

DROP_IN = "etc/systemd/system/user@.service.d/cordon.conf"
PROFILE = "etc/apparmor.d/cordon-job"
AT_BOOT = "etc/systemd/system/apparmor.service.d"
STATE = "var/lib/cordon/setup.state"
APPARMOR = "sys/kernel/security/apparmor"
NAMESPACES = f"{APPARMOR}/policy/namespaces"
HOST = {
    "run/systemd/system/": "",
    "sys/fs/cgroup/cgroup.controllers": "cpu memory pids\n",
    "sys/module/apparmor/parameters/enabled": "Y\n",
    f"{APPARMOR}/.remove": "",
    f"{APPARMOR}/policy/profiles/": "",
    NAMESPACES + "/": "",
    "usr/sbin/apparmor_parser": "",
    "usr/bin/cordon": "",
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:1007:1007::/home/ann:/bin/sh\n"
                  "bob:x:1008:1008::/home/bob:/bin/sh\n",
    "etc/subuid": "ann:100000:65536\n",
    "etc/subgid": "ann:100000:65536\n",
    "proc/sys/kernel/unprivileged_userns_clone": "1\n",
    "proc/sys/user/max_user_namespaces": "10000\n",
    "var/lib/": "",
}


def put(root, path, text):
    """A file, or a folder where the path ends with a slash."""
    full = os.path.join(root, path)
    os.makedirs(full if path.endswith("/") else os.path.dirname(full), exist_ok=True)
    if not path.endswith("/"):
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def make(root):
    os.chmod(root, 0o755)
    for path, text in HOST.items():
        put(root, path, text)


def snapshot(root):
    """Every path below `root` with its kind, mode and content."""
    found = {}
    for where, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(where, name)
            mode = os.lstat(path).st_mode
            text = None
            if stat.S_ISREG(mode):
                with open(path, encoding="utf-8") as file:
                    text = file.read()
            found[os.path.relpath(path, root)] = (stat.S_IFMT(mode), stat.S_IMODE(mode), text)
    return found
