# SPDX-License-Identifier: Apache-2.0
"""Every source file of policy/ and sandbox/ has its test at the same path below tests/.

Entry point: check(root). A file without one stands in EXCEPTIONS with the test that covers it and
the reason; an exception that is no longer needed is an error too.
"""

import os
from typing import Dict, List, Sequence

from common import Finding, source_files

MIRRORED = ("policy/", "sandbox/")

# source file -> why it has no mirror and which test covers it.
EXCEPTIONS: Dict[str, str] = {}


def test_of(source: str) -> str:
    return "tests/" + source[:-len(".cc")] + "_test.cc"


def check_lists(sources: Sequence[str], tests: Sequence[str],
                exceptions: Dict[str, str]) -> List[Finding]:
    findings = []
    known = set(tests)
    for source in sources:
        wanted = test_of(source)
        if source in exceptions:
            if wanted in known:
                findings.append(Finding(source, 1, f"has {wanted}: take its exception out of "
                                                   "tools/lint/mirror.py"))
        elif wanted not in known:
            findings.append(Finding(source, 1, f"has no {wanted}"))
    for source, reason in exceptions.items():
        if source not in sources:
            findings.append(Finding("tools/lint/mirror.py", 1,
                                    f"exception for {source}, which does not exist"))
        if len(reason.split()) < 4:
            findings.append(Finding("tools/lint/mirror.py", 1,
                                    f"the exception for {source} needs its reason"))
    return findings


def check(root: str) -> List[Finding]:
    sources = source_files(root, MIRRORED, (".cc",))
    tests = source_files(root, ("tests/",), ("_test.cc",))
    findings = check_lists(sources, tests, EXCEPTIONS)
    for test in tests:
        if os.path.getsize(os.path.join(root, test)) == 0:
            findings.append(Finding(test, 1, "is empty"))
    return findings
