#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The VM lab: runs kernel tests built here on Debian's own kernel under QEMU.

vm.py [--build DIR] [--results DIR] [--scenario NAME]... [--filter REGEX] [--boots N] [--shell].
For each scenario one boot, N of them at a time; for each user in it a folder NAME-USER below
--results that test_summary.py reads. Exits 1 when a test failed or a boot broke. `tools/dev test
--vm` calls this; README.md beside this file says what runs where and how to look at a failure.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from typing import Dict, List

import commands
import disk
import image
import kernel
import machine
import scenarios

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INIT = os.path.join(TREE, "tests/vm/init.sh")
TAIL = 25


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    """Tells what has ended since it was last asked."""

    def __init__(self, scenario: str, share: str):
        self.scenario = scenario
        self.path = os.path.join(share, "status.jsonl")
        self.lines: List[dict] = []

    def update(self) -> None:
        if not os.path.exists(self.path):
            return
        with open(self.path, encoding="utf-8") as file:
            whole = file.read()
        complete = whole[:whole.rfind("\n") + 1].splitlines()
        for line in complete[len(self.lines):]:
            entry = json.loads(line)
            self.lines.append(entry)
            say(f"  {problem_of(entry) or 'ok':8} {self.scenario}: {entry['who']:4} "
                f"{entry['name']} ({entry['seconds']} s)")


def problem_of(entry: dict) -> str:
    if entry["timed_out"]:
        return f"timed out after {entry['seconds']} s"
    if entry["status"] != 0:
        return f"failed ({entry['status']})"
    return f"left processes {entry['left']}" if entry["left"] else ""


def write_results(folder: str, who: str, expected: List[dict], ended: List[dict], why: str) -> bool:
    """The file that stands for ctest's own; a program without an end is a failure."""
    root = ElementTree.Element("testsuite", name=os.path.basename(folder))
    by_name: Dict[str, dict] = {each["name"]: each for each in ended if each["who"] == who}
    clean = True
    for program in expected:
        entry = by_name.get(program["name"])
        problem = problem_of(entry) if entry else f"did not run: {why or 'the boot ended before'}"
        case = ElementTree.SubElement(root, "testcase", name=program["name"], classname="vm",
                                      status="fail" if problem else "run")
        if problem:
            clean = False
            ElementTree.SubElement(case, "failure", message=problem)
    ElementTree.ElementTree(root).write(os.path.join(folder, "ctest-vm.xml"))
    return clean


def show_failures(share: str, ended: List[dict], console: str, broke: str) -> None:
    for entry in ended:
        if problem_of(entry):
            path = os.path.join(share, entry["who"], entry["name"] + ".log")
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
            say(f"\n-- {entry['who']} {entry['name']}: {problem_of(entry)}; whole output: {path}")
            wanted = [line for line in lines if "[       OK" not in line and "[ RUN" not in line]
            say("\n".join(wanted[-TAIL:]))
    if broke:
        say(f"\n-- the boot broke: {broke}; its console: {console}")
        if os.path.exists(console):
            with open(console, encoding="utf-8", errors="replace") as file:
                say("\n".join(file.read().splitlines()[-TAIL:]))


def plan_of(scenario: scenarios.Scenario, programs: List[dict], shell: bool) -> dict:
    wanted = {name: os.environ[name] for name in ("GTEST_FILTER", "GTEST_REPEAT",
                                                  "CORDON_CORPUS_REPEAT", "CORDON_CORPUS_CASE")
              if name in os.environ}
    wanted["CORDON_TEST_SOAK"] = "0.2"
    if scenario.counted:
        wanted["CORDON_CORPUS_AGAIN"] = "0"  # nothing is taken from what runs inside
    wanted["CORDON_FAULT_EVERY"] = os.environ.get("CORDON_FAULT_EVERY", "37")
    return {"scenario": scenario.name, "who": ["user", "root"], "programs": programs,
            "seconds": scenarios.budget(scenario), "environment": wanted,
            "cgroup": scenario.cgroup, "systemd": scenario.cgroup == "systemd", "shell": shell,
            "tree": TREE}


# One per boot. Whoever ends the lab by a signal wants them gone as well.
WORK_FOLDERS: List[str] = []


def end_by_signal(number: int, _frame) -> None:
    for folder in WORK_FOLDERS:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(128 + number)  # the machines go with it (machine.py)


