# SPDX-License-Identifier: Apache-2.0
"""Each lint is shown a text that breaks its rule, and one that keeps it.

Run by `tools/dev lint` and `tools/dev test` through tools/lint/tests/run.py.
"""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import claims  # noqa: E402
import common  # noqa: E402
import format as format_lint  # noqa: E402
import layering  # noqa: E402
import mirror  # noqa: E402
import size  # noqa: E402
import style  # noqa: E402
import symbols  # noqa: E402
import tidy  # noqa: E402


def messages(findings):
    return [(finding.line, finding.message) for finding in findings]


class BlankTest(unittest.TestCase):
    def test_keeps_length_and_lines(self):
        text = 'int a; // "x\nchar b = \'{\'; /* {\n{ */ auto c = R"x(}\n")x"; int d = 1\'000;\n'
        blank = common.blank_comments_and_literals(text)
        self.assertEqual(len(blank), len(text))
        self.assertEqual(blank.count("\n"), text.count("\n"))
        self.assertNotIn("{", blank)
        self.assertNotIn("}", blank)
        self.assertIn("1'000", blank)

    def test_an_escaped_quote_does_not_end_a_string(self):
        blank = common.blank_comments_and_literals(r'f("a\"{"); g();')
        self.assertNotIn("{", blank)
        self.assertIn("g();", blank)


class SizeTest(unittest.TestCase):
    @staticmethod
    def function(lines, head="int F(int x)"):
        return head + " {\n" + "  x++;\n" * (lines - 2) + "}\n"

    def test_function_at_the_limit_passes_and_one_above_fails(self):
        self.assertEqual(size.check_text("a.cc", self.function(80)), [])
        found = size.check_text("a.cc", "\n\n" + self.function(81))
        self.assertEqual([f.line for f in found], [3])
        self.assertIn("F has 81 lines", found[0].message)

    def test_finds_every_shape_of_function(self):
        for head in ("void A::B() const", "A::A() : a_(1), b_{2}", "A::A()\n    : a_{1}",
                     "auto F() -> std::vector<int>", "bool operator==(const A& o) const",
                     "A& operator=(A&& o) noexcept", "template <class T>\nT Max(T a, T b)",
                     "TEST(Suite, Name)", "struct stat F(struct stat* s, int y = 3)",
                     "A operator()(int x)", "extern \"C\" int F()", "~A() override",
                     "const auto kF = [](int x)", "void F(std::function<void()> f = {})"):
            for wrap in ("%s", "namespace a {\nclass B : public C {\n public:\n  int x_ = 0;\n"
                               "%s};\n}"):
                text = wrap % self.function(90, head)
                self.assertEqual(len(size.check_text("a.cc", text)), 1, wrap % head)

    def test_types_tables_and_namespaces_are_no_functions(self):
        body = "  {1, \"{\"},\n" * 100
        for text in ("constexpr Row kRows[] = {\n" + body + "};\n",
                     "namespace a {\n" + "int F();\n" * 100 + "}\n",
                     "class alignas(8) A : B<int> {\n" + "  int F() { return 1; }\n" * 100 + "};\n",
                     "enum class E : int {\n" + "  kA,\n" * 100 + "};\n",
                     "extern \"C\" {\n" + "int F();\n" * 100 + "}\n"):
            self.assertEqual(size.check_text("a.cc", text), [], text[:40])

    def test_names_and_extent(self):
        text = "int A() { return 1; }\n\nvoid B::C(int x)\n    const {\n  if (x) {\n  }\n}\n"
        self.assertEqual(size.cpp_functions(text), [("A", 1, 1), ("B::C", 3, 7)])

    def test_file_limits(self):
        self.assertEqual(size.check_text("a.cc", "\n" * 500), [])
        self.assertEqual(len(size.check_text("a.cc", "\n" * 501)), 1)
        self.assertEqual(len(size.check_text("tools/cordon/main.cc", "\n" * 151)), 1)
        self.assertEqual(size.check_text("tools/cordon/cmd_run.cc", "\n" * 151), [])

    def test_python_and_bash_functions(self):
        python = "def f():\n" + "    g()\n" * 80
        self.assertIn("f has 81 lines", size.check_text("a.py", python)[0].message)
        bash = "f() {\n" + "  true\n" * 79 + "}\n"
        self.assertIn("f has 81 lines", size.check_text("tools/dev", bash)[0].message)


