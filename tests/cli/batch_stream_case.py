# SPDX-License-Identifier: Apache-2.0
"""What the tests of `cordon batch -` have in common: a judge that sends lines and takes answers.
"""

import json
import os
import select
import subprocess
import threading
import time

from batch_case import BatchTest
from host_view import wait_until

PATIENCE = 120  # of what must come


class Judge:
    """A batch and its three streams. Nothing here waits for ever."""

    def __init__(self, command, folder, stderr=subprocess.PIPE):
        self.run = subprocess.Popen(command, cwd=folder, bufsize=0, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=stderr)
        self.told = b""
        self.errors = b""
        if stderr == subprocess.PIPE:
            self.reader = threading.Thread(target=self._read_errors, daemon=True)
            self.reader.start()

    def _read_errors(self):
        for line in self.run.stderr:
            self.errors += line

    def send(self, text):
        rest = text.encode()
        while rest:
            rest = rest[os.write(self.run.stdin.fileno(), rest):]

    def line(self):
        """The next line of its output; None at the end."""
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self.told:
            if not select.select([self.run.stdout], [], [], deadline - time.monotonic())[0]:
                raise AssertionError("no result has come: " + self.errors.decode())
            piece = os.read(self.run.stdout.fileno(), 65536)
            if not piece:
                return None
            self.told += piece
        line, _, self.told = self.told.partition(b"\n")
        return line.decode()

    def result(self):
        line = self.line()
        return None if line is None else json.loads(line)

    def end(self):
        """Closes the input, takes what comes; (results by name, exit status)."""
        if not self.run.stdin.closed:
            self.run.stdin.close()
        results = {}
        for result in iter(self.result, None):
            results[result["name"]] = result
        return results, self.wait()

    def wait(self):
        code = self.run.wait(PATIENCE)
        if hasattr(self, "reader"):
            self.reader.join(PATIENCE)
        return code


class StreamTest(BatchTest):
    def setUp(self):
        super().setUp()
        self.journal = self.path("journal")

    def start(self, *flags, form="json", stderr=subprocess.PIPE):
        judge = Judge([self.cordon, "batch", "-", "--format", form, *flags], self.folder, stderr)

        def gone():
            if judge.run.poll() is None:
                judge.run.kill()
            judge.run.wait()
            for stream in (judge.run.stdin, judge.run.stdout, judge.run.stderr):
                if stream is not None:
                    stream.close()
        # Before what is left is looked at.
        self.addCleanup(gone)
        return judge

    def held(self, name, **more):
        """One that does not end before `release`."""
        return self.entry(name, "while ! test -e /marks/go; do sleep 0.05; done", **more)

    def release(self):
        with open(self.path("marks/go"), "w", encoding="utf-8"):
            pass

    def await_run(self, name):
        self.assertTrue(wait_until(lambda: name in self.ran(), PATIENCE), name)

    def in_journal(self):
        with open(self.journal, encoding="utf-8") as file:
            lines = file.read().split("\n")
        self.assertEqual(lines.pop(), "")
        return [json.loads(line)["name"] for line in lines[1:]]


    def in_journal_after_a_kill(self):
        """Its last line may be cut off, its first one missing."""
        if not os.path.exists(self.journal):
            return []
        with open(self.journal, encoding="utf-8") as file:
            return [json.loads(line)["name"] for line in file.read().split("\n")[1:-1]]