def run_boot(images: image.Images, scenario, programs: List[dict], arguments, share: str):
    """Makes the disk and boots; once more if the machine gave no sign of life."""
    words = f"{scenario.kernel} lab.tree={TREE}"
    if scenario.cgroup == "systemd":
        words += " lab.init=systemd"
    console = os.path.join(share, "console.log")
    with tempfile.TemporaryDirectory(prefix="cordon-vm-", dir="/var/tmp") as work:
        WORK_FOLDERS.append(work)
        first = machine.Start(os.path.join(images.kernel, "vmlinuz"),
                              os.path.join(work, "initramfs.gz"), images.root,
                              os.path.join(work, "tests.img"), share, words, scenario.counted)
        kernel.initramfs(images.kernel, INIT, first.initramfs, work)
        disk.make_disk(programs, arguments.build, TREE, first.tests, work)
        for attempt in range(2):
            shutil.rmtree(share, ignore_errors=True)
            os.makedirs(share)
            with open(os.path.join(share, "plan.json"), "w", encoding="utf-8") as file:
                json.dump(plan_of(scenario, programs, arguments.shell), file)
            if arguments.shell:
                return None, machine.Outcome(
                    True, machine.shell(first) >> 1, "")
            progress = Progress(scenario.name, share)
            outcome = machine.boot(first, console, scenarios.budget(scenario), progress.update)
            if outcome.alive or attempt == 1:
                return progress, outcome
            say(f"VM lab: {outcome.why}; booting once more")
    raise AssertionError("not reached")


def run_scenario(images: image.Images, scenario, programs: List[dict], arguments) -> bool:
    began = time.monotonic()
    say(f"VM lab: {scenario.name}: {scenario.purpose} (Linux {images.version})")
    share = os.path.join(arguments.results, scenario.name + ".share")
    progress, outcome = run_boot(images, scenario, programs, arguments, share)
    if progress is None:
        return outcome.status == 0
    clean = True
    for who in ("user", "root"):
        expected = [each for each in programs if who in each["who"]]
        if not expected:
            continue
        folder = os.path.join(arguments.results, f"{scenario.name}-{who}")
        os.makedirs(folder)
        cases = os.path.join(share, who, "cases")
        if os.path.isdir(cases):
            shutil.copytree(cases, os.path.join(folder, "cases"))
        clean = write_results(folder, who, expected, progress.lines, outcome.why) and clean
    broke = outcome.why
    if not broke and len(progress.lines) < sum(len(each["who"]) for each in programs):
        broke = "the runner inside stopped early"
    if not clean or outcome.status != 0:
        show_failures(share, progress.lines, os.path.join(share, "console.log"), broke)
    if clean and outcome.status != 0:
        # Every program ended well and yet the machine says no: believe the machine.
        folder = os.path.join(arguments.results, f"{scenario.name}-boot")
        os.makedirs(folder)
        with open(os.path.join(folder, "boot.tally.json"), "w", encoding="utf-8") as file:
            json.dump([{"name": f"boot {scenario.name}", "result": "failed",
                        "detail": outcome.why or f"status {outcome.status}"}], file)
        clean = False
    say(f"VM lab: {scenario.name}: {'ok' if clean else 'FAILED'} "
        f"after {time.monotonic() - began:.0f} s")
    return clean


def parse() -> argparse.Namespace:
    names = [each.name for each in scenarios.SCENARIOS]
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=os.path.join(TREE, "build"))
    parser.add_argument("--results", default=os.path.join(TREE, "build/vm/results"))
    parser.add_argument("--scenario", action="append", choices=names, help="default: all")
    parser.add_argument("--filter", default="", help="expression of names of test programs")
    parser.add_argument("--boots", type=int, default=min(4, (os.cpu_count() or 1) + 1),
                        help="machines at a time (default: one more than processors, four at most)")
    parser.add_argument("--shell", action="store_true", help="a shell inside, on this terminal")
    arguments = parser.parse_args()
    arguments.build = os.path.realpath(arguments.build)
    arguments.results = os.path.abspath(arguments.results)
    if arguments.shell and len(arguments.scenario or []) != 1:
        parser.error("--shell wants exactly one --scenario")
    return arguments


def main() -> int:
    arguments = parse()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_by_signal)
    if re.search(r"\s|,", TREE):
        raise commands.LabError(f"the tree's path must have no space and no comma: {TREE}")
    known = disk.known_programs(arguments.build)
    wanted = [each for each in scenarios.SCENARIOS
              if not arguments.scenario or each.name in arguments.scenario]
    chosen = [(each, scenarios.programs_for(each, known, arguments.filter, TREE))
              for each in wanted]
    if not any(programs for _, programs in chosen):
        raise commands.LabError(f"no test of these scenarios matches \"{arguments.filter}\"")
    images = image.images(say)
    shutil.rmtree(arguments.results, ignore_errors=True)
    # A boot runs one program at a time and keeps one processor busy.
    with concurrent.futures.ThreadPoolExecutor(max_workers=arguments.boots) as pool:
        ended = [pool.submit(run_scenario, images, scenario, programs, arguments)
                 for scenario, programs in chosen if programs]
    return 0 if all([each.result() for each in ended]) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except commands.LabError as error:
        say(f"VM lab: {error}")
        sys.exit(1)
