# SPDX-License-Identifier: Apache-2.0
"""What every boot of the VM lab starts from: Debian's kernel and a root file system.

Entry point: images(say). Both are made once from Debian's packages and kept in
${XDG_CACHE_HOME:-~/.cache}/cordon-vm, under names that hold the kernel's version and a hash of the
recipe (kernel.py, rootfs.py), so that all checkouts of a user share them.
"""

import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from typing import Callable, Iterator, NamedTuple

import commands
import kernel
import rootfs

KEEP_DAYS = 14


class Images(NamedTuple):
    kernel: str  # a folder: see kernel.make
    root: str
    version: str


def _cache() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(base, "cordon-vm")
    os.makedirs(folder, exist_ok=True)
    return folder


def _recipe(module) -> str:
    with open(module.__file__, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:12]


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_old(cache: str) -> None:
    for path in glob.glob(os.path.join(cache, "*")):
        with contextlib.suppress(OSError):
            if os.path.isdir(path) and time.time() - os.path.getmtime(path) > KEEP_DAYS * 86400:
                shutil.rmtree(path, ignore_errors=True)


def _kept(cache: str, name: str, make: Callable[[str, str, str], None]) -> str:
    """The folder `name` of the cache; made by make(work, out, log) when it is not there."""
    final = os.path.join(cache, name)
    if not os.path.isdir(final):
        made = tempfile.mkdtemp(prefix="making-", dir=cache)
        log = os.path.join(cache, f"{name}.log")
        out, work = os.path.join(made, "out"), os.path.join(made, "work")
        try:
            os.mkdir(out)
            os.mkdir(work)
            with open(log, "wb"):
                pass
            make(work, out, log)
            os.rename(out, final)
        except commands.LabError as error:
            raise commands.LabError(f"{error}\nThe whole log: {log}") from error
        finally:
            subprocess.run(commands.as_root() + ["rm", "-rf", "--one-file-system", made],
                           check=False)
    os.utime(final)
    return final


def images(say: Callable[[str], None]) -> Images:
    """Once more when it fails: mirrors have bad moments."""
    try:
        return _images(say)
    except commands.LabError as error:
        say(f"VM lab: {error}\nVM lab: trying once more")
        time.sleep(10)
        return _images(say)


def _images(say: Callable[[str], None]) -> Images:
    package, version = kernel.package()
    cache = _cache()
    with _locked(cache):
        _forget_old(cache)
        names = (f"{package}_{version}_{_recipe(kernel)}", f"root_{_recipe(rootfs)}")
        if not all(os.path.isdir(os.path.join(cache, name)) for name in names):
            say(f"VM lab: making kernel and root image in {cache} (once; 1 to 3 minutes)")
        made = _kept(cache, names[0], lambda work, out, log: kernel.make(package, work, out, log))
        root = _kept(cache, names[1], rootfs.make)
    with open(os.path.join(made, "version"), encoding="utf-8") as file:
        running = file.read()
    return Images(made, os.path.join(root, "root.img"), running)
