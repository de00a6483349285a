# SPDX-License-Identifier: Apache-2.0
"""The generator of the table of system calls, on headers small enough to read.

Run by `tools/dev lint` and `tools/dev test` through tools/lint/tests/run.py.
"""

import os
import re
import sys
import tempfile
import unittest
from unittest import mock

TOOLS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOOLS, "gen"))

import syscalls  # noqa: E402

COMMITTED = os.path.join(os.path.dirname(TOOLS), "policy/bpf/syscall_table.inc")


class NumbersTest(unittest.TestCase):
    def test_reads_the_lines_of_numbers_and_nothing_else(self):
        text = ("#ifndef _ASM_UNISTD_64_H\n#define _ASM_UNISTD_64_H\n#define __NR_read 0\n"
                "#define  __NR_write\t1\n#define __NR_syscalls_comment\n#endif\n")
        self.assertEqual(syscalls.parse_numbers(text), {"read": 0, "write": 1})

    def test_refuses_what_is_not_one_number_for_one_name(self):
        for text in ("", "#define __NR_a __NR_b\n", "#define __NR_a 1\n#define __NR_b 1\n",
                     "#define __NR_a 1\n#define __NR_a 2\n", "#define __NR_a (8+1)\n"):
            with self.assertRaises(syscalls.Failure, msg=text):
                syscalls.parse_numbers(text)


class ConditionsTest(unittest.TestCase):
    def test_expressions(self):
        defined = {"BITS_PER_LONG": 64, "YES": 1}
        for text, wanted in (("BITS_PER_LONG == 32", False), ("BITS_PER_LONG != 32", True),
                             ("defined(YES) && !defined NO", True), ("NO || 0", False),
                             ("defined( NO ) || (YES && BITS_PER_LONG == 64)", True)):
            self.assertEqual(syscalls.holds(text, defined), wanted, text)
        for text in ("YES >", "__import__('os')", "1 +", "( YES", ""):
            with self.assertRaises(syscalls.Failure, msg=text):
                syscalls.holds(text, defined)

    def test_only_the_branch_that_is_taken_stays(self):
        text = ("#ifdef A\na\n#else\n#ifdef B\nb\n#elif defined(C)\nc\n#else\nnone\n#endif\n"
                "#endif\n#ifndef A\nnot a\n#if nonsense >> here\n#endif\n#endif\n"
                "all /* not\nthis */ x\n")

        def words(defined):
            return syscalls.active_text(text, defined).split()

        self.assertRaises(syscalls.Failure, words, {})
        self.assertEqual(words({"A": 1, "B": 1}), ["a", "all", "x"])
        text = text.replace("nonsense >> here", "0")
        self.assertEqual(words({"B": 1, "C": 1}), ["b", "not", "a", "all", "x"])
        self.assertEqual(words({"C": 1}), ["c", "not", "a", "all", "x"])
        self.assertEqual(words({}), ["none", "not", "a", "all", "x"])

    def test_unbalanced_conditions_are_refused(self):
        for text in ("#if 1\n", "#endif\n", "#else\n", "#elif 1\n"):
            with self.assertRaises(syscalls.Failure, msg=text):
                syscalls.active_text(text, {})


class TypesTest(unittest.TestCase):
    def test_every_kind_of_parameter(self):
        for parameter, letter in (
                ("int fd", "f"), ("unsigned int fd", "F"), ("unsigned long fd", "F"),
                ("int olddfd", "f"), ("mqd_t mqdes", "f"), ("unsigned int fildes", "F"),
                ("unsigned int max_fd", "u"), ("unsigned int nfds", "u"), ("int", "i"),
                ("pid_t pid", "i"), ("u32 mask", "u"), ("unsigned", "u"), ("umode_t mode", "h"),
                ("loff_t pos", "l"), ("size_t count", "L"), ("unsigned long", "L"),
                ("const char __user *const __user *argv", "p"), ("int __user *fd", "p"),
                ("cap_user_header_t header", "p"), ("const cap_user_data_t data", "p"),
                ("enum landlock_rule_type rule_type", "u")):
            self.assertEqual(syscalls.letter_of(parameter), letter, parameter)

    def test_an_unknown_type_is_never_guessed(self):
        for parameter in ("s16 x", "struct pair value", "void", "loff_t fd", "", "char flag"):
            with self.assertRaises(syscalls.Failure, msg=parameter):
                syscalls.letter_of(parameter)

    def test_prototypes(self):
        text = ("asmlinkage long sys_read(unsigned int fd, char __user *buf,\n\t\tsize_t count);\n"
                "asmlinkage long sys_sync(void);\nstatic inline long sys_x(int a) { return 0; }\n"
                "long ksys_y(int a);\nlong sys_sync(void);\n")
        self.assertEqual(syscalls.parse_prototypes(text), {
            "read": "unsigned int fd, char __user *buf, size_t count", "sync": "void"})
        with self.assertRaises(syscalls.Failure):
            syscalls.parse_prototypes("long sys_a(int x);\nlong sys_a(long x);\n")

    def test_a_call_without_a_prototype_is_an_error_unless_it_was_never_made(self):
        machine = syscalls.MACHINES[0]
        self.assertEqual(syscalls.signature("tuxcall", machine, {}, set()), "")
        self.assertEqual(syscalls.signature("iopl", machine, {}, set()), "u")
        with self.assertRaisesRegex(syscalls.Failure, "new_call has no prototype"):
            syscalls.signature("new_call", machine, {}, set())

    def test_entries_and_overrides(self):
        prototypes = {"newfstat": "unsigned int fd, struct stat __user *buf",
                      "fadvise64": "int fd, loff_t offset, size_t len, int advice",
                      "fadvise64_64": "int fd, loff_t offset, loff_t len, int advice"}
        x86, arm64 = syscalls.MACHINES
        self.assertEqual(syscalls.signature("fstat", x86, prototypes, set()), "Fp")
        self.assertEqual(syscalls.signature("fadvise64", x86, prototypes, set()), "flLi")
        self.assertEqual(syscalls.signature("fadvise64", arm64, prototypes, set()), "flli")
        used = set()
        self.assertEqual(syscalls.letters_of("ptrace", "long request, long pid", used), "li")
        self.assertEqual(used, {("ptrace", 1)})
        for parameters in ("long request, int pid", "long request"):
            with self.assertRaisesRegex(syscalls.Failure, "changes nothing"):
                syscalls.letters_of("ptrace", parameters, set())
        with self.assertRaisesRegex(syscalls.Failure, "seven has 7 arguments"):
            syscalls.letters_of("seven", ", ".join(["int"] * 7), set())