class LayeringTest(unittest.TestCase):
    def refused(self, name, include):
        return layering.check_text(name, f"// x\n#include {include}\n")

    def test_policy_is_pure(self):
        for include in ("<unistd.h>", "<fcntl.h>", "<sys/stat.h>", "<linux/seccomp.h>", "<fstream>",
                        "<filesystem>", "<iostream>", "<thread>", '"sandbox/os/unique_fd.h"',
                        '"profiles/embedded.h"', '"tests/support/x.h"', "<sys/mman.h>"):
            found = self.refused("policy/parse.cc", include)
            self.assertEqual([f.line for f in found], [2], include)
        for include in ("<string>", '"absl/status/status.h"', '"policy/base/units.h"',
                        "<google/protobuf/message.h>"):
            self.assertEqual(self.refused("policy/parse.cc", include), [], include)

    def test_named_exceptions_are_narrow(self):
        self.assertEqual(self.refused("policy/bpf/assemble.cc", "<sys/mman.h>"), [])
        self.assertEqual(self.refused("policy/bpf/assemble.cc", "<seccomp.h>"), [])
        self.assertTrue(self.refused("policy/bpf/meaning.cc", "<seccomp.h>"))
        self.assertTrue(self.refused("policy/bpf/meaning.cc", "<sys/mman.h>"))
        self.assertEqual(self.refused("policy/uapi/uapi.h", "<linux/bpf_common.h>"), [])
        self.assertTrue(self.refused("policy/layers/mount.cc", "<seccomp.h>"))

    def test_child_is_freestanding(self):
        for include in ("<string>", "<unistd.h>", '"absl/status/status.h"',
                        '"sandbox/os/unique_fd.h"', '"policy/base/status.h"', "<cstring>"):
            self.assertTrue(self.refused("sandbox/child/init.cc", include), include)
        for include in ("<cstdint>", '"sandbox/child/wire.h"', "<linux/audit.h>"):
            self.assertEqual(self.refused("sandbox/child/init.cc", include), [], include)

    def test_rooms_look_down_only(self):
        for name, include in (("sandbox/os/pipe.cc", '"sandbox/launch/launcher.h"'),
                              ("sandbox/layers/mount.cc", '"sandbox/supervise/supervisor.h"'),
                              ("sandbox/sandbox.cc", '"tools/cordon/cmd_run.h"'),
                              ("tools/cordon/cmd_run.cc", '"sandbox/launch/launcher.h"'),
                              ("policy/compile.cc", '"fuzz/x.h"'),
                              ("attic/x.cc", "<string>")):
            self.assertTrue(self.refused(name, include), include)
        self.assertEqual(self.refused("tools/cordon/cmd_run.cc", '"sandbox/sandbox.h"'), [])
        self.assertEqual(self.refused("tests/policy/parse_test.cc", "<unistd.h>"), [])

    def test_a_commented_include_is_none(self):
        self.assertEqual(layering.check_text("policy/a.cc", "/*\n#include <unistd.h>\n*/\n"), [])

    def test_system_calls_have_a_home(self):
        for call in ("  int x = open(path, 0);", "  return ::kill(1, 9);", "if (fork() == 0)",
                     "syscall(SYS_mount, 1);", "  return read(fd, p, 1);"):
            found = layering.check_text("sandbox/supervise/a.cc", "\n" + call)
            self.assertEqual([f.line for f in found], [2], call)
            self.assertEqual(layering.check_text("sandbox/os/a.cc", call), [], call)
        for text in ("file.open(path);", "stream->read(p, 1);", "std::rename(a, b);",
                     "// open(x)\n", 'Call("open(x)");', "absl::Status kill(int x);",
                     "Reopen(x); my_open(x);"):
            self.assertEqual(layering.check_text("sandbox/supervise/a.cc", text), [], text)

    def test_the_purity_exception_names_its_calls(self):
        home = "policy/bpf/assemble.cc"
        self.assertEqual(layering.check_text(home, "x = memfd_create(n, 0);"), [])
        self.assertTrue(layering.check_text(home, "x = open(n, 0);"))

    def test_assembly_has_one_home(self):
        text = 'long f() { __asm__ volatile("syscall"); }'
        self.assertTrue(layering.check_text("sandbox/child/init.cc", text))
        self.assertTrue(layering.check_text("policy/a.cc", "asm(\"nop\");"))
        self.assertEqual(layering.check_text("sandbox/child/raw_syscall.h", text), [])


