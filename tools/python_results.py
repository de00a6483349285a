# SPDX-License-Identifier: Apache-2.0
"""A unittest runner that also leaves its results where tools/test_summary.py reads them.

Entry point: Runner(name). With GTEST_OUTPUT=xml:FOLDER/ in the environment, as tools/dev sets it
for every test program, it writes FOLDER/name.xml in GoogleTest's form: one element per test.
"""

import os
import time
import unittest
import xml.etree.ElementTree as ElementTree
from typing import List, NamedTuple


class Entry(NamedTuple):
    name: str
    result: str  # passed, failed, skipped
    detail: str
    seconds: float = 0.0


class Recorder(unittest.TextTestResult):
    """Keeps one entry per test beside what unittest prints."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.entries: List[Entry] = []
        self.began = time.monotonic()

    def startTest(self, test):  # noqa: N802
        super().startTest(test)
        self.began = time.monotonic()

    def _note(self, test, result, detail=""):
        self.entries.append(Entry(test.id(), result, detail, time.monotonic() - self.began))

    def addSuccess(self, test):  # noqa: N802 (unittest's own names)
        super().addSuccess(test)
        self._note(test, "passed")

    def addFailure(self, test, err):  # noqa: N802
        super().addFailure(test, err)
        self._note(test, "failed", str(err[1])[:300])

    def addError(self, test, err):  # noqa: N802
        super().addError(test, err)
        self._note(test, "failed", str(err[1])[:300])

    def addSkip(self, test, reason):  # noqa: N802
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):  # noqa: N802
        super().addSubTest(test, subtest, err)
        # One that passed counts too: elsewhere the same one may have been skipped.
        if err is None:
            self._note(subtest, "passed")
        else:
            self._note(subtest, "failed", str(err[1])[:300])


def as_xml(entries: List[Entry]) -> str:
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name="python")
    for entry in entries:
        classname, _, name = entry.name.rpartition(".")
        case = ElementTree.SubElement(suite, "testcase", name=name, classname=classname,
                                      status="run", result="completed",
                                      time=f"{entry.seconds:.3f}")
        if entry.result == "failed":
            ElementTree.SubElement(case, "failure", message=entry.detail or "failed")
        elif entry.result == "skipped":
            case.set("result", "skipped")
            ElementTree.SubElement(case, "skipped", message=entry.detail)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


class Runner(unittest.TextTestRunner):
    def __init__(self, name: str, **kwargs):
        super().__init__(resultclass=Recorder, **kwargs)
        self.name = name

    def run(self, test):
        outcome = super().run(test)
        kind, _, folder = os.environ.get("GTEST_OUTPUT", "").partition(":")
        if kind == "xml" and folder.endswith("/"):
            os.makedirs(folder, exist_ok=True)
            with open(f"{folder}{self.name}.xml", "w", encoding="utf-8") as file:
                file.write(as_xml(outcome.entries))
        return outcome
