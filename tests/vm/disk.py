# SPDX-License-Identifier: Apache-2.0
"""The disk of tests: programs built on the host, without debug information, and the scripts.

Entry points: known_programs (what ctest calls kernel tests), make_disk. Inside the machine the disk
is mounted where the tree is on the host, because the tests hold absolute paths of it.
"""

import json
import os
import shutil
import subprocess
import tempfile
from typing import Iterable, List, NamedTuple

from commands import LabError

# Emulation is 10 to 50 times slower than the host for code, and hardly for waiting.
SLOWER = 4
# Folders of the tree that scripts may read; and built files beside the programs themselves.
SOURCES = ("fuzz", "policy", "profiles", "sandbox", "tests", "tools")
BUILT_FOLDERS = ("tests/support", "tests/escape", "tests/corpus")


class Program(NamedTuple):
    name: str
    command: List[str]
    cwd: str
    timeout: float
    xml: str             # the name of the result file that it writes
    plain: bool = False  # not to be wrapped in a scope by the scenario


def known_programs(build: str) -> List[Program]:
    listed = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1", "-L", "^kernel$"],
                            capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        raise LabError(f"ctest cannot list the tests of {build}: {listed.stderr.strip()}")
    programs = []
    for test in json.loads(listed.stdout)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        command = list(test.get("command", ()))
        # The host's interpreter is at a place of its own; the machine has one, too.
        if command and os.path.basename(command[0]).startswith("python3"):
            command[0] = "python3"
        if not command or (os.path.isabs(command[0]) and not os.path.exists(command[0])):
            raise LabError(f"{test['name']} is listed but not built: tools/dev build, or "
                           f"ninja -C {build} {test['name']}")
        programs.append(Program(test["name"], command,
                                properties.get("WORKING_DIRECTORY", build),
                                float(properties.get("TIMEOUT", 120)) * SLOWER, test["name"]))
    if not programs:
        raise LabError(f"{build} has no kernel tests")
    return programs


def _is_elf(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def _stripped(path: str, tree: str, cache: str) -> str:
    """A copy without debug information, kept until the program is built anew."""
    kept = os.path.join(cache, os.path.relpath(path, tree))
    made = os.stat(path).st_mtime_ns
    if os.path.exists(kept) and os.stat(kept).st_mtime_ns == made:
        return kept
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    handle, fresh = tempfile.mkstemp(dir=os.path.dirname(kept))
    os.close(handle)
    if _is_elf(path):
        subprocess.run(["strip", "--strip-debug", "-o", fresh, path], check=True)
    else:
        shutil.copyfile(path, fresh)
    os.chmod(fresh, os.stat(path).st_mode & 0o777 | 0o444)
    os.utime(fresh, ns=(made, made))
    os.rename(fresh, kept)
    return kept


def _place(path: str, target: str) -> None:
    try:
        os.link(path, target)
    except OSError:  # the tree is on another file system
        shutil.copy2(path, target)


def _built_files(programs: Iterable[dict], build: str, tree: str) -> List[str]:
    files = {word for program in programs for word in program["command"]
             if word.startswith(build + os.sep) and os.path.isfile(word)}
    for name in os.listdir(build):
        path = os.path.join(build, name)
        if name.startswith("cordon") and os.path.isfile(path) and os.access(path, os.X_OK):
            files.add(path)
    for folder in BUILT_FOLDERS:
        for where, _, names in os.walk(os.path.join(build, folder)):
            files |= {os.path.join(where, name) for name in names
                      if not name.endswith((".cmake", ".txt", ".o"))}
    return sorted(path for path in files if path.startswith(tree + os.sep))


def make_disk(programs: Iterable[dict], build: str, tree: str, image: str, work: str) -> None:
    stage = os.path.join(work, "stage")
    cache = os.path.join(build, "vm/stripped")
    total = 0
    for path in _built_files(programs, build, tree):
        target = os.path.join(stage, os.path.relpath(path, tree))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _place(_stripped(path, tree, cache), target)
        total += os.path.getsize(target)
    for folder in SOURCES:
        shutil.copytree(os.path.join(tree, folder), os.path.join(stage, folder),
                        ignore=shutil.ignore_patterns("__pycache__"))
        total += 4 << 20
    subprocess.run(["chmod", "-R", "a+rX", stage], check=True)
    with open(image, "wb") as file:
        file.truncate((total + total // 8 + (32 << 20)) & ~4095)
    done = subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-d", stage,
                           image], capture_output=True, text=True, check=False)
    shutil.rmtree(stage)
    if done.returncode != 0:
        raise LabError(f"mkfs.ext4 for the disk of tests failed: {done.stderr.strip()}")
