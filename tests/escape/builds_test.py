# SPDX-License-Identifier: Apache-2.0
"""Builds: compilers and scripts that a stranger wrote the input of, and what honest ones need."""

import os
import shutil
import socket
import subprocess

from harness import EscapeTest, tree_hash

MARKER = "secret_of_the_host_marker"


class Builds(EscapeTest):
    def file(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_what_builds_need_is_allowed(self):
        """So that nobody takes a layer away for it. Watching files is refused, not killed: tools
        that would do it look again instead."""
        for policy in ("base/build", "ci/cmake", "compile/cpp", "compile/rust"):
            run = self.attack("build-needs", policy=policy)
            self.assert_verdict(run, "EXITED")
            answers = run.answers()
            self.assertEqual(answers.pop("inotify"), "ENOSYS")
            self.assertEqual(set(answers.values()), {"ok"}, (policy, answers))
            self.assertEqual(len(answers), 5)

    def test_a_compiler_shows_no_file_of_the_host(self):
        if shutil.which("g++") is None:
            self.skipTest("needs g++")
        secret = self.file("secret", MARKER + "\n")
        self.file("src/include.cc", f'#include "{secret}"\n')
        self.file("src/incbin.cc", f'asm(".incbin \\"{secret}\\"");\n')
        # The messages of the compiler, and all that it made.
        script = (f"cd $1; for i in include incbin; do g++ -c -o $2/$i.o $i.cc; done; "
                  f"g++ @{secret}; cat $2/*.o; true")
        made = os.path.join(self.folder, "made")
        os.mkdir(made)
        control = subprocess.run(["/bin/sh", "-c", script, "sh", os.path.join(self.folder, "src"),
                                  made], capture_output=True, check=False)
        self.assertIn(MARKER.encode(), control.stdout)
        self.assertIn(MARKER.encode(), control.stderr)
        run = self.command(["/bin/sh", "-c", script, "sh", "/src", "/work"],
                           policy="compile/cpp",
                           flags=["--bind", f"{self.folder}/src:/src:ro"])
        self.assert_verdict(run, "EXITED")
        self.assertNotIn(MARKER.encode(), run.out + run.err)
        self.assertIn(b"include.cc:1", run.err)

    def test_a_compiler_that_never_ends_meets_a_limit(self):
        if shutil.which("g++") is None:
            self.skipTest("needs g++")
        self.file("src/zero.cc", '#include "/dev/zero"\n')
        self.file("src/deep.cc", "template <int N> struct A { A<N + 1> a; A<N + 2> b; };\n"
                                 "A<0> a;\n")
        for name, flags in (("zero", []), ("deep", ["-ftemplate-depth=1000000"])):
            run = self.command(["/usr/bin/g++", *flags, "-fsyntax-only", f"/src/{name}.cc"],
                               policy="compile/cpp",
                               flags=["--bind", f"{self.folder}/src:/src:ro", "--memory", "128MiB",
                                      "--cpu-time", "10s"])
            # The compiler may notice first.
            self.assertNotEqual(run.status, 0, name)
            self.assertIn(run.verdict, ("MEMORY_LIMIT", "CPU_LIMIT", "SIGNALED", "EXITED"), name)
            self.assertLessEqual(run.usage("memory_peak_bytes"), 129 * 2**20, name)

    def test_a_script_of_a_build_stays_in_its_folder(self):
        secret = self.file("home/.netrc", MARKER + "\n")
        self.file("src/build.sh", f"""
            cat "$HOME/.netrc" ~/.netrc {secret} "$(dirname "$0")/farm"
            echo "agent=$SSH_AUTH_SOCK"
            /bin/bash -c "exec 3<>/dev/tcp/127.0.0.1/$1 && echo reached"
            for i in $2; do touch "$(dirname "$0")/planted" {self.folder}/planted; done
            i=$3; while [ $i -gt 0 ]; do sleep 1000 & i=$((i - 1)); done
            exit 5
        """)
        os.symlink(secret, os.path.join(self.folder, "src/farm"))
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        listener.setblocking(False)
        port = str(listener.getsockname()[1])
        caller = dict(os.environ, HOME=f"{self.folder}/home", SSH_AUTH_SOCK="/run/agent_of_caller")
        policies = ("base/build", "compile/cpp")
        before = tree_hash(f"{self.folder}/src")
        for policy in policies:
            run = self.command(["/bin/sh", "/src/build.sh", port, "once", "100"], policy=policy,
                               flags=["--bind", f"{self.folder}/src:/src:ro"], env=caller)
            self.assert_verdict(run, "PROCESS_LIMIT")
            self.assertNotIn(MARKER, run.text)
            self.assertNotIn("reached", run.text)
            self.assertIn("agent=\n", run.text)
            self.assertRaises(BlockingIOError, listener.accept)
            self.assertEqual(tree_hash(f"{self.folder}/src"), before)
            self.assertFalse(os.path.exists(f"{self.folder}/planted"))
        control = subprocess.run(["/bin/sh", f"{self.folder}/src/build.sh", port, "once", "0"],
                                 env=caller, capture_output=True, check=False, text=True)
        self.assertEqual(control.returncode, 5, control.stderr)
        self.assertEqual(control.stdout.count(MARKER), 4)
        self.assertIn("agent=/run/agent_of_caller\n", control.stdout)
        self.assertIn("reached", control.stdout)
        listener.accept()[0].close()
        self.assertNotEqual(tree_hash(f"{self.folder}/src"), before)
        self.assertTrue(os.path.exists(f"{self.folder}/planted"))
