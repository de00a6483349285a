# SPDX-License-Identifier: Apache-2.0
"""The inside of the VM lab: guest.py init (as the first process) or guest.py run (from systemd).

Reads /lab/plan.json, prepares control groups and the user's place, runs each program as each user
that the plan names, and leaves on /lab: one line per program in status.jsonl, and per user the
output and GoogleTest's XML. Ends the machine with its exit status on the debug port. Needs only
Python's standard library; plan and results are described in README.md beside this file.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import Dict

import guest_groups

LAB = "/lab"
WORK = "/run/lab"
DEBUG_PORT = 0x501
USER_ID = 1000
MAX_LOG = 1 << 20


def note(text: str) -> None:
    print(f"lab: {text}", flush=True)


def end_machine(status: int) -> None:
    os.sync()
    with open("/dev/port", "wb", buffering=0) as port:
        port.seek(DEBUG_PORT)
        port.write(bytes([status]))
    time.sleep(60)  # it never gets here


def environment_of(who: str, plan, cases: str) -> Dict[str, str]:
    home = "/root" if who == "root" else "/home/tester"
    values = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home,
              "USER": "root" if who == "root" else "tester", "LANG": "C.UTF-8",
              "GTEST_OUTPUT": f"xml:{cases}/", "GTEST_COLOR": "no",
              "CORDON_VM_SCENARIO": plan["scenario"]}
    if who != "root" and plan["systemd"]:
        values["XDG_RUNTIME_DIR"] = f"/run/user/{USER_ID}"
        values["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path=/run/user/{USER_ID}/bus"
    values.update(plan["environment"])
    return values


def become(who: str) -> None:
    """Between fork and exec: the unprivileged user, without groups and capabilities."""
    if who != "root":
        os.setgroups([])
        os.setresgid(USER_ID, USER_ID, USER_ID)
        os.setresuid(USER_ID, USER_ID, USER_ID)


def run_program(program, who: str, plan, group, cases: str):
    """One program to its end or to its time limit; gives what goes into status.jsonl."""
    folder = os.path.join(LAB, who)
    began = time.monotonic()
    output = os.path.join(WORK, "output")
    with open(output, "wb") as log:
        def prepare():
            group.enter()
            become(who)

        process = subprocess.Popen(group.command(program["command"]), stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, cwd=program["cwd"],
                                   env=environment_of(who, plan, cases), preexec_fn=prepare,
                                   start_new_session=True)
        timed_out = False
        try:
            status = process.wait(timeout=program["timeout"])
        except subprocess.TimeoutExpired:
            timed_out = True
            group.kill()
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
    left = group.members()
    group.kill()
    with open(output, "rb") as source:
        text = source.read(MAX_LOG)
    with open(os.path.join(folder, f"{program['name']}.log"), "wb") as target:
        target.write(text)
    xml = os.path.join(cases, f"{program['xml']}.xml")
    if os.path.exists(xml):
        shutil.copyfile(xml, os.path.join(folder, "cases", f"{program['name']}.xml"))
        os.unlink(xml)
    return {"who": who, "name": program["name"], "status": status, "timed_out": timed_out,
            "left": left, "seconds": round(time.monotonic() - began, 1)}


def run_all(plan) -> int:
    failed = 0
    deadline = time.monotonic() + plan["seconds"]
    with open(os.path.join(LAB, "status.jsonl"), "a", encoding="utf-8") as results:
        for who in plan["who"]:
            cases = os.path.join(WORK, who, "cases")
            os.makedirs(cases)
            os.makedirs(os.path.join(LAB, who, "cases"))
            if who != "root":
                os.chown(cases, USER_ID, USER_ID)
            for number, program in enumerate(plan["programs"]):
                if who not in program["who"]:
                    continue
                if time.monotonic() > deadline:
                    note("the time of this boot is used up")
                    return 1
                group = guest_groups.make(plan["cgroup"], who, number, program["plain"])
                result = run_program(program, who, plan, group, cases)
                group.remove()
                failed += result["status"] != 0 or bool(result["left"])
                results.write(json.dumps(result) + "\n")
                results.flush()
                note(f"{who} {program['name']}: {result['status']} in {result['seconds']} s")
    return 1 if failed else 0


def wait_for_user_manager() -> None:
    path = f"/run/user/{USER_ID}/bus"
    for _ in range(600):
        if os.path.exists(path):
            return
        time.sleep(0.1)
    raise RuntimeError(f"no {path}: the user's service manager did not start")


def run() -> int:
    with open(os.path.join(LAB, "plan.json"), encoding="utf-8") as file:
        plan = json.load(file)
    note(f"up, scenario {plan['scenario']}")
    os.makedirs(WORK, exist_ok=True)
    if plan["systemd"]:
        wait_for_user_manager()
    else:
        if os.path.isdir("/sys/kernel/security"):
            subprocess.run(["mount", "-t", "securityfs", "securityfs", "/sys/kernel/security"],
                           check=True)
        guest_groups.prepare(plan["cgroup"])
    if plan["shell"]:
        note("a shell on the serial port; leave it to end the machine")
        with open("/dev/ttyS0", "r+b", buffering=0) as console:
            subprocess.run(["/bin/bash", "-l"], stdin=console, stdout=console, stderr=console,
                           start_new_session=True, check=False, cwd=plan["tree"],
                           preexec_fn=lambda: _own_terminal(console))
        return 0
    return run_all(plan)


def _own_terminal(console) -> None:
    import fcntl  # pylint: disable=import-outside-toplevel
    import termios  # pylint: disable=import-outside-toplevel
    fcntl.ioctl(console, termios.TIOCSCTTY, 1)


def init() -> None:
    """The first process: reaps whatever is orphaned until the runner has ended."""
    runner = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__), "run"])
    while True:
        pid, _ = os.wait()
        if pid == runner.pid:
            break
    end_machine(1)  # the runner ends the machine itself; if it could not, that is a failure


def main() -> None:
    if sys.argv[1] == "init":
        init()
    status = 1
    try:
        status = run()
    except Exception as error:  # pylint: disable=broad-except
        note(f"the runner failed: {error!r}")
    end_machine(status)


if __name__ == "__main__":
    main()
