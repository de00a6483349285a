# SPDX-License-Identifier: Apache-2.0
"""The posture of a job under each shipped profile is the recorded one.

Run by ctest: posture_test.py --cordon PROGRAM --payload PROGRAM [unittest options]. What is seen is
described in posture.py, what may differ between hosts in running_job.py (DIFFERENCES), what is
recorded lies in tests/golden/PROFILE.posture.txt. A change of posture is a diff of these files:
  CORDON_GOLDEN=update python3 tests/posture/posture_test.py --cordon build/cordon \
      --payload build/tests/support/payloads/payload      writes them anew; then read the diff
It has to be root, with control groups: what is otherwise on this host is put back.
"""

import difflib
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import python_results  # noqa: E402  (the folder is on the path only now)

import posture  # noqa: E402
import running_job  # noqa: E402
from running_job import RunningJob, have_groups  # noqa: E402

CORDON = ""
PAYLOAD = ""
HOST = {}
UPDATING = os.environ.get("CORDON_GOLDEN") == "update"


def profiles():
    folder = os.path.join(running_job.ROOT, "profiles")
    return sorted(os.path.relpath(os.path.join(where, name), folder)[:-len(".textproto")]
                  for where, _, names in os.walk(folder) for name in names
                  if name.endswith(".textproto"))


def difference(wanted, found):
    """Empty when both are the same lines in any order."""
    return "\n".join(difflib.unified_diff(sorted(wanted), sorted(found), "recorded", "seen", n=0,
                                          lineterm=""))


class PostureTest(running_job.PolicyTest):
    def setUp(self):
        self.prepare(HOST)

    def lines_of(self, profile, *more):
        policy = self.policy(profile, HOST, *more)
        with RunningJob(CORDON, PAYLOAD, policy, HOST, f"token_{os.getpid()}_{self.id()}") as job:
            if not job.ready():
                self.fail(job.stopped_errors())
            return job.lines()


class Golden(PostureTest):
    def test_every_profile_has_the_recorded_posture(self):
        for profile in profiles():
            with self.subTest(profile):
                found = self.lines_of(profile)
                if UPDATING:
                    self.update(profile, found)
                golden = running_job.recorded(profile)
                wanted = running_job.expected_here(golden, profile, HOST)
                changed = difference(wanted, found)
                self.assertFalse(changed, "\n" + changed)

    def update(self, profile, found):
        self.assertTrue(running_job.IS_ROOT and have_groups(HOST), "record as root, with groups")
        lines = running_job.as_recorded(found, profile, HOST)
        with open(running_job.golden_path(profile), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def test_every_profile_is_recorded_and_nothing_else(self):
        folder = os.path.join(running_job.ROOT, "tests/golden")
        found = sorted(name for name in os.listdir(folder) if name.endswith(".posture.txt"))
        self.assertEqual(found, sorted(os.path.basename(running_job.golden_path(profile))
                                       for profile in profiles()))

    def test_each_difference_between_hosts_is_of_a_recorded_line(self):
        recorded = [(line, profile) for profile in profiles()
                    for line in running_job.recorded(profile)]
        for each in running_job.DIFFERENCES:
            with self.subTest(each.recorded):
                self.assertTrue(any(running_job.matches(each, *row) for row in recorded))
                self.assertGreater(len(each.reason.split()), 2)

    def test_no_field_of_this_kernel_is_unjudged(self):
        fields = posture.unjudged_fields(os.getpid())
        if fields:
            self.skipTest(f"needs a judgement in posture.py on fields of this kernel: {fields}")


# What must be seen when one layer is off: the beginning of a line that is another one then.
ABLATIONS = (
    ("seccomp { enforcement: OFF }", ("status Seccomp:", "status Seccomp_filters:")),
    ("limits { enforcement: OFF }", ("limits Max open files:", "limits Max core file size:")),
    ("capabilities { enforcement: OFF }", ("status CapBnd:",)),
    ("network { enforcement: OFF }", ("namespaces net:",)),
    ("network { mode: LOOPBACK }", ("network device lo:",)),
    ("cgroup { enforcement: OFF }", ("group of memory:",)),
    ("apparmor { enforcement: OFF }", ("apparmor label:",)),
    ('mounts { tmpfs { target: "/more" size: "1MiB" } }', ("mounts /more:",)),
    ('environment { name: "MORE" value: "1" }', ("environment MORE:",)),
    ('working_directory: "/tmp"', ("process working directory:",)),
)


class Control(PostureTest):
    """The comparison notices what it is for."""

    def test_each_layer_that_is_off_is_seen(self):
        usual = self.lines_of("judge/cpp")
        for text, heads in ABLATIONS:
            with self.subTest(text):
                layer = text.partition(" ")[0]
                if layer == "cgroup" and not have_groups(HOST):
                    continue  # off already
                if layer == "apparmor" and "(enforce)" not in "".join(usual):
                    continue
                changed = set(self.lines_of("judge/cpp", text)) ^ set(usual)
                for head in heads:
                    self.assertTrue(any(line.startswith(head) for line in changed),
                                    f"{head} is the same; changed: {sorted(changed)}")

    def test_an_unconfined_process_shares_almost_nothing_with_a_job(self):
        job = self.lines_of("judge/cpp")
        with subprocess.Popen([PAYLOAD, "posture"], stdout=subprocess.PIPE) as process:
            try:
                self.assertEqual(os.read(process.stdout.fileno(), 6), b"ready\n")
                observer = posture.Observer(os.getpid(), os.getpid(),
                                            HOST["cgroup_mode"] == "CGROUP_V2")
                bare = set(posture.of_process(process.pid, observer))
            finally:
                process.kill()
        for line in job:
            section = line.split()[0]
            if section in ("namespaces", "mounts", "inside") and "the caller's" not in line:
                self.assertNotIn(line, bare)
        for line in ("status NoNewPrivs: 1", "status Seccomp: 2", "status CapBnd: 0000000000000000",
                     "process number inside: 3", "process parent: cordon-init",
                     "process leads its session and group: True",
                     "process out-of-memory score: 1000", "ids uid_map: 1000 is its id, one"):
            self.assertIn(line, job)
            if line != "status CapBnd: 0000000000000000" or running_job.IS_ROOT:
                self.assertNotIn(line, bare)


def main():
    global CORDON, PAYLOAD, HOST  # pylint: disable=global-statement
    CORDON, PAYLOAD, HOST, rest = running_job.arguments()
    unittest.main(argv=[sys.argv[0], *rest], testRunner=python_results.Runner("posture"))


if __name__ == "__main__":
    main()
