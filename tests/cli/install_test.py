# SPDX-License-Identifier: Apache-2.0
"""The installed tree: what is in it, and programs that are made from it and run jobs.

Run by ctest: install_test.py --build FOLDER [--cxx COMPILER] [unittest options]. The tree is moved
after it was installed, and programs see nothing of the build. A test whose tool the host lacks is
skipped with the name of the tool.
"""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import command_line
from host_view import processes_with, wait_until

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(TESTS))

OPTIONS = None
NOBODY = 65534
# What an ordinary user can run without a control group of his own.
OWN_POLICY = 'extends: "base/strict"\ncgroup { enforcement: IF_AVAILABLE }\n'
POLICY_ONLY = """
#include <cstdio>

class Profiles : public cordon::ProfileSource {
 public:
  absl::StatusOr<cordon::PolicyBytes> Load(absl::string_view, absl::string_view) override {
    return cordon::PolicyBytes{
        "mine", "limits { memory: \\"8MiB\\" } seccomp { allow: [\\"stdio\\", \\"exec\\"] }",
        cordon::PolicyForm::kText, ""};
  }
};

absl::StatusOr<cordon::CompiledPlan> Plan() {
  Profiles profiles;
  CORDON_ASSIGN_OR_RETURN(auto parsed, cordon::ResolvePolicy("mine", "", profiles));
  CORDON_ASSIGN_OR_RETURN(auto policy, cordon::NormalPolicy::Make(std::move(parsed)));
  return cordon::CompiledPlan::Make(policy, cordon::IdealHost(cordon::NativeArchitecture()));
}

int main() {
  const auto plan = Plan();
  for (const auto& error : cordon::DetailsOf(plan.status())) {
    std::fprintf(stderr, "%s\\n", cordon::RenderError(error).c_str());
  }
  if (!plan.ok()) return 1;
  std::printf("%llu\\n", (unsigned long long)plan->proto().cgroup().memory_max_bytes());
}
"""
POLICY_ONLY_PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(policy_only LANGUAGES CXX)
find_package(cordon CONFIG REQUIRED)
add_executable(policy_only main.cc)
target_link_libraries(policy_only PRIVATE cordon::policy)
"""


def run(*command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("timeout", 600)
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def callers():
    """As whom programs are run: (name, options of subprocess)."""
    yield "caller", {}
    if os.geteuid() == 0:
        yield "nobody", {"user": NOBODY, "group": NOBODY, "extra_groups": []}


class Installed(unittest.TestCase):
    """One installed tree for all tests, moved to another place than it was installed for."""

    @classmethod
    def setUpClass(cls):
        if shutil.which("cmake") is None:
            raise unittest.SkipTest("needs cmake")
        if not os.access(OPTIONS.build, os.W_OK):  # cmake leaves its list of files there
            raise unittest.SkipTest("needs a build folder that the caller may write to")
        cls.folder = tempfile.mkdtemp(prefix="cordon_install_")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        os.chmod(cls.folder, 0o755)
        first = os.path.join(cls.folder, "first")
        done = run("cmake", "--install", OPTIONS.build, "--prefix", first)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        cls.prefix = os.path.join(cls.folder, "moved")
        os.rename(first, cls.prefix)
        run("chmod", "-R", "a+rX", cls.prefix)
        cls.policy = os.path.join(cls.folder, "own.textproto")
        with open(cls.policy, "w", encoding="utf-8") as file:
            file.write(OWN_POLICY)

    def one(self, *parts):
        found = glob.glob(os.path.join(self.prefix, *parts), recursive=True)
        self.assertEqual(len(found), 1, (parts, found))
        return found[0]

    def need(self, *programs):
        for program in programs:
            if shutil.which(program) is None:
                self.skipTest(f"needs {program}")

    def make(self, source, *options):
        """Configures and builds a project against the installed tree; gives its build folder."""
        build = tempfile.mkdtemp(dir=self.folder)
        os.chmod(build, 0o755)
        configured = run("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
                         f"-DCMAKE_CXX_COMPILER={OPTIONS.cxx}", *options)
        self.assertEqual(configured.returncode, 0, configured.stdout + configured.stderr)
        built = run("cmake", "--build", build)
        self.assertEqual(built.returncode, 0, built.stdout + built.stderr)
        return build


class Tree(Installed):
    def test_everything_has_its_place(self):
        for parts in (("bin", "cordon"), ("bin", "cordon-scope"), ("bin", "cordon-setup"),
                      ("lib", "**", "libcordon_sandbox.a"), ("lib", "**", "libcordon_policy.a"),
                      ("lib", "**", "cordonConfig.cmake"), ("lib", "**", "cordon.pc"),
                      ("include", "cordon", "cordon.h"),
                      ("include", "cordon", "policy", "proto", "report.pb.h"),
                      ("share", "man", "man1", "cordon.1"),
                      ("share", "man", "man5", "cordon-policy.5"),
                      ("share", "man", "man8", "cordon-setup.8"),
                      ("share", "bash-completion", "completions", "cordon"),
                      ("share", "zsh", "site-functions", "_cordon"),
                      ("share", "cordon", "schema", "policy", "proto", "policy.proto"),
                      ("share", "doc", "cordon", "profiles", "judge", "cpp.textproto")):
            self.one(*parts)

    def test_the_command_works_where_it_was_put(self):
        done = run(self.one("bin", "cordon"), "explain", "judge/cpp")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("512MiB", done.stdout)

    def test_only_public_headers(self):
        names = [os.path.relpath(os.path.join(folder, name), self.prefix)
                 for folder, _, files in os.walk(os.path.join(self.prefix, "include"))
                 for name in files]
        strangers = [name for name in names
                     if not re.match(r"include/cordon/(\w+\.h|policy/[\w/]+(\.pb)?\.h)$", name)]
        self.assertEqual(strangers, [])
        # Ours are found by the one folder: nothing is left of where they are in the source.
        for name in names:
            with open(os.path.join(self.prefix, name), encoding="utf-8") as file:
                left = re.findall(r'#include "(?:sandbox|policy)/.*', file.read())
            self.assertEqual(left, [], name)

    def test_nothing_names_the_build_or_the_place_of_installation(self):
        for folder, _, files in os.walk(self.prefix):
            for name in files:
                path = os.path.join(folder, name)
                if name.endswith(".a") or "/bin/" in path:
                    continue  # debug information
                with open(path, "rb") as file:
                    text = file.read()
                for place in (ROOT, OPTIONS.build, os.path.join(self.folder, "first")):
                    self.assertNotIn(place.encode(), text, path)


class Library(Installed):
    def run_example(self, program, policy, *command, **options):
        return run(program, policy, *command, timeout=120, **options)

    def check_example(self, program):
        os.chmod(program, 0o755)
        for name, options in callers():
            with self.subTest(caller=name):
                done = self.run_example(program, self.policy, "sh", "-c", "read x; echo $x; exit 3",
                                        stdin=None, input="hello\n", **options)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout.startswith("hello\nverdict EXITED\nexit code 3\n"),
                                done.stdout)
                self.assertEqual(len(re.findall("^layer ", done.stdout, re.MULTILINE)), 11)
                self.assertIn("layer seccomp ENFORCED_PROBED\n", done.stdout)

    def need_namespaces(self):
        facts = json.loads(run(self.one("bin", "cordon"), "doctor", "--format=json").stdout)
        if not facts["facts"]["user_namespaces"]:
            self.skipTest("needs user namespaces")
        return facts

    def test_a_program_by_find_package(self):
        facts = self.need_namespaces()
        build = self.make(os.path.join(ROOT, "tools/example"))
        program = os.path.join(build, "cordon_example")
        self.check_example(program)
        with self.subTest("errors are told, with all that is wrong"):
            done = self.run_example(program, "judge/cobol", "true")
            self.assertEqual(done.returncode, 1)
            self.assertIn('no shipped profile and no file is named "judge/cobol"', done.stderr)
        with self.subTest("what is REQUIRED is enforced, or nothing runs"):
            done = self.run_example(program, "base/strict", "echo", "hello")
            if {"memory", "pids"} <= set(facts["facts"]["cgroup_controllers"]):
                self.assertIn("verdict EXITED", done.stdout, done.stderr)
                self.assertIn("layer cgroup ENFORCED_VERIFIED", done.stdout)
            else:
                self.assertEqual(done.returncode, 1)
                self.assertIn("cgroup", done.stderr)
                self.assertEqual(done.stdout, "")
        with self.subTest("a signal handler cancels"):
            self.cancel(program)
        self.check_talk(os.path.join(build, "cordon_example_talk"))
        self.check_batch(os.path.join(build, "cordon_example_batch"))

    def check_batch(self, program):
        journal = os.path.join(self.folder, "example.journal")
        for note in ("", " (from the journal)"):
            done = run(program, self.policy, journal, "exit 0", "exit 4", timeout=120)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(sorted(done.stdout.splitlines()), [
                "1 of 2 good", f"job-1 good{note}",
                f"job-2 bad{note}: exit code 4, expected 0"])
        done = run(program, "judge/cobol", journal, "exit 0", timeout=120)
        self.assertEqual(done.returncode, 1)
        self.assertIn("judge/cobol", done.stderr)

    def check_talk(self, program):
        asks = 'echo 3 4; read sum; echo "heard $sum" >&2; [ "$sum" = 7 ]'
        right = ("heard 7\nverdict EXITED 0\ndecided by grader: verdict_of ended well, and no "
                 "other one failed\ngrader EXITED 0\ncontestant EXITED 0\n")
        for contestant, part in (
                ("read a b; echo $((a + b))", right),
                ("read a b; echo $((a * b))", "heard 12\nverdict EXITED 1\ndecided by grader"),
                ("read a b; kill -SEGV $$", "verdict SIGNALED\ndecided by contestant"),
                ("read a b; read c", "verdict DEADLOCK\ndecided by contestant")):
            with self.subTest(contestant):
                done = run(program, self.policy, asks, contestant, timeout=120)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(part, done.stdout)
        with self.subTest("errors say of which"):
            done = run(program, "judge/cobol", asks, "true", timeout=120)
            self.assertEqual(done.returncode, 1)
            self.assertIn("judge/cobol", done.stderr)

    def cancel(self, program):
        word = f"100000.{os.getpid()}"
        with subprocess.Popen([program, self.policy, "sleep", word], stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, text=True) as example:
            # The example itself and, once it runs, the job.
            self.assertTrue(wait_until(lambda: len(processes_with(word)) > 1, 60))
            example.send_signal(signal.SIGINT)
            printed = example.communicate(timeout=60)[0]
        self.assertIn("verdict CANCELLED\nevidence supervisor.cancel", printed)
        self.assertEqual(processes_with(word), [])

    def test_a_program_by_pkg_config(self):
        self.need("g++", "pkg-config")
        self.need_namespaces()
        folder = os.path.dirname(self.one("lib", "**", "cordon.pc"))
        flags = run("pkg-config", "--cflags", "--libs", "cordon",
                    env=dict(os.environ, PKG_CONFIG_PATH=folder))
        self.assertEqual(flags.returncode, 0, flags.stderr)
        program = os.path.join(self.folder, "by_pkg_config")
        built = run("g++", "-std=c++17", "-o", program,
                    os.path.join(ROOT, "tools/example/main.cc"), *flags.stdout.split())
        self.assertEqual(built.returncode, 0, built.stderr)
        self.check_example(program)

    def test_policies_alone_need_no_sandbox_and_every_header_stands_alone(self):
        source = tempfile.mkdtemp(dir=self.folder)
        headers = sorted(glob.glob(os.path.join(self.prefix, "include/cordon/policy/**/*.h"),
                                   recursive=True))
        top = os.path.join(self.prefix, "include")
        includes = "".join(f"#include <{os.path.relpath(path, top)}>\n" for path in headers)
        with open(os.path.join(source, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write(POLICY_ONLY_PROJECT)
        with open(os.path.join(source, "main.cc"), "w", encoding="utf-8") as file:
            file.write(includes + POLICY_ONLY)
        program = os.path.join(self.make(source), "policy_only")
        done = run(program)
        self.assertEqual((done.stdout, done.stderr), ("8388608\n", ""))
        symbols = run("nm", "-C", program)
        if symbols.returncode == 0:
            self.assertNotIn("cordon::Sandbox::", symbols.stdout)


def main():
    global OPTIONS  # pylint: disable=global-statement
    OPTIONS = command_line.take("build", cxx="c++")
    command_line.run("install")


if __name__ == "__main__":
    main()
