# SPDX-License-Identifier: Apache-2.0
"""The root file system of the VM lab: Debian by debootstrap, as an ext4 image.

Entry point: make. Needs root once (debootstrap changes root and owners).
"""

import os
from typing import List

from commands import as_root, output, run

SUITE = "bookworm"
# What the tests need inside. Their own programs are built on the host and come on a disk.
PACKAGES = ("libstdc++6", "python3", "apparmor", "uidmap", "dbus", "dbus-user-session",
            "systemd", "systemd-sysv", "libpam-systemd", "strace", "procps",
            # Languages whose profiles are run for real: cases/languages.py.
            "g++", "cmake", "ninja-build", "default-jdk-headless")
SIZE_MIB = 2200


def _mirror() -> List[str]:
    """Where this host gets Debian's packages from; nothing: debootstrap has a mirror of its own."""
    fields = "$(REPO_URI) $(CODENAME) $(COMPONENT)"
    for line in output(["apt-get", "indextargets", "--format", fields,
                        "Created-By: Packages"]).splitlines():
        words = line.split()
        if words[1:] == [SUITE, "main"]:
            return words[:1]
    return []


# Run inside the new root: the user of the tests, and what makes boots slow or noisy taken away.
_SETTLE = r"""
set -e
useradd -m -u 1000 -s /bin/bash tester
passwd -q -d root
mkdir -p /lab /var/lib/systemd/linger
touch /var/lib/systemd/linger/tester
echo lab > /etc/hostname
echo '127.0.0.1 localhost lab' > /etc/hosts
: > /etc/fstab
systemctl mask -q systemd-networkd-wait-online apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap fstrim.timer systemd-timesyncd \
  systemd-pstore apparmor getty@tty1 serial-getty@ttyS0 systemd-firstboot
rm -rf /var/cache/apt/* /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* \
  /usr/share/locale/* /usr/share/info/*
"""


def make(work: str, out: str, log: str) -> None:
    tree, root = os.path.join(work, "root"), as_root()
    # In a mount namespace of its own: what debootstrap mounts in the tree goes with it.
    run(root + ["unshare", "--mount", "debootstrap", "--variant=minbase",
                f"--include={','.join(PACKAGES)}", SUITE, tree, *_mirror()], log)
    run(root + ["chroot", tree, "/bin/sh", "-c", _SETTLE], log)
    image = os.path.join(out, "root.img")
    with open(image, "wb") as file:
        file.truncate(SIZE_MIB << 20)
    run(root + ["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-L", "root", "-d", tree,
                image], log)
    run(root + ["rm", "-rf", "--one-file-system", tree], log)
