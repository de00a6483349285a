# SPDX-License-Identifier: Apache-2.0
"""Trees of the host that a stranger made or changes meanwhile, as sources and below targets. Judged
by the host: nothing outside is read, written or made, and the error says what to do."""

import os
import socket
import subprocess
import sys
import time

from harness import IS_ROOT, EscapeTest, tree_hash

STRANGER = 65534
TOUCH = "/usr/bin/touch"
CAT = "/usr/bin/cat"
EXCHANGE = 2
HERE = -100
STARTS = 30

SWAPPER = f"""
import ctypes, os, sys
libc = ctypes.CDLL(None)
one, two = (os.fsencode(name) for name in sys.argv[1:3])
parent = os.getppid()
print("swapping", flush=True)
while os.getppid() == parent:
    for _ in range(200):
        libc.renameat2({HERE}, one, {HERE}, two, {EXCHANGE})
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)


class Images(EscapeTest):
    """`image` belongs to a stranger, `outside` does not and holds what no job may see or change."""

    def setUp(self):
        super().setUp()
        self.image = self.tree("image", "inside")
        self.outside_tree = self.tree("outside", "outside")
        self.links = {
            "absolute": self.outside_tree,
            "relative": "../outside",
            "dangling": os.path.join(self.outside_tree, "not_yet"),
            "loop": "loop",
            "magic": "/proc/self/root" + self.outside_tree,
            "deep": "../" * 40 + self.outside_tree[1:],
        }

    def tree(self, name, text):
        """A folder `data` with the file `marker`, and `mnt` with a folder `x`."""
        folder = os.path.join(self.folder, name)
        for inner in ("data", "mnt/x"):
            os.makedirs(os.path.join(folder, inner))
        for place in ("marker", "data/marker"):
            write(os.path.join(folder, place), text)
        self.give_away(folder)
        return folder

    @staticmethod
    def give_away(path):
        if not IS_ROOT:
            return
        os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
        for top, folders, files in os.walk(path):
            for name in folders + files:
                os.chown(os.path.join(top, name), STRANGER, STRANGER, follow_symlinks=False)

    def plant(self):
        """All that a name of an image can be."""
        for name, target in self.links.items():
            os.symlink(target, os.path.join(self.image, name))
        os.mkfifo(os.path.join(self.image, "fifo"))
        with socket.socket(socket.AF_UNIX) as listener:
            here = os.open(self.image, os.O_PATH)  # the whole path is too long for an address
            listener.bind(f"/proc/self/fd/{here}/socket")
            os.close(here)
        names = [*self.links, "fifo", "socket"]
        if IS_ROOT:
            os.mknod(os.path.join(self.image, "device"), 0o20666, os.makedev(1, 3))
            names.append("device")
        self.give_away(self.image)
        return names

    def mounts(self, text):
        return self.policy(f"mounts {{ {text} }}")

    def bind(self, source, target, more="", base_more=""):
        return self.mounts(f'bind {{ source: "{source}" target: "{target}" {more} }} {base_more}')

    def assert_refused(self, run, field, hint=""):
        self.assert_verdict(run, "SETUP_FAILED")
        self.assertEqual(run.status, 125)
        self.assertEqual(run.out, b"")
        error = run.report["error"]
        self.assertIn(field, error["policy_field"])
        self.assertIn(hint, error["hint"])
        self.assertNotEqual(error["hint"], "", error)

    def test_no_target_in_a_hostile_tree_leads_out(self):
        """R10: the image is bound, and something is mounted below it."""
        names = self.plant()
        before = tree_hash(self.outside_tree), tree_hash(self.image)
        for name in names:
            for target in (name, name + "/x", name + "/new/x"):
                for access in ("read_only: true", "read_only: false"):
                    policy = self.bind(self.image, "/img", access,
                                       f'tmpfs {{ target: "/img/{target}" size: "1MiB" }}')
                    run = self.command([TOUCH, f"/img/{target}/pwned"], policy=policy)
                    self.assert_refused(run, "mounts.tmpfs[")
                    if name in self.links:
                        self.assertEqual(run.report["error"]["errno_name"], "ELOOP", target)
        for name in self.links:
            masked = self.bind(self.image, "/img", "", f'masked: "/img/{name}"')
            self.assert_refused(self.command([TOUCH], policy=masked), "mounts.masked[0]", "link")
            file = self.bind(f"{self.image}/marker", f"/img/{name}", "",
                             f'bind {{ source: "{self.image}" target: "/img" }}')
            self.assert_refused(self.command([TOUCH], policy=file), "mounts.bind[", "link")
        self.assertEqual((tree_hash(self.outside_tree), tree_hash(self.image)), before)
        good = self.command([TOUCH, "/img/mnt/x/new"], policy=self.bind(
            self.image, "/img", "", 'tmpfs { target: "/img/mnt/x" size: "1MiB" }'))
        self.assertEqual(good.status, 0, good.err)
        self.assertEqual((tree_hash(self.outside_tree), tree_hash(self.image)), before)
        # The control: mount points made by path.
        for name in ("absolute", "relative", "magic", "deep"):
            os.makedirs(os.path.join(self.image, name, f"made_{name}"))
            self.assertTrue(os.path.isdir(os.path.join(self.outside_tree, f"made_{name}")))

    def test_no_link_of_a_stranger_chooses_the_source(self):
        """R28, also when the bind is optional and when it comes by a flag."""
        names = self.plant()
        for name, target in (("to_root", "/"), ("to_proc", "/proc"), ("to_dev", "/dev"),
                             ("to_groups", "/sys/fs/cgroup"), ("chain", "absolute")):
            os.symlink(target, os.path.join(self.image, name))
            names.append(name)
            self.links[name] = target
        self.give_away(self.image)
        before = tree_hash(self.outside_tree)
        for name in names:
            tails = ("", "/data") if name in self.links else ("",)
            for source in (f"{self.image}/{name}{tail}" for tail in tails):
                hint = "name" if name in self.links else ""
                for more in ("", "optional: true", "read_only: false"):
                    run = self.command([CAT, "/y/marker"], policy=self.bind(source, "/y", more))
                    self.assert_refused(run, "mounts.bind[", hint)
                run = self.command([CAT, "/y/marker"], flags=["--bind", f"{source}:/y:ro"])
                self.assert_refused(run, "mounts.bind[", hint)
        good = self.command([CAT, "/y/marker"], policy=self.bind(f"{self.image}/data", "/y"))
        self.assertEqual(good.text, "inside")
        self.assertEqual(tree_hash(self.outside_tree), before)
        # The controls: who follows the link reads what is outside; and so does Cordon by a link of
        # root, for everything that a policy may name.
        with open(os.path.join(self.image, "chain/marker"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "outside")
        if not IS_ROOT:
            return
        for name in self.links:
            os.chown(os.path.join(self.image, name), 0, 0, follow_symlinks=False)
        run = self.command([CAT, "/y/marker"], policy=self.bind(f"{self.image}/chain", "/y"))
        self.assertEqual(run.text, "outside")
        for name in ("to_root", "to_proc", "to_dev", "to_groups"):
            run = self.command([CAT, "/y/marker"], policy=self.bind(f"{self.image}/{name}", "/y"))
            self.assert_refused(run, "mounts.bind[")

    def test_odd_names_are_names(self):
        """Those that mountinfo escapes, that look like its escapes, and the longest ones."""
        names = ["two  words", "back\\\\slash", "\\\\040", "a#b", "-rf", "--", "(deleted)",
                 "x" * 255, "\u00e4\u4e16", "'quote", "$(id)", "%s%n"]
        for name in names:
            plain = name.replace("\\\\", "\\")
            folder = os.path.join(self.image, plain)
            os.makedirs(os.path.join(folder, "t"))
            write(os.path.join(folder, "marker"), "inside")
            self.give_away(folder)
            policy = self.bind(f"{self.image}/{name}", f"/{name}", "",
                               f'tmpfs {{ target: "/{name}/t" size: "1MiB" }}')
            run = self.command([CAT, f"/{plain}/marker"], policy=policy)
            self.assertEqual((run.verdict, run.text), ("EXITED", "inside"), (name, run.err))
        deep = self.image + "/" + "/".join(["d" * 100] * 30)
        os.makedirs(deep)
        self.give_away(self.image)
        run = self.command([CAT, "/y/marker"], policy=self.bind(deep, "/y"))
        self.assertEqual((run.verdict, run.status), ("EXITED", 1))
        for bad, word in (("new\\nline", "control"), ("nul\\0x", "NUL"), ("x" * 256, "255"),
                          ("../outside", '".."')):
            run = self.command([CAT, "/y/marker"], policy=self.bind(f"{self.image}/{bad}", "/y"))
            self.assert_verdict(run, "SETUP_FAILED")
            self.assertIn(word, run.err.decode(), bad)

    # Swaps during set-up: a process of the host exchanges two names without a pause.

    def swap(self, one, two):
        line = [sys.executable, "-c", SWAPPER, one, two]
        # pylint: disable-next=consider-using-with
        swapper = subprocess.Popen(line, stdout=subprocess.PIPE)
        swapper.stdout.readline()
        self.addCleanup(swapper.stdout.close)
        self.addCleanup(swapper.wait)
        self.addCleanup(swapper.kill)
        return swapper

    def start_often(self, policy, command, allowed):
        """How many starts gave a job; its output is one of `allowed`, or there was no job."""
        started = 0
        deadline = time.monotonic() + 8
        for _ in range(STARTS):
            run = self.command(command, policy=policy)
            if run.verdict == "SETUP_FAILED":
                self.assertEqual(run.out, b"")
                self.assertIn("mounts.", run.report["error"]["policy_field"], run.err)
            else:
                self.assertIn((run.status, run.text), allowed, run.err)
                started += 1
            if time.monotonic() > deadline:
                break
        return started

    def wins(self, attempt):
        """The control: an attempt without the guard gets out while the names change."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if attempt():
                    return True
            except OSError:
                pass
        return False

    def test_a_source_that_is_swapped_for_a_link(self):
        """The last component, then one before it."""
        for real, source in (("data", "data"), ("mnt", "mnt/data")):
            write_to = os.path.join(self.image, source)
            os.makedirs(write_to, exist_ok=True)
            write(os.path.join(write_to, "marker"), "inside")
            away = os.path.join(self.image, "away_" + real)
            leads_to = self.outside_tree + ("/data" if real == source else "")
            os.symlink(leads_to, away)
            self.give_away(self.image)
            before = tree_hash(self.outside_tree)
            place = os.path.join(self.image, real)
            swapper = self.swap(place, away)
            for access in ("read_only: true", "read_only: false"):
                self.start_often(self.bind(f"{self.image}/{source}", "/y", access),
                                 [CAT, "/y/marker"], [(0, "inside")])

            def checked_by_name(place=place, source=source):
                if os.path.islink(place):
                    return False
                with open(f"{self.image}/{source}/marker", encoding="utf-8") as file:
                    return file.read() == "outside"

            self.assertTrue(self.wins(checked_by_name))
            self.assertEqual(tree_hash(self.outside_tree), before)
            swapper.kill()

    def test_a_target_that_is_swapped_for_a_link(self):
        away = os.path.join(self.image, "away")
        os.symlink(self.outside_tree + "/mnt", away)
        self.give_away(self.image)
        before = tree_hash(self.outside_tree)
        place = os.path.join(self.image, "mnt")
        self.swap(place, away)
        for access in ("read_only: true", "read_only: false"):
            policy = self.bind(self.image, "/img", access,
                               'tmpfs { target: "/img/mnt/x" size: "1MiB" }')
            # Behind the gate the name may be the link again, which leads nowhere inside.
            self.start_often(policy, [TOUCH, "/img/mnt/x/pwned"], [(0, ""), (1, "")])
            self.assertEqual(tree_hash(self.outside_tree), before)

        def checked_by_name():
            if not os.path.islink(place):
                write(os.path.join(place, "x/made"), "")
            return os.path.exists(os.path.join(self.outside_tree, "mnt/x/made"))

        self.assertTrue(self.wins(checked_by_name))

    def test_a_target_that_is_moved_out_of_the_tree(self):
        """The mount point is exchanged with a folder elsewhere on the host while it is used."""
        elsewhere = os.path.join(self.outside_tree, "mnt")
        self.swap(os.path.join(self.image, "mnt"), elsewhere)
        policy = self.bind(self.image, "/img", "read_only: true",
                           'tmpfs { target: "/img/mnt/x" size: "1MiB" }')
        self.start_often(policy, [TOUCH, "/img/mnt/x/pwned"], [(0, ""), (1, "")])
        for folder in (self.image, self.outside_tree):
            self.assertEqual(os.listdir(os.path.join(folder, "mnt/x")), [])
            self.assertEqual(sorted(os.listdir(os.path.join(folder))), ["data", "marker", "mnt"])
        # The control: a path that was looked at and is used later leads to the other folder.
        first = os.stat(os.path.join(self.image, "mnt/x")).st_ino
        self.assertTrue(self.wins(
            lambda: os.stat(os.path.join(self.image, "mnt/x")).st_ino != first))
