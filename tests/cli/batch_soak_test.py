# SPDX-License-Identifier: Apache-2.0
"""Many jobs of every kind through one `cordon batch`: what it holds while it runs does not grow,
and nothing is left afterwards.

Run by ctest: batch_soak_test.py --cordon PROGRAM [unittest options]. CORDON_TEST_SOAK=167 makes it
10,000 jobs and 20 kills.
"""

import json
import os
import random
import subprocess
import time

import batch_case
from batch_case import SOAK, BatchTest

JOBS = int(60 * SOAK)
KILLS = max(4, min(20, int(20 * SOAK / 3)))

# Script, further fields, expectation; a set-up that fails is never good.
UNFIT = {"bind": [{"source": "missing", "target": "/missing"}]}
KINDS = (
    ("exit 0", {}, {}),
    ("exit 3", {}, {"exit_code": 3}),
    ("kill -SEGV $$", {}, {"verdict": "SIGNALED"}),
    ("while :; do :; done", {"limits": {"cpu_time": "60ms"}}, {"verdict": "CPU_LIMIT"}),
    ("yes", {"limits": {"output": "4KiB"}}, {"verdict": "OUTPUT_LIMIT"}),
    ("exec tail /dev/zero", {"limits": {"memory": "8MiB"}}, {"verdict": "MEMORY_LIMIT"}),
    ("sleep 100", {"limits": {"wall_time": "80ms"}}, {"verdict": "WALL_LIMIT"}),
    # Daemons and children that nobody waits for.
    ("sleep 100 & setsid sleep 100 & (setsid sleep 100 &); exit 0", {}, {}),
    ("for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; exit 1",
     {"limits": {"processes": 4}}, {"verdict": "PROCESS_LIMIT"}),
    ("", UNFIT, {}),
)


def holding(pid):
    """Descriptors and resident KiB of a process; None when it is gone."""
    try:
        count = len(os.listdir(f"/proc/{pid}/fd"))
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            lines = dict(line.split(":", 1) for line in file if ":" in line)
        return count, int(lines["VmRSS"].split()[0])
    except (OSError, KeyError):
        return None


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return sorted(line for line in file)


def essence(report):
    """A report without what differs from run to run: times, counters, groups."""
    found = []
    for each in report["result"]:
        job = each.get("report", {})
        found.append((each["name"], each["outcome"], job.get("verdict"), job.get("exit_code"),
                      job.get("signal_name")))
    return found


class Soak(BatchTest):
    maxDiff = None

    def setUp(self):
        super().setUp()
        order = random.Random(JOBS)
        kinds = [KINDS[i % len(KINDS)] for i in range(JOBS)]
        order.shuffle(kinds)
        self.unfit = sum(more == UNFIT for _, more, _ in kinds)
        self.kind_of = {f"j{i}": script for i, (script, _, _) in enumerate(kinds)}
        # Lines: a list of that many jobs is longer than a text may be.
        self.write("".join(self.entry(f"j{i}", script, expect=expect, **more)
                           for i, (script, more, expect) in enumerate(kinds)), "jobs.jsonl")
        self.temporary = self.path("tmp")
        os.mkdir(self.temporary)
        self.environment = dict(os.environ, TMPDIR=self.temporary)

    def start(self, *flags, out=subprocess.DEVNULL):
        return subprocess.Popen(
            [self.cordon, "batch", self.path("jobs.jsonl"), "--jobs", "2", "--quiet", *flags],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True,
            env=self.environment)

    def watch(self, run, results=None):
        """What it holds, to its end; from its first result in that file."""
        seen = []
        while run.poll() is None:
            now = holding(run.pid)
            if now is not None and (results is None or os.path.getsize(results) > 0):
                seen.append(now)
            time.sleep(0.05)
        self.assertGreater(len(seen), 10)
        return seen

    def load(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return json.load(file)

    def test_nothing_grows_and_nothing_is_left(self):
        before = mounts()
        with open(self.path("lines"), "w", encoding="utf-8") as lines:
            with self.start("--format", "json", out=lines) as run:
                seen = self.watch(run, self.path("lines"))
                complaints = run.stderr.read()
        with open(self.path("lines"), encoding="utf-8") as lines:
            results = [json.loads(line) for line in lines]
        bad = [each for each in results if each["outcome"] != "GOOD"]
        why = {f'{self.kind_of[each["name"]]}: {each.get("why")}' for each in bad
               if each["report"]["verdict"] != "SETUP_FAILED"}
        self.assertEqual((run.returncode, why), (1, set()), complaints)
        self.assertEqual((len(results), len(bad)), (JOBS, self.unfit))
        # The first fifth shows what a batch holds. It knows every job, and keeps no result.
        first = seen[:len(seen) // 5 + 1]
        self.assertLessEqual(max(count for count, _ in seen), max(c for c, _ in first) + 3)
        grown = max(memory for _, memory in seen) - max(memory for _, memory in first)
        self.assertLess(grown, 8 * 1024 + 2 * JOBS, "KiB")
        self.assertEqual(mounts(), before)
        self.assertEqual(os.listdir(self.temporary), [])

    def test_killed_and_resumed_it_gives_the_same_report(self):
        began = time.monotonic()
        with self.start("--report", self.path("plain.json")) as run:
            seen = self.watch(run)
            self.assertEqual(run.wait(), 1, run.stderr.read())
        # For the report it keeps each result, and makes the text of one at a time.
        self.assertLess(max(memory for _, memory in seen), 64 * 1024 + 32 * JOBS, "KiB")
        took = time.monotonic() - began
        journal = ("--journal", self.path("journal"))
        killed = 0
        for _ in range(KILLS):
            with self.start(*journal) as run:
                time.sleep(random.uniform(0, 2 * took / KILLS))
                killed += run.poll() is None
                run.kill()
        self.assertGreater(killed, 0)
        with self.start(*journal, "--report", self.path("resumed.json")) as run:
            self.assertEqual(run.wait(), 1, run.stderr.read())
        self.assertEqual(essence(self.load("resumed.json")), essence(self.load("plain.json")))
        # What was killed has its groups swept by the next job.
        subprocess.run([self.cordon, "run", "--policy", "base/compute", "--", "true"], check=True)
        self.assertEqual(os.listdir(self.temporary), [])


if __name__ == "__main__":
    batch_case.main("batch_soak")
