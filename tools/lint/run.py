#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the lints: run.py [--build DIR] [--tidy|--tidy-all] [--tally FILE] [LINT...].

Prints `file:line: message` for each finding and one line per lint; exits 1 when there is any.
--tally writes one result per lint for tools/test_summary.py.
"""

import argparse
import json
import os
import sys
import time
from typing import Callable, Dict, List

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import claims  # noqa: E402  (the folder is on the path only now)
import format as format_lint  # noqa: E402
import layering  # noqa: E402
import mirror  # noqa: E402
import size  # noqa: E402
import style  # noqa: E402
import symbols  # noqa: E402
import tidy  # noqa: E402
from common import Finding, repository_root  # noqa: E402


def lints_of(root: str, build: str, arguments) -> Dict[str, Callable[[], List[Finding]]]:
    lints: Dict[str, Callable[[], List[Finding]]] = {
        "layering": lambda: layering.check(root),
        "size": lambda: size.check(root),
        "mirror": lambda: mirror.check(root),
        "claims": lambda: claims.check(root),
        "style": lambda: style.check(root),
        "format": lambda: format_lint.check(root),
        "symbols": lambda: symbols.check(root, build),
    }
    if arguments.tidy or arguments.tidy_all or "tidy" in arguments.lint:
        lints["tidy"] = lambda: tidy.check(root, build, arguments.tidy_all)
    return lints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("lint", nargs="*", help="names of lints; default: all but tidy")
    parser.add_argument("--build", default="build", help="build folder for symbols and tidy")
    parser.add_argument("--tidy", action="store_true", help="clang-tidy on changed files")
    parser.add_argument("--tidy-all", action="store_true", help="clang-tidy on all files")
    parser.add_argument("--tally", help="write the results as JSON to this file")
    arguments = parser.parse_args()
    root = repository_root()
    build = os.path.join(root, arguments.build)
    lints = lints_of(root, build, arguments)
    unknown = [name for name in arguments.lint if name not in lints]
    if unknown:
        parser.error(f"no lint {unknown[0]}; there are {', '.join(lints)}, tidy")
    results = []
    for name in arguments.lint or lints:
        began = time.monotonic()
        findings = lints[name]()
        for finding in findings:
            print(finding)
        state = "ok" if not findings else f"{len(findings)} finding(s)"
        print(f"lint {name}: {state} ({time.monotonic() - began:.1f} s)", flush=True)
        results.append({"name": f"lint.{name}", "result": "failed" if findings else "passed",
                        "detail": "; ".join(str(f) for f in findings[:3])})
    if arguments.tally:
        with open(arguments.tally, "w", encoding="utf-8") as file:
            json.dump(results, file)
    return 1 if any(r["result"] == "failed" for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