class TableTest(unittest.TestCase):
    def headers(self, folder):
        def write(name, text):
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        write("x86/asm/unistd_64.h", "#define __NR_fork 57\n#define __NR_clone 56\n"
                                     "#define __NR_read 0\n")
        write("arm64/asm/unistd_64.h", "#define __NR_clone 220\n#define __NR_read 63\n")
        write("Makefile", "# x\nVERSION = 9\nPATCHLEVEL = 8\nSUBLEVEL = 7\n")
        write("include/asm-generic/syscalls.h", "long sys_mmap(unsigned long fd);\n")
        write("include/linux/syscalls.h",
              "asmlinkage long sys_fork(void);\n"
              "asmlinkage long sys_read(unsigned int fd, char __user *buf, size_t count);\n"
              "#ifdef CONFIG_CLONE_BACKWARDS\n"
              "asmlinkage long sys_clone(unsigned long, int __user *, unsigned long);\n#else\n"
              "asmlinkage long sys_clone(unsigned long, unsigned long, int __user *);\n#endif\n")

    def test_from_headers_to_the_file(self):
        overrides = {("clone", 0): "u"}
        with tempfile.TemporaryDirectory() as folder:
            self.headers(folder)
            with mock.patch.object(syscalls, "OVERRIDES", overrides):
                text = syscalls.table(folder, folder)
            with self.assertRaisesRegex(syscalls.Failure, "do not exist"):
                syscalls.table(folder, folder)
        self.assertIn('kTableKernel = "9.8";', text)
        self.assertEqual(re.findall(r"^\{.*", text, re.MULTILINE), [
            '{"clone", 56, kNone, "uLp"},', '{"clone", kNone, 220, "upL"},',
            '{"fork", 57, kNone, ""},', '{"read", 0, 63, "FpL"},'])

    def test_headers_without_a_version_are_refused(self):
        with self.assertRaises(syscalls.Failure):
            syscalls.kernel_version("VERSION = 6\n")


class CommittedTableTest(unittest.TestCase):
    """The file in the tree is one that this program writes."""

    def setUp(self):
        with open(COMMITTED, encoding="utf-8") as file:
            self.text = file.read()
        self.rows = [syscalls.Row(name, tuple(None if n == "kNone" else int(n) for n in numbers),
                                  letters)
                     for name, *numbers, letters in re.findall(
                         r'^\{"(\w+)", (\w+), (\w+), "(\w*)"\},$', self.text, re.MULTILINE)]

    def test_it_is_rendered_from_its_own_rows(self):
        version = re.search(r'kTableKernel = "([\d.]+)"', self.text).group(1)
        self.assertEqual(syscalls.render(version, self.rows), self.text)

    def test_overrides_and_gaps_are_in_it(self):
        letters = {}
        for row in self.rows:
            letters.setdefault(row.name, []).append(row.letters)
        for (call, argument), letter in syscalls.OVERRIDES.items():
            for signature in letters[call]:
                self.assertEqual(signature[argument], letter, call)
        for call in syscalls.NEVER_IMPLEMENTED:
            self.assertEqual(letters[call], [""])

    def test_no_call_of_32_bit_machines_is_in_it(self):
        for row in self.rows:
            self.assertNotRegex(row.name, r"time64$|^(f?stat64|fcntl64|_llseek|mmap2|socketcall)$")


if __name__ == "__main__":
    unittest.main()
