# SPDX-License-Identifier: Apache-2.0
"""What the tests of `cordon batch` have in common: lists of jobs that leave marks, what was left
behind, and the command line (PROGRAM --cordon PROGRAM [unittest options]).
"""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import command_line
from host_view import group_folders, processes_with, wait_until


IS_ROOT = os.geteuid() == 0
OWNER = 61_841  # of folders that jobs of root write
SOAK = float(os.environ.get("CORDON_TEST_SOAK", "1"))


def groups_of_cordon():
    return set(group_folders(""))


class BatchTest(unittest.TestCase):
    cordon = ""  # the program under test
    facts = {}   # what `cordon doctor` says of this host

    def setUp(self):
        if not self.facts["user_namespaces"]:
            self.skipTest("needs user namespaces")
        if not {"memory", "pids"} <= set(self.facts.get("cgroup_controllers", [])):
            self.skipTest("needs control groups that the caller may use")
        self.folder = tempfile.mkdtemp(prefix="cordon_batch_")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.marks = self.path("marks")
        os.mkdir(self.marks)
        if IS_ROOT:
            os.chown(self.marks, OWNER, OWNER)
        self.token = f"batch_{os.getpid()}_{self._testMethodName}"
        self.groups = groups_of_cordon()
        self.addCleanup(self.nothing_is_left)

    def nothing_is_left(self):
        """Groups of other runs of this host come and go; ours would stay."""
        self.assertTrue(wait_until(lambda: not processes_with(self.token), 60))
        left = groups_of_cordon() - self.groups
        self.assertTrue(wait_until(lambda: not left & groups_of_cordon(), 60), left)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, text, name="jobs.textproto"):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def job(self, name, script="", more=""):
        """A job that leaves a mark, then runs `script`."""
        line = f": {self.token}; echo {name} >> /marks/ran; {script}"
        return (f'job {{ name: "{name}" policy: "base/compute" argv: "sh" argv: "-c" '
                f'argv: "{line}" bind {{ source: "marks" target: "/marks" read_only: false }} '
                f'{more} }}\n')

    def entry(self, name, script="", **more):
        """The same in a line: a job that leaves a mark, then runs `script`."""
        return json.dumps(dict({
            "name": name, "policy": "base/compute",
            "argv": ["sh", "-c", f": {self.token}; echo {name} >> /marks/ran; {script}"],
            "bind": [{"source": "marks", "target": "/marks", "read_only": False}]}, **more)) + "\n"

    def ran(self):
        if not os.path.exists(self.path("marks/ran")):
            return []
        with open(self.path("marks/ran"), encoding="utf-8") as file:
            return file.read().split()

    def batch(self, *flags, jobs=None):
        return subprocess.run(
            [self.cordon, "batch", jobs or self.path("jobs.textproto"), *flags], check=False,
            capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/")

    def report(self, *flags):
        """The report of a run, and its exit status."""
        done = self.batch(*flags, "--report", self.path("report.json"))
        with open(self.path("report.json"), encoding="utf-8") as file:
            return json.load(file), done


def main(name) -> None:
    BatchTest.cordon = command_line.take("cordon").cordon
    BatchTest.facts = command_line.facts_of(BatchTest.cordon)
    command_line.run(name)
