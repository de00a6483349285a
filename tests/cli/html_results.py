# SPDX-License-Identifier: Apache-2.0
"""Results of batches, made up for the tests of their page: as `cordon batch` writes them.

Entry points: job, mixed, many, hostile.
"""

import json
import math
import random
from typing import Any, Dict, List

LAYERS = (("namespaces", "ENFORCED_VERIFIED", "/proc/PID/ns", "user mnt pid net ipc uts"),
          ("ids", "ENFORCED_VERIFIED", "/proc/PID/uid_map", "one id"),
          ("mounts", "ENFORCED_VERIFIED", "/proc/PID/mountinfo", "19 mounts"),
          ("cgroup", "ENFORCED_VERIFIED", "memory.limit_in_bytes, pids.max", "v1"),
          ("rlimits", "ENFORCED_VERIFIED", "prlimit", ""),
          ("caps", "ENFORCED_VERIFIED", "/proc/PID/status", ""),
          ("landlock", "ENFORCED_PROBED", "a twin of the job", "ABI 2"),
          ("seccomp", "ENFORCED_PROBED", "a twin of the job", "214 instructions"),
          ("apparmor", "UNAVAILABLE", "", "this kernel has no AppArmor"))
STEPS = ("Probe", "Compile", "Clone", "MapIds", "Mounts", "Cgroup", "Limits", "Verify", "Twin",
         "Exec")
LIMITS = {"wall_time": "6s", "cpu_time": "2s", "memory": "128MiB", "swap": "0", "processes": 64,
          "output": "16MiB", "file_size": "64MiB"}


def seconds(value: float) -> str:
    return f"{value:.6f}s"


def timeline(cpu: float, wall: float, memory: int, count: int = 60) -> Dict[str, Any]:
    """Memory rises to its peak at two thirds, then falls a little; the load is steady. As in real
    ones the first sample has seen a start that took time, and one comes right after another."""
    samples = []
    start = {"offset": "0.000001s", "cpu_time": seconds(cpu * 0.1), "memory_bytes": "4096"}
    for at in range(count):
        part = at / (count - 1)
        shape = min(1.0, part * 1.5) * (1 - 0.3 * max(0.0, part - 0.67))
        samples.append({"offset": seconds(part * wall),
                        "cpu_time": seconds(cpu * (0.1 + 0.9 * part)),
                        "memory_bytes": str(int(memory * shape)), "pids": 1 + (at % 7 == 3)})
        if at == count // 2:
            samples.append({**samples[-1], "offset": seconds(part * wall + 2e-6),
                            "cpu_time": seconds(cpu * (0.1 + 0.9 * part) + 1e-3)})
    samples[0].update(start)
    return {"interval": seconds(wall / count), "asked_interval": seconds(wall / count),
            "sample": samples}


def job(name: str, outcome: str = "GOOD", verdict: str = "EXITED", cpu: float = 0.1,
        wall: float = 0.15, memory: int = 12 << 20, **more) -> Dict[str, Any]:
    report = {"verdict": verdict, "policy": "judge/cpp", "cordon_version": "0.1.0",
              "kernel_release": "6.1.0-test", "limits": LIMITS,
              "evidence": [{"name": "wait.status", "observed": "0", "source": "waitid"}],
              "usage": {"cpu_time": seconds(cpu), "user_time": seconds(cpu * 0.9),
                        "system_time": seconds(cpu * 0.1), "wall_time": seconds(wall),
                        "memory_peak_bytes": str(memory), "pids_peak": 2, "output_bytes": "4096"},
              "layers": [dict(zip(("layer", "state", "confirmed_by", "detail"), layer))
                         for layer in LAYERS],
              "steps": [{"name": step, "duration_ns": str(40_000 + 97_000 * at)}
                        for at, step in enumerate(STEPS)]}
    why = more.pop("why", "")
    report.update(more)
    return {"name": name, "outcome": outcome, "why": why, "report": report}


