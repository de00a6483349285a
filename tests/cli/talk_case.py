# SPDX-License-Identifier: Apache-2.0
"""What the tests of sandboxes that talk have in common: jobs of a grader, which decides, and a
contestant, what became of each, what was left behind, and the command line (PROGRAM --cordon
PROGRAM --payload PROGRAM [unittest options]).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)
from host_view import group_folders, processes_with, wait_until  # noqa: E402

IS_ROOT = os.geteuid() == 0
OWNER = 61_842  # of folders that jobs of root write

POLICY = """
extends: "base/compute"
mounts {{ bind {{ source: "{folder}" target: "/payload" }} }}
limits {{ wall_time: "120s" cpu_time: "60s" memory: "64MiB" processes: 8 output: "1MiB" }}
cgroup {{ enforcement: IF_AVAILABLE }}
"""
PYTHON = 'extends: "judge/python" cgroup { enforcement: IF_AVAILABLE } '


class TalkTest(unittest.TestCase):
    cordon = ""   # the program under test
    payload = ""  # what most sandboxes run
    facts = {}    # what `cordon doctor` says of this host

    def setUp(self):
        if not self.facts["user_namespaces"]:
            self.skipTest("needs user namespaces")
        self.folder = tempfile.mkdtemp(prefix="cordon_talk_")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.write(POLICY.format(folder=os.path.dirname(self.payload)), "payload.textproto")
        self.token = f"talk_{os.getpid()}_{self._testMethodName}"
        self.pids = []  # of every `cordon talk`
        self.addCleanup(self.nothing_is_left)

    def nothing_is_left(self):
        self.assertTrue(wait_until(lambda: not processes_with(self.token), 60))
        self.assertEqual([g for pid in self.pids for g in group_folders(pid)], [])

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, text, name):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def sandbox(self, name, *arguments, **more):
        return {"name": name, "policy": "./payload.textproto",
                "argv": ["/payload/payload", *arguments, self.token], **more}

    def python(self, name, policy, script, **more):
        file = os.path.basename(self.write(script, f"{name}.py"))
        return {"name": name, "policy": policy, "argv": ["python3", "/script.py"],
                "bind": [{"source": file, "target": "/script.py"}], **more}

    def pair(self, grader, contestant, **of_job):
        """A job; each side is the payload's arguments, or a whole sandbox."""
        sides = [side if isinstance(side, dict) else self.sandbox(name, *side)
                 for name, side in (("grader", grader), ("contestant", contestant))]
        return {"name": "job", "verdict_of": "grader", "sandbox": sides,
                "connect": [{"from": "grader.stdout", "to": "contestant.stdin"},
                            {"from": "contestant.stdout", "to": "grader.stdin"}], **of_job}

    def start(self, job, *flags):
        jobs = self.write(json.dumps({"job": job if isinstance(job, list) else [job]}),
                          "jobs.json")
        return [self.cordon, "talk", jobs, "--report", self.path("report.json"), *flags]

    def talk(self, job, *flags):
        line = self.start(job, *flags)
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd="/",
                              stderr=subprocess.PIPE, text=True) as run:
            self.pids.append(run.pid)
            out, err = run.communicate(timeout=600)
        return self.report(), subprocess.CompletedProcess(line, run.returncode, out, err)

    def report(self):
        with open(self.path("report.json"), encoding="utf-8") as file:
            return json.load(file)

    def ends(self, report):
        """What became of each sandbox: "EXITED 0", "SIGNALED SIGPIPE", "DEADLOCK"."""
        found = {}
        for each in report["sandbox"]:
            one = each["report"]
            words = [one["verdict"]]
            if one["verdict"] == "EXITED":
                words.append(str(one.get("exit_code", 0)))
            if one["verdict"] == "SIGNALED":
                words.append(one["signal_name"])
            found[each["name"]] = " ".join(words)
        return found

    def expect(self, job, verdict, decided_by, **ends):
        report, done = self.talk(job)
        self.assertEqual((report["verdict"], report["decided_by"]), (verdict, decided_by),
                         (self.ends(report), done.stderr))
        self.assertEqual(self.ends(report), ends)
        return report, done


def main(name) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cordon", required=True)
    parser.add_argument("--payload", required=True)
    arguments, rest = parser.parse_known_args()
    TalkTest.cordon = os.path.abspath(arguments.cordon)
    TalkTest.payload = os.path.abspath(arguments.payload)
    told = subprocess.run([TalkTest.cordon, "doctor", "--format", "json"], capture_output=True,
                          check=False)
    TalkTest.facts = json.loads(told.stdout)["facts"]
    unittest.main(argv=[sys.argv[0], *rest], testRunner=python_results.Runner(name))
