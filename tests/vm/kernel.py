# SPDX-License-Identifier: Apache-2.0
"""Debian's kernel for the VM lab: the image and the modules that a boot needs, never installed.

Entry points: package, make, initramfs.
"""

import glob
import gzip
import os
import re
import shutil
import subprocess
from typing import List, Tuple

from commands import LabError, as_root, output, run

META = "linux-image-amd64"
# In the order of their loading; what each of them needs is loaded before it.
MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "9p", "9pnet_virtio", "overlay",
           "loop", "fuse")


def package() -> Tuple[str, str]:
    """Name and version of the versioned kernel package that the meta package stands for."""
    for attempt in range(2):
        names = re.findall(r"Depends: (linux-image-\d\S*)",
                           output(["apt-cache", "depends", META]))
        if names:
            candidate = re.search(r"Candidate: (\S+)", output(["apt-cache", "policy", names[0]]))
            if candidate:
                return names[0], candidate.group(1)
        if attempt == 0:
            subprocess.run(as_root() + ["apt-get", "update", "-q"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
    raise LabError(f"apt knows no {META}: the package lists are missing or are not "
                   "Debian's")


def _modules_in_order(folder: str, version: str) -> List[str]:
    """Paths of the module files, each after what it depends on."""
    base = os.path.join(folder, "lib/modules", version)
    needs = {}
    with open(os.path.join(base, "modules.dep"), encoding="utf-8") as file:
        for line in file:
            path, _, others = line.partition(":")
            needs[path] = others.split()
    by_name = {os.path.basename(path)[:-len(".ko")].replace("-", "_"): path for path in needs}
    order: List[str] = []
    for name in MODULES:
        if name not in by_name:
            raise LabError(f"the kernel package has no module {name}")
        path = by_name[name]
        # modules.dep names the nearest need first, the deepest last.
        order += [each for each in [*reversed(needs[path]), path] if each not in order]
    return [os.path.join(base, path) for path in order]


def make(name: str, work: str, out: str, log: str) -> None:
    """Puts vmlinuz, modules/ and their order, and the version into `out`."""
    run(["apt-get", "download", "-q", name], log, cwd=work)
    archives = glob.glob(os.path.join(work, "*.deb"))
    unpacked = os.path.join(work, "kernel")
    run(["dpkg-deb", "-x", archives[0], unpacked], log)
    image = glob.glob(os.path.join(unpacked, "boot/vmlinuz-*"))[0]
    version = os.path.basename(image)[len("vmlinuz-"):]
    run(["depmod", "-b", unpacked, version], log)
    shutil.copyfile(image, os.path.join(out, "vmlinuz"))
    os.mkdir(os.path.join(out, "modules"))
    with open(os.path.join(out, "modules/order"), "w", encoding="utf-8") as order:
        for path in _modules_in_order(unpacked, version):
            shutil.copy(path, os.path.join(out, "modules"))
            order.write(os.path.basename(path) + "\n")
    with open(os.path.join(out, "version"), "w", encoding="utf-8") as file:
        file.write(version)


def initramfs(made: str, init: str, target: str, work: str) -> None:
    """busybox, the modules and `init` as the first process; quick enough for every run."""
    tree = os.path.join(work, "initramfs")
    for folder in ("bin", "proc", "sys", "dev", "root"):
        os.makedirs(os.path.join(tree, folder))
    shutil.copy("/bin/busybox", os.path.join(tree, "bin/busybox"))
    shutil.copytree(os.path.join(made, "modules"), os.path.join(tree, "modules"))
    shutil.copy(init, os.path.join(tree, "init"))
    os.chmod(os.path.join(tree, "init"), 0o755)
    names = "\n".join(sorted(os.path.relpath(os.path.join(where, name), tree)
                             for where, folders, files in os.walk(tree)
                             for name in folders + files))
    archive = subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], cwd=tree,
                             input=names.encode() + b"\n", capture_output=True, check=True)
    with gzip.open(target, "wb", compresslevel=1) as file:
        file.write(archive.stdout)