def mixed() -> List[Dict[str, Any]]:
    """One of each kind, and courses."""
    jobs = [job("compile", policy="compile/cpp", cpu=0.9, wall=1.1, memory=96 << 20,
                timeline=timeline(0.9, 1.1, 96 << 20))]
    for at in range(18):
        cpu = 0.02 * 1.25 ** at
        jobs.append(job(f"case/{at:02d}", cpu=cpu, wall=cpu * 1.2 + 0.01, memory=(9 + at) << 20,
                        timeline=timeline(cpu, cpu * 1.2, (9 + at) << 20, 20 + at)))
    jobs.append(job("case/loop", verdict="CPU_LIMIT", cpu=2.003, wall=2.1, evidence=[
        {"name": "timer.cpu", "observed": "2.003s", "limit": "2s", "source": "cpuacct.usage"}]))
    jobs.append(job("case/memory", "BAD", "MEMORY_LIMIT", 0.4, 0.5, 128 << 20,
                    why="MEMORY_LIMIT, expected EXITED; cgroup.memory.oom_kill 1 of 0",
                    timeline=timeline(0.4, 0.5, 128 << 20),
                    evidence=[{"name": "cgroup.memory.oom_kill", "observed": "1", "limit": "0",
                               "source": "memory.oom_control"},
                              {"name": "cgroup.memory_peak", "observed": str(128 << 20),
                               "limit": str(128 << 20), "source": "memory.max_usage_in_bytes"}]))
    jobs.append(job("case/crash", "BAD", "SIGNALED", signal=11, signal_name="SIGSEGV",
                    why="SIGNALED, expected EXITED; wait.status 139"))
    jobs.append(job("case/exit", "BAD", exit_code=3, why="exit code 3, expected 0"))
    jobs.append(job("case/socket", "BAD", "SYSCALL_VIOLATION",
                    why="SYSCALL_VIOLATION, expected EXITED; seccomp.call socket",
                    violation={"call": "socket", "architecture": "x86_64", "number": 41,
                               "words": "socket(AF_INET=2, 1, 0)", "decided_by": "seccomp",
                               "allow_with": "seccomp {\n  rule { calls: \"socket\" }\n}",
                               "allow_note": ["lets every process reach the network stack"]}))
    jobs.append(job("case/denied", "BAD", exit_code=1, why="exit code 1, expected 0",
                    denial=[{"layer": "apparmor", "operation": "open", "object": "/data/secret",
                             "requested": "r", "count": "2", "process": "cat",
                             "profile": "cordon-p-0123456789abcdef",
                             "decided_by": "landlock.file[0].access",
                             "allow_with": "landlock { file { path: \"/data\" access: WRITE } }",
                             "allow_note": ["a lint's word"]}],
                    denials_unknown=["apparmor: the log takes few lines at a time"]))
    jobs.append({"name": "setup", "outcome": "BAD", "why": "mounts.bind[0]: ENOENT", "report": {
        "verdict": "SETUP_FAILED", "policy": "judge/cpp", "setup_only": True,
        "error": {"stage": "prepare", "policy_field": "mounts.bind[0]", "syscall": "open_tree",
                  "object": "/missing", "errno_value": 2, "message": "a source is not there",
                  "hint": "make it, or mark the bind optional"}}})
    jobs.append({"name": "later", "outcome": "SKIPPED", "why": "comes after case/crash"})
    jobs.append({"name": "never"})
    return jobs


def many(count: int) -> List[Dict[str, Any]]:
    chance = random.Random(7)
    jobs = []
    for at in range(count):
        cpu = 0.05 * math.exp(chance.gauss(0, 0.9))
        bad = at % 400 == 17
        jobs.append(job(f"group-{at % 50:02d}/case-{at:05d}", "BAD" if bad else "GOOD",
                        "WALL_LIMIT" if bad else "EXITED", cpu, cpu + 0.02,
                        int(8e6 * (1 + chance.random())),
                        why="WALL_LIMIT, expected EXITED" if bad else "",
                        timeline=timeline(cpu, cpu + 0.02, 9 << 20, 12)))
    return jobs


HOSTILE = ("</script><img src=x onerror=window.pwned=1>",
           "<!--<script>window.pwned=2</script>",
           "\"><svg onload=window.pwned=3>",
           "'-(window.pwned=4)-'",
           "</title><script>window.pwned=5</script>",
           "{{constructor.constructor('window.pwned=6')()}}",
           "\u2028window.pwned=7;\u2029//",
           "]]><iframe srcdoc='<script>parent.pwned=8</script>'>",
           "javascript:window.pwned=9",
           "\u202egnp.exe\u0000\u001b[31m&lt;b&gt;&amp;")


def hostile() -> List[Dict[str, Any]]:
    """Every text that a job can have a say in, and those that it cannot, is an attack."""
    jobs = []
    for words in HOSTILE:
        jobs.append(job(words, "BAD", "EXITED", why=words, exit_code=1, policy=words,
                        signal_name=words, widened=[words], skipped=[words],
                        decided_by=words, timeline=timeline(0.1, 0.2, 1 << 20),
                        evidence=[{"name": words, "observed": words, "limit": words,
                                   "source": words}],
                        layers=[{"layer": words, "state": "ENFORCED_VERIFIED",
                                 "confirmed_by": words, "detail": words}],
                        steps=[{"name": words, "duration_ns": "5"}],
                        notified_call=[{"call": words, "argument": [words],
                                        "architecture": words, "count": "3"}],
                        violation={"words": words, "decided_by": words, "allow_with": words,
                                   "allow_note": [words], "architecture": words},
                        denial=[{"layer": words, "operation": words, "object": words,
                                 "requested": words, "count": "2", "process": words,
                                 "decided_by": words, "allow_with": words,
                                 "allow_note": [words]}],
                        denials_unknown=[words],
                        error={"message": words, "hint": words, "object": words}))
    jobs.append(job("__proto__"))
    jobs.append(job("constructor", policy="toString"))
    return jobs


def write_lines(path: str, jobs: List[Dict[str, Any]]) -> str:
    with open(path, "w", encoding="utf-8") as file:
        for each in jobs:
            file.write(json.dumps(each) + "\n")
    return path