class SymbolsTest(unittest.TestCase):
    LISTING = ("libx.a[parse.cc.o]: _ZN6cordon5ParseEv T 0 10\n"
               "libx.a[parse.cc.o]: {0} U         \n"
               "libx.a[assemble.cc.o]: memfd_create U         \n"
               "libx.a[assemble.cc.o]: read U         \n")

    def policy(self, symbol):
        return symbols.check_policy("libx.a", symbols.members_of(self.LISTING.format(symbol)))

    def test_policy_archive_makes_no_call(self):
        for symbol in ("open", "open64", "__open_2", "openat", "stat", "mount", "socket", "clone",
                       "fork", "execve", "kill", "ioctl", "fopen64", "getenv", "__read_chk",
                       "memfd_create", "read"):
            self.assertEqual(len(self.policy(symbol)), 1, symbol)
        for symbol in ("memcpy", "strlen", "_ZNSt6vectorIiE", "seccomp_load_dummy", "__strcpy_chk"):
            self.assertEqual(self.policy(symbol), [], symbol)

    def test_child_archive_asks_for_nothing(self):
        listing = ("libc.a[a.cc.o]: Helper U         \nlibc.a[b.cc.o]: Helper T 0 1\n"
                   "libc.a[a.cc.o]: memcpy U         \nlibc.a[b.cc.o]: {0} U         \n")
        for symbol in ("malloc", "strlen", "__errno_location", "_Znwm", "open", "__asan_init"):
            found = symbols.check_child("libc.a", symbols.members_of(listing.format(symbol)))
            self.assertEqual(len(found), 1, symbol)
            self.assertIn(symbol, found[0].message)
        members = symbols.members_of(listing.format("__stack_chk_fail"))
        self.assertEqual(symbols.check_child("libc.a", members), [])

    def test_an_absent_archive_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(len(symbols.check(folder, folder)), 3)

    def test_a_call_that_no_fault_reaches_is_found(self):
        calls = ("CALL(int, fstat, (int fd, void* info), (fd, info))\n"
                 "POINTER(realpath, (const char* path), (path))\n")
        listing = "libs.a[file.cc.o]: {0} U         \n"
        for symbol, findings in (("fstat", 0), ("realpath", 0), ("write", 0), ("close", 0),
                                 ("strlen", 0), ("socket", 1), ("openat64", 1)):
            members = symbols.members_of(listing.format(symbol))
            found = symbols.check_faults("libs.a", members, calls)
            self.assertEqual(len(found), findings, symbol)

    def test_an_archive_that_knows_of_faults_is_found(self):
        for symbol in ("_ZN6cordon6faults5stateE", "__wrap_read", "__real_read"):
            listing = f"libc.a[a.cc.o]: {symbol} T 0 1\n"
            self.assertEqual(len(symbols.check_child("libc.a", symbols.members_of(listing))), 1)


class MirrorTest(unittest.TestCase):
    def test_a_missing_test_is_an_error(self):
        found = mirror.check_lists(["policy/a.cc", "policy/b.cc"], ["tests/policy/a_test.cc"], {})
        self.assertEqual([f.path for f in found], ["policy/b.cc"])

    def test_exceptions_need_a_reason_and_an_end(self):
        reason = "covered by tests/policy/b_test.cc, which needs both"
        self.assertEqual(mirror.check_lists(["policy/a.cc"], [], {"policy/a.cc": reason}), [])
        self.assertTrue(mirror.check_lists(["policy/a.cc"], [], {"policy/a.cc": "no"}))
        self.assertTrue(mirror.check_lists([], [], {"policy/a.cc": reason}))
        self.assertTrue(mirror.check_lists(["policy/a.cc"], ["tests/policy/a_test.cc"],
                                           {"policy/a.cc": reason}))


