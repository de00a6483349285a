# SPDX-License-Identifier: Apache-2.0
"""`cordon doctor` against what a real run on the same host says.

Run by ctest: doctor_cli_test.py --cordon PROGRAM [unittest options].
"""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import command_line


CORDON = ""
NOBODY = 65534
POLICIES = ["base/strict", "judge/cpp", "ci/cmake"]
# From good to bad: a row is as good as the worst of the trials.
WORSE = ["LAYER_OFF", "ENFORCED_PROBED", "ENFORCED_VERIFIED", "ENFORCED_UNREADABLE", "UNAVAILABLE"]


def doctor(*arguments, program=None, **more):
    return subprocess.run([program or CORDON, "doctor", *arguments], capture_output=True,
                          text=True, check=False, stdin=subprocess.DEVNULL, **more)


def examined(program=None, **more):
    done = doctor("--format=json", program=program, **more)
    return done.returncode, json.loads(done.stdout)


def real_run(policy):
    """The report of a job that somebody else than doctor starts."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        subprocess.run([CORDON, "run", "--policy", policy, "--report", report, "--",
                        "/usr/bin/true"], capture_output=True, check=False)
        with open(report, encoding="utf-8") as file:
            return json.load(file)


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.status, cls.said = examined()

    def test_there_is_one_row_per_layer_and_each_is_whole(self):
        said = self.said
        names = [row["layer"] for row in said["layers"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertTrue({"namespaces", "userns", "mount", "cgroup", "net", "rlimit", "caps",
                         "landlock", "seccomp", "process"} <= set(names))
        for row in said["layers"]:
            with self.subTest(row["layer"]):
                self.assertEqual(set(row), {"layer", "available", "engaged", "verified", "state",
                                            "confirmed_by", "detail", "todo"})
                self.assertEqual(row["todo"] == "", row["available"])
                if row["verified"]:
                    self.assertTrue(row["engaged"] and row["confirmed_by"])

    def test_the_rows_are_those_of_a_real_run(self):
        said = self.said
        rows = {row["layer"]: row for row in said["layers"]}
        report = real_run("base/strict")
        if report["verdict"] != "EXITED":
            self.assertFalse(said["trial"])
            self.assertFalse(rows[report["error"]["layer"]]["available"])
            return
        self.assertLessEqual({layer["layer"] for layer in report["layers"]}, set(rows))
        states = {name: [] for name in rows}
        for policy in POLICIES:
            for layer in real_run(policy).get("layers", ()):
                states[layer["layer"]].append(layer["state"])
        for name, row in rows.items():
            if len(states[name]) == len(POLICIES):
                self.assertEqual(row["state"], max(states[name], key=WORSE.index), name)

    def test_the_exit_status_is_that_of_the_trials(self):
        status, said = self.status, self.said
        self.assertEqual([trial["policy"] for trial in said["trials"]], POLICIES)
        ran = [real_run(policy)["verdict"] == "EXITED" for policy in POLICIES]
        self.assertEqual([trial["ran"] for trial in said["trials"]], ran)
        self.assertEqual(said["trial"], all(ran))
        self.assertEqual(status, 0 if all(ran) else 1)

    def test_the_text_names_every_layer_and_the_outcome(self):
        done = doctor()
        said = self.said
        for row in said["layers"]:
            self.assertRegex(done.stdout, rf"(?m)^  {row['layer']} +(yes|no) +(yes|no) +(yes|no) ")
        for policy in POLICIES:
            self.assertIn(f"trial job under {policy}: ", done.stdout)
        self.assertEqual("run in full here" in done.stdout and "NOT" not in done.stdout,
                         said["trial"])

    def test_help_says_what_in_full_means(self):
        self.assertIn("every layer that they REQUIRE", doctor("--help").stdout)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to become a user without a group")
    def test_a_user_without_a_group_is_told_what_to_type_and_the_rest_is_tried(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            program = shutil.copy(CORDON, folder)  # the build may lie where nobody may look
            status, said = examined(program, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
        self.assertEqual(status, 1)
        self.assertFalse(said["trial"])
        rows = {row["layer"]: row for row in said["layers"]}
        self.assertFalse(rows["cgroup"]["available"])
        self.assertFalse(rows["cgroup"]["engaged"])
        self.assertRegex(rows["cgroup"]["todo"], r"systemd-run |as root: |mount ")
        if said["facts"]["user_namespaces"]:
            for name in ("namespaces", "userns", "mount", "seccomp", "process"):
                self.assertTrue(rows[name]["engaged"], rows[name])


def main():
    global CORDON  # pylint: disable=global-statement
    CORDON = command_line.take("cordon").cordon
    command_line.run("doctor_cli")


if __name__ == "__main__":
    main()
