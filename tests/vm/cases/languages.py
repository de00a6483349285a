# SPDX-License-Identifier: Apache-2.0
"""Real compilers, programs and a CMake project under every layer at once, as an ordinary user has
them on a host that root has set up.

Run as root inside the VM lab (scenario systemd). `cordon-setup` prepares the user; each job is then
started by `cordon run` in a plain unit of the user's manager, without a flag about groups. Judged
by the answer that the program gives, by what it built, and by the report: eleven layers, each
confirmed, AppArmor by a profile of the job's own below that of root.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path[:0] = [os.path.join(TREE, "tools"), os.path.join(TREE, "tools/demo")]
import judge  # noqa: E402  (the folders are on the path only now)
import problems  # noqa: E402
import python_results  # noqa: E402

CORDON = os.path.join(TREE, "build/cordon")
SETUP = os.path.join(TREE, "build/cordon-setup")
USER_ID = 1000
USER = "tester"
LANGUAGES = ("c", "cpp", "java", "python")
LAYERS = {"namespaces", "userns", "mount", "cgroup", "net", "rlimit", "caps", "landlock", "seccomp",
          "apparmor", "process"}
CONFIRMED = {"ENFORCED_VERIFIED", "ENFORCED_PROBED"}
# Emulation is slow; limits of time are the subject of other tests.
PATIENT = 'extends: "{}" limits {{ cpu_time: "20m" wall_time: "20m" }}\n'
PROJECT = {
    "CMakeLists.txt": """cmake_minimum_required(VERSION 3.25)
project(two LANGUAGES CXX)
add_library(twice twice.cc)
add_executable(two main.cc)
target_link_libraries(two twice)
enable_testing()
add_test(NAME two COMMAND two)
""",
    "twice.cc": "int twice(int n) { return n + n; }\n",
    "main.cc": "int twice(int n);\nint main() { return twice(21) == 42 ? 0 : 1; }\n",
}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Languages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run([SETUP, "--user", USER], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        subprocess.run([SETUP, "--undo"], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lab-languages-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        os.chown(self.folder, USER_ID, USER_ID)

    def own(self, name, content=None):
        """A file of the user, or a folder when it has no content."""
        path = os.path.join(self.folder, name)
        os.makedirs(path if content is None else os.path.dirname(path), exist_ok=True)
        if content is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
        os.chown(path, USER_ID, USER_ID)
        return path

    def run_job(self, profile, argv, binds=(), folder=None, stdin="/dev/null"):
        """The output of a job that must end well under all layers."""
        policy = self.own("policy.textproto", PATIENT.format(profile))
        report = os.path.join(self.folder, "report.json")
        line = ["systemd-run", "--user", "--pipe", "--wait", "--quiet",
                f"--working-directory={folder or self.folder}", CORDON, "run", "--policy", policy,
                "--report", report]
        for bind in binds:
            line += ["--bind", bind]
        with open(stdin, "rb") as source:
            done = subprocess.run(
                line + ["--", *argv], stdin=source, capture_output=True, text=True, check=False,
                user=USER_ID, group=USER_ID, extra_groups=[],
                env={"PATH": "/usr/bin:/bin", "HOME": f"/home/{USER}",
                     "XDG_RUNTIME_DIR": f"/run/user/{USER_ID}"})
        said = f"{profile}: {argv}\n{done.stdout}{done.stderr}"
        self.assertEqual(done.returncode, 0, said)
        found = json.loads(read(report))
        self.assertEqual((found["verdict"], found.get("exit_code", 0)), ("EXITED", 0), said)
        rows = {row["layer"]: row for row in found["layers"]}
        self.assertEqual(set(rows), LAYERS)
        for name, row in rows.items():
            self.assertIn(row["state"], CONFIRMED, f"{name} of {said}")
        self.assertIn(f"cordon-job//&:cordon-{USER_ID}:", rows["apparmor"]["detail"])
        return done.stdout

    def judge_one(self, name, language):
        text, answer = problems.sum_problem(count=1000)
        stdin = self.own("input", text)
        extension = {"python": "py", "cpp": "cc"}.get(name, name)
        source = self.own(f"{name}/src")
        shutil.copyfile(os.path.join(judge.HERE, f"submissions/accepted/sum.{extension}"),
                        os.path.join(source, language["file"]))
        binds, output = [f"{source}:/src:ro"], source
        if "compile" in language:
            output = self.own(f"{name}/out")
            self.run_job(language["compile_policy"], language["compile"],
                         [*binds, f"{output}:/out:rw"])
            binds = [] if language["run"][0] == "./program" else [f"{output}:/out:ro"]
        self.assertEqual(
            self.run_job(language["run_policy"], language["run"], binds, output, stdin), answer)

    def test_programs_are_compiled_and_give_the_answer(self):
        known = judge.load_manifest()["languages"]
        for name in LANGUAGES:
            with self.subTest(name):
                self.judge_one(name, known[name])

    def test_a_project_is_configured_built_and_tested(self):
        for name, content in PROJECT.items():
            self.own(f"source/{name}", content)
        build = self.own("build")
        binds = [f"{self.folder}/source:/src:ro", f"{build}:/build:rw"]
        self.run_job("ci/cmake", ["cmake", "-S", "/src", "-B", "/build", "-G", "Ninja"], binds)
        self.run_job("ci/cmake", ["ninja", "-C", "/build"], binds)
        said = self.run_job("ci/cmake", ["ctest", "--test-dir", "/build"], binds)
        self.assertIn("100% tests passed, 0 tests failed out of 1", said)
        self.assertTrue(os.access(os.path.join(build, "two"), os.X_OK))


if __name__ == "__main__":
    unittest.main(testRunner=python_results.Runner("vm_languages"))