class ClaimsTest(unittest.TestCase):
    FILES = {"tests/a_test.cc", "tools/demo/submissions/hostile/loop.c", "policy/parse.h"}

    def test_what_a_document_names_must_exist(self):
        tests = claims.tests_in("TEST_F(ParseTest,\n       RefusesNul) {}\nTEST(AbcTest, X) {}")
        tests |= claims.python_tests_in("class A:\n  def test_a(self):\nclass B(A):\n"
                                        "  def test_b(self):\n  def helper(self):\n")
        good = ("ParseTest.RefusesNul", "AbcTest.X", "A.test_a", "B.test_b", "policy/parse.h",
                "demo:hostile/loop.c", "policy/", "tests", "tools/demo", "judge/cpp", "make")
        bad = ("ParseTest.RefusesAll", "A.test_b", "B.test_a", "demo:hostile/none.c",
               "policy/pars.h", "sandbox/os/")
        for quoted in good:
            found = claims.check_text("a.md", f"\n`{quoted}`\n", tests, self.FILES)
            self.assertEqual(found, [], quoted)
        for quoted in bad:
            found = claims.check_text("a.md", f"\n`{quoted}`\n", tests, self.FILES)
            self.assertEqual([f.line for f in found], [2], quoted)


class StyleTest(unittest.TestCase):
    LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"

    def broken(self, line, name="a.cc"):
        return style.check_text(name, self.LICENCE + line + "\n")

    def test_each_rule_can_fail(self):
        for line in ("int a; ", "\tint a;", "x" * 101, "// TO" + "DO: later", "friend class A;",
                     "throw 1;", "try {", "} catch (...) {", "if (a) EXPECT_EQ(b, c);",
                     "<" * 7 + " HEAD", ">" * 7 + " a1b2c3"):
            self.assertEqual([f.line for f in self.broken(line)], [2], line)
        for line in ("int a;", "x" * 100, "// a friend, try it", "bool friendly = Retry(x);",
                     "for (int a : b) EXPECT_EQ(a, c);"):
            self.assertEqual(self.broken(line), [], line)

    def test_a_path_of_this_machine_is_found(self):
        root = common.repository_root()
        paths = style.machine_paths(root)
        self.assertEqual([f.line for f in style.check_paths("a.md", f"\nin {root}/x\n", paths)],
                         [2] if root in paths else [])
        self.assertEqual(len(style.check_paths("a.md", "/home/a/c/x", {"/home/a", "/home/a/c"})), 1)
        self.assertEqual(style.check_paths("a.md", "/usr/bin/env\n", {"/srv/checkout"}), [])
        self.assertEqual(len(style.check_paths("a.md", "/srv/checkout/a", {"/srv/checkout"})), 1)

    def test_a_raw_string_is_not_broken(self):
        self.assertEqual(self.broken('auto x = R"(' + "x" * 120 + ')";'), [])
        self.assertTrue(self.broken('auto x = "' + "x" * 120 + '";'))

    def test_exceptions_end_in_one_place(self):
        self.assertEqual(self.broken("try {", "tools/cordon/main.cc"), [])
        self.assertTrue(self.broken("try {", "tools/cordon/cmd_run.cc"))

    def test_licence_and_last_newline(self):
        self.assertEqual(messages(style.check_text("a.cc", "int a;\n"))[0][0], 1)
        self.assertEqual(style.check_text("a.sh", "#!/bin/sh\n# " + self.LICENCE[3:]), [])
        self.assertTrue(style.check_text("a.md", "text"))
        self.assertEqual(style.check_text("a.md", "| " + "x" * 120 + " |\n"), [])


class ReaderTest(unittest.TestCase):
    def test_format_findings_are_places(self):
        output = "policy/a.cc:3:7: error: code should be clang-formatted [-Wclang-format]\n   x\n"
        self.assertEqual([(f.path, f.line) for f in format_lint.findings_in(output, "/r")],
                         [("policy/a.cc", 3)])

    def test_tidy_findings_are_ours_only(self):
        output = ("/r/policy/a.cc:3:7: error: bad [x]\n/usr/include/b.h:1:1: warning: theirs\n")
        self.assertEqual([(f.path, f.line) for f in tidy.findings_in(output, "/r")],
                         [("policy/a.cc", 3)])

    def test_format_really_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, ".clang-format"), "w", encoding="utf-8") as file:
                file.write("BasedOnStyle: Google\n")
            with open(os.path.join(folder, "a.cc"), "w", encoding="utf-8") as file:
                file.write("int  a  ;\n")
            self.assertTrue(format_lint.check(folder))


if __name__ == "__main__":
    unittest.main()
