# SPDX-License-Identifier: Apache-2.0
"""`cordon-setup` that is killed, or whose disk is full, at each of its steps: it can be run again
and undone, and what it says of itself is true.

Run by ctest: setup_cut_test.py --setup PROGRAM [unittest options]. Needs root.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest

import command_line
import one_call
import setup_host


SETUP = ""
# In memory where that can be: thousands of files are made.
PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
OLD = "# an older version of it\n"


def command(root, *arguments):
    return [SETUP, "--root", root, "--cordon", "/usr/bin/cordon", *arguments]


def perform(root, *arguments):
    done = subprocess.run(command(root, *arguments), capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.stdout}{done.stderr}")


def picture(root):
    """What is below `root`; lines of the record may stand in any order."""
    found = setup_host.snapshot(root)
    if setup_host.STATE in found:
        kind, mode, text = found[setup_host.STATE]
        found[setup_host.STATE] = (kind, mode, sorted(text.splitlines()))
    return found


def make_old(root, path):
    """As if an older cordon-setup had made it."""
    with open(os.path.join(root, path), encoding="utf-8") as file:
        new = file.read()
    setup_host.put(root, path, OLD)
    with open(os.path.join(root, setup_host.STATE), encoding="utf-8") as file:
        state = file.read()
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in (new, OLD)]
    assert hashes[0] in state
    setup_host.put(root, setup_host.STATE, state.replace(*hashes))


@unittest.skipUnless(os.geteuid() == 0, "needs root")
@unittest.skipUnless(one_call.possible(), "needs x86-64")
class CutOff(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cordon-setup-", dir=PLACE)
        self.addCleanup(shutil.rmtree, self.folder)
        self.bare = os.path.join(self.folder, "bare")
        os.mkdir(self.bare)
        setup_host.make(self.bare)
        self.untouched = picture(self.bare)
        with self.copy_of(self.bare) as root:
            perform(root, "--user", "ann")
            self.whole = picture(root)

    @contextlib.contextmanager
    def copy_of(self, root):
        copy = tempfile.mkdtemp(dir=self.folder)
        shutil.copytree(root, copy, dirs_exist_ok=True)
        try:
            yield copy
        finally:
            shutil.rmtree(copy)

    def mends(self, root):
        """However the tree was left: the next run completes it, and the next undo takes it back."""
        with self.copy_of(root) as again:
            perform(again, "--user", "ann")
            self.assertEqual(picture(again), self.whole)
        perform(root, "--undo")
        self.assertEqual(picture(root), self.untouched)

    def spoil_each(self, start, goal, *arguments):
        """`start` is a folder, `goal` what it is when the run was not disturbed."""
        for kill in (True, False):
            seen = []
            number = 0
            while True:
                number += 1
                with self.copy_of(start) as root, self.subTest(number, kill=kill):
                    outcome = one_call.run(command(root, *arguments), number, kill)
                    if not outcome.spoilt:
                        break
                    left = picture(root)
                    if not kill:
                        self.assertFalse([path for path in left if ".cordon-" in path], left)
                        self.assertIn(outcome.status, (0, 1))
                        # It does not say that it is done when it is not.
                        self.assertEqual(left == goal, outcome.status == 0)
                    if (outcome, left) in seen:
                        continue
                    seen.append((outcome, left))
                    self.mends(root)
            self.assertGreater(number, 10)
            self.assertGreater(len(seen), 5)

    def test_a_first_run(self):
        self.spoil_each(self.bare, self.whole, "--user", "ann")

    def test_an_update(self):
        with self.copy_of(self.bare) as root:
            perform(root, "--user", "ann")
            for path in (setup_host.PROFILE, setup_host.DROP_IN):
                make_old(root, path)
            self.spoil_each(root, self.whole, "--user", "ann")

    def test_an_undo(self):
        with self.copy_of(self.bare) as root:
            perform(root, "--user", "ann")
            self.spoil_each(root, self.untouched, "--undo")


def main():
    global SETUP  # pylint: disable=global-statement
    SETUP = command_line.take("setup").setup
    command_line.run("setup_cut")


if __name__ == "__main__":
    main()
