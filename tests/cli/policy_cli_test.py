# SPDX-License-Identifier: Apache-2.0
"""The verbs of `cordon` that only talk about policies: check, explain, diff, profiles.

Run by ctest: policy_cli_test.py --cordon PROGRAM [unittest options]. Nothing is sandboxed here.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import command_line


CORDON = ""


class PolicyTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cordon_policy_")
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def cordon(self, *arguments):
        return subprocess.run([CORDON, *arguments], capture_output=True, text=True, check=False,
                              cwd=self.folder)


class Verbs(PolicyTest):
    def test_one_that_does_not_exist_is_named_with_those_that_do(self):
        done = self.cordon("rnu", "--", "ls")
        self.assertEqual(done.returncode, 125)
        self.assertRegex(done.stderr, r'^cordon: there is no verb "rnu"; there are run, check, ')
        self.assertIn(r'\033[31m', self.cordon("\x1b[31m").stderr)  # data, not colour
        self.assertEqual(self.cordon("--version").returncode, 0)
        self.assertIn("SUBCOMMAND", self.cordon("--help").stdout)


class Diff(PolicyTest):
    def test_a_policy_allows_nothing_that_it_does_not(self):
        done = self.cordon("diff", "judge/cpp", "judge/cpp")
        self.assertEqual(done.returncode, 0)
        self.assertIn("allows nothing that judge/cpp does not", done.stdout)

    def test_a_widening_is_exit_1_with_a_sentence_and_its_place(self):
        self.file("more.textproto", 'extends: "judge/cpp"\n'
                                    'mounts { bind { source: "/srv/data" target: "/data" } }\n'
                                    'limits { memory: "1GiB" }\n')
        done = self.cordon("diff", "judge/cpp", "more.textproto")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"mount +may read /data, the host's /srv/data  "
                                      r"\[mounts.bind\[\d+\], more.textproto:2:\d+\]")
        self.assertIn("memory: 1GiB, was 512MiB  [limits.memory, more.textproto:3:", done.stdout)
        self.assertEqual(self.cordon("diff", "more.textproto", "judge/cpp").returncode, 0)

    def test_json_is_for_machines(self):
        done = self.cordon("diff", "--format=json", "base/strict", "base/compute")
        self.assertEqual(done.returncode, 1)
        report = json.loads(done.stdout)
        self.assertEqual(report["before"], "base/strict")
        layers = {each["layer"] for each in report["widening"]}
        self.assertLessEqual({"mount", "cgroup", "seccomp"}, layers)

    def test_what_cannot_be_read_is_no_verdict(self):
        bad = self.file("bad.textproto", "limits { memory: 5 }\n")
        for pair in (("judge/cpp", bad), (bad, "judge/cpp"), ("judge/cpp", "nothing/here")):
            done = self.cordon("diff", *pair)
            self.assertEqual(done.returncode, 125, pair)
            self.assertIn("cordon: ", done.stderr)
            self.assertEqual(done.stdout, "")


class Compile(PolicyTest):
    def test_the_same_policy_gives_the_same_bytes_and_their_name(self):
        first = self.cordon("compile", "base/strict", "-o", "a.plan")
        if first.returncode != 0 and "cgroup" in first.stderr:
            self.skipTest("needs memory and pids controllers")
        self.assertEqual(first.returncode, 0, first.stderr)
        second = self.cordon("compile", "base/strict", "-o", "b.plan")
        with open(os.path.join(self.folder, "a.plan"), "rb") as file:
            content = file.read()
        with open(os.path.join(self.folder, "b.plan"), "rb") as file:
            self.assertEqual(file.read(), content)
        name = hashlib.sha256(content).hexdigest()
        self.assertEqual(first.stderr, f"{name}  a.plan\n")
        self.assertEqual(second.stderr, f"{name}  b.plan\n")

    def test_text_json_and_the_filter(self):
        text = self.cordon("compile", "base/strict")
        if text.returncode != 0 and "cgroup" in text.stderr:
            self.skipTest("needs memory and pids controllers")
        self.assertIn('name: "base/strict"', text.stdout)
        plan = json.loads(self.cordon("compile", "base/strict", "--format=json").stdout)
        self.assertEqual(plan["name"], "base/strict")
        listing = self.cordon("compile", "base/strict", "--format=filter").stdout
        self.assertTrue(listing.startswith("0000: a = architecture\n"))
        self.assertIn("; execve", listing)

    def test_errors_name_their_place(self):
        bad = self.file("bad.textproto", "limits { memory: 5 }\n")
        done = self.cordon("compile", bad)
        self.assertEqual(done.returncode, 125)
        self.assertIn("bad.textproto:1:", done.stderr)
        good = self.file("good.textproto",
                         'extends: "base/strict" cgroup { enforcement: IF_AVAILABLE }\n')
        done = self.cordon("compile", good, "-o", "no/such/folder/x")
        self.assertEqual(done.returncode, 125)
        self.assertIn("no/such/folder/x", done.stderr)


class AppArmor(PolicyTest):
    def test_explain_prints_the_profile_of_a_policy(self):
        done = self.cordon("explain", "base/strict", "--apparmor")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("\nprofile cordon-base-strict flags=", done.stdout)
        self.assertNotIn("userns", done.stdout)
        done = self.cordon("explain", "base/strict", "--apparmor", "--apparmor-abi", "4.0")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("  audit deny userns,\n", done.stdout)

    def test_wrong_flags_and_policies_print_no_profile(self):
        for flags in (["base/strict", "--apparmor-abi", "4.0"], ["no/such", "--apparmor"],
                      ["base/strict", "--apparmor", "--apparmor-abi", "2.0"]):
            done = self.cordon("explain", *flags)
            self.assertEqual((done.returncode, done.stdout), (125, ""), flags)
            self.assertNotEqual(done.stderr, "", flags)

    def test_what_it_cannot_express_names_its_place(self):
        inner = "/w/s/" + "/".join(["x" * 250] * 8)
        self.file("deep.textproto", 'extends: "base/strict"\nmounts {\n'
                                    '  tmpfs { target: "/w" size: "1MiB" }\n'
                                    '  bind { source: "/usr" target: "/w/s" }\n'
                                    f'  tmpfs {{ target: "{inner}" size: "1MiB" }}\n}}\n')
        done = self.cordon("explain", "deep.textproto", "--apparmor")
        self.assertEqual((done.returncode, done.stdout), (125, ""))
        self.assertIn("deep.textproto:4:3", done.stderr)
        self.assertIn("the paths are too long", done.stderr)


class Documentation(PolicyTest):
    """The examples of the manuals are policies, or lists of jobs; a policy without a base stands on
    judge/cpp."""

    def test_every_example_is_a_policy(self):
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        examples = 0
        for manual in ("README.md", "policy/README.md", "profiles/README.md", "SECURITY.md"):
            with open(os.path.join(root, manual), encoding="utf-8") as file:
                blocks = re.findall(r"```textproto\n(.*?)```", file.read(), re.DOTALL)
            for number, block in enumerate(blocks):
                jobs = "proto-message: cordon.v1.Batch" in block
                base = "" if jobs or "extends:" in block else 'extends: "judge/cpp"\n'
                path = self.file(f"example{number}.textproto", base + block)
                words = ["batch", "--dry-run", "-q"] if jobs else ["check", "--lint", "off"]
                done = self.cordon(*words, path)
                self.assertEqual((done.returncode, done.stderr), (0, ""), (manual, block))
                examples += 1
        self.assertGreater(examples, 5)


class Ceiling(PolicyTest):
    def test_every_verb_holds_it(self):
        path = self.file("over.textproto", 'extends: "judge/cpp"\nceiling: "judge/cpp"\n'
                                           'limits { memory: "1GiB" }\n')
        for line in (["check", path], ["explain", path], ["compile", path],
                     ["run", "--policy", path, "--", "true"]):
            done = self.cordon(*line)
            self.assertEqual(done.returncode, 125, line)
            self.assertIn("over.textproto:3:10", done.stderr)
            self.assertIn('allows more than its ceiling "judge/cpp": memory: 1GiB, was 512MiB',
                          done.stderr)


class Check(PolicyTest):
    def check(self, text, *flags):
        return self.cordon("check", *flags, self.file("checked.textproto", text))

    def test_every_shipped_profile_is_clean(self):
        names = [line.split()[0] for line in self.cordon("profiles").stdout.splitlines()]
        done = self.cordon("check", "--fail-on", "note", *names)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines(), [f"{name}: ok" for name in names])

    def test_a_lint_names_its_place_its_reason_and_its_fix(self):
        done = self.check('extends: "judge/cpp"\nlimits {\n  swap: "1MiB"\n}\n')
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertIn("checked.textproto:3:3: warning: limits.swap is 1MiB", lines[0])
        self.assertTrue(lines[0].endswith("[swap-allowed]"), lines[0])
        self.assertTrue(lines[1].startswith("  why: "), lines)
        self.assertTrue(any(line.startswith("  fix: ") for line in lines), lines)
        self.assertTrue(lines[-1].endswith("checked.textproto: 1 warning"), lines)

    def test_the_exit_status_follows_the_gravest(self):
        warning = 'extends: "judge/cpp" limits { swap: "1MiB" }'
        danger = 'extends: "judge/cpp" network { enforcement: OFF }'
        for text, flags, code in (
                (warning, (), 0), (warning, ("--fail-on", "warning"), 1),
                (warning, ("--fail-on", "note"), 1), (warning, ("--fail-on", "danger"), 0),
                (danger, (), 1), (danger, ("--fail-on", "never"), 0),
                (danger, ("--lint", "off"), 0), (danger, ("--fail-on", "maybe"), 125),
                ("no_such_field: 1", ("--fail-on", "never"), 125), (danger + " x: 1", (), 125)):
            self.assertEqual(self.check(text, *flags).returncode, code, (text, flags))

    def test_an_accepted_lint_is_silent_and_an_unknown_one_an_error(self):
        text = 'extends: "judge/cpp" limits { swap: "1MiB" } accept_lint { id: "%s" reason: "r" }'
        done = self.check(text % "swap-allowed", "--fail-on", "note")
        self.assertEqual((done.returncode, done.stdout.count("\n")), (0, 1), done.stdout)
        done = self.check(text % "swap-allowed", "--lint", "all", "--fail-on", "note")
        self.assertEqual(done.returncode, 0)
        self.assertIn("(accepted) [swap-allowed]", done.stdout)
        done = self.check(text % "swap-alowed")
        self.assertEqual(done.returncode, 125)
        self.assertIn('did you mean "swap-allowed"?', done.stderr)

    def test_json_holds_errors_and_lints(self):
        done = self.check('extends: "judge/cpp" limits { swap: "1MiB" }', "--format", "json")
        lint = json.loads(done.stdout)["policy"][0]["lint"]
        self.assertEqual([(one["id"], one["severity"], one["field"]) for one in lint],
                         [("swap-allowed", "WARNING", "limits.swap")])
        done = self.check("no_such_field: 1", "--format", "json")
        self.assertEqual((done.returncode, done.stderr), (125, ""))
        error = json.loads(done.stdout)["policy"][0]["error"]
        self.assertIn("no_such_field", error[0]["message"])

    def test_the_table_of_lints_can_be_read(self):
        done = self.cordon("check", "--list-lints")
        self.assertEqual(done.returncode, 0)
        self.assertIn("ioctl-tiocsti (danger)\n  why: ", done.stdout)


class Explain(PolicyTest):
    def test_text_names_the_line_that_grants(self):
        self.file("p.textproto", 'extends: "judge/cpp"\nlimits { memory: "64MiB" }\n')
        done = self.cordon("explain", "p.textproto")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("extends judge/cpp, which extends base/compute, which extends base/strict\n",
                      done.stdout)
        self.assertRegex(done.stdout, r"memory +64MiB in all.* p\.textproto:2:10\n")
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 100)

    def test_json_has_the_same_rows(self):
        done = self.cordon("explain", "--format", "json", "judge/cpp")
        self.assertEqual(done.returncode, 0)
        document = json.loads(done.stdout)
        self.assertEqual(document["bases"], ["base/compute", "base/strict"])
        limits = next(one for one in document["section"] if one["id"] == "limits")
        memory = next(row for row in limits["row"] if row["label"] == "memory")
        self.assertEqual((memory["field"], memory["verdict"]), ("limits.memory", "MEMORY_LIMIT"))
        self.assertTrue(memory["place"].startswith("base/compute:"))

    def test_a_policy_with_errors_is_not_explained(self):
        self.file("p.textproto", "no_such_field: 1\n")
        done = self.cordon("explain", "p.textproto")
        self.assertEqual((done.returncode, done.stdout), (125, ""))
        self.assertIn("no_such_field", done.stderr)


def main():
    global CORDON  # pylint: disable=global-statement
    CORDON = command_line.take("cordon").cordon
    command_line.run("policy_cli")


if __name__ == "__main__":
    main()
