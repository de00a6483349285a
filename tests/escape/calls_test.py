# SPDX-License-Identifier: Apache-2.0
"""System calls: each probe of probes.tsv under each profile, and again without its guard."""

import os
import random
import re
import struct
import subprocess
from typing import Dict, List, NamedTuple

import harness
from harness import IS_ROOT, EscapeTest

FOLDER = os.path.dirname(os.path.abspath(__file__))
# Calls that new kernels (seen on 6.18) let past every filter: without the trampoline that only
# the kernel makes they end in SIGILL or ENXIO.
UNFILTERED = {335, 336}
# Probes whose control shows nothing on this host.
VACUOUS_PROBES = set()


def kernel_leaves_the_mode() -> bool:
    """SECCOMP_MODE_DEAD: Linux 5.17."""
    return [int(word) for word in re.findall(r"\d+", os.uname().release)[:2]] >= [5, 17]


class Probe(NamedTuple):
    name: str
    compute: List[str]
    build: List[str]
    ci: List[str]
    control: str
    attacks: List[str]


def read_probes() -> List[Probe]:
    probes = []
    with open(os.path.join(FOLDER, "probes.tsv"), encoding="utf-8") as file:
        for line in file:
            if line.startswith(("#", "probe\t")):
                continue
            name, compute, build, ci, control, attacks = line.rstrip("\n").split("\t")
            probes.append(Probe(name, compute.split("|"), build.split("|"), ci.split("|"), control,
                                attacks.split(",")))
    return probes


class Calls(EscapeTest):
    def no_door(self, name: str, answer: str) -> bool:
        """Of i386: hosts of virtual machines may let int 0x80 end in a fault, for everybody."""
        if answer != "SIGSEGV" or not name.startswith(("int80_", "far_", "frame_")):
            return False
        return self.outside("probe", "int80_getpid", cwd=self.folder).answers() == {
            "int80_getpid": "SIGSEGV"}

    def compare(self, answers: Dict[str, str], expected: Dict[str, List[str]]):
        wrong = {name: (answers.get(name), wanted) for name, wanted in expected.items()
                 if answers.get(name) not in wanted and not self.no_door(name, answers.get(name))}
        self.assertEqual(wrong, {}, "probe: (answer, expected)")

    def test_each_call_under_each_profile(self):
        probes = read_probes()
        for profile, field in (("base/compute", "compute"), ("judge/cpp", "compute"),
                               ("base/build", "build"), ("compile/cpp", "build"),
                               ("ci/cmake", "ci")):
            run = self.attack("probe", policy=self.apart(profile))
            self.assert_verdict(run, "EXITED")
            self.assertEqual(set(run.answers()), {probe.name for probe in probes})
            self.compare(run.answers(), {probe.name: getattr(probe, field) for probe in probes})
        for profile in ("judge/python", "judge/java"):
            run = self.attack("probe", policy=self.apart(profile))
            self.compare(run.answers(),
                         {probe.name: probe.compute + probe.build for probe in probes})

    def test_controls_give_another_answer(self):
        """With its guard away a probe is answered otherwise: otherwise it would prove nothing."""
        answers = {
            "seccomp": self.attack("probe", policy=self.without("seccomp")).answers(),
            "landlock": self.attack("probe", policy=self.without(
                "landlock", more="seccomp { kill_evidence: KERNEL }")).answers(),
            "ci": self.attack("probe", policy=self.apart("ci/cmake")).answers(),
            "outside": {},
        }
        guarded = self.attack("probe", policy=self.apart()).answers()
        probes = read_probes()
        safe = [probe.name for probe in probes if probe.control == "outside"]
        answers["outside"] = self.outside("probe", *safe, cwd=self.folder).answers()
        have_landlock = int(harness.FACTS.get("landlock_abi", 0)) >= 6
        same = []
        for probe in probes:
            if probe.control == "-" or (probe.control == "landlock" and not have_landlock):
                continue
            answer = answers[probe.control].get(probe.name)
            if answer != guarded[probe.name]:
                continue
            # A kernel without the call, a processor without the way there (no far return in QEMU),
            # or a host where nobody may: nothing to show here.
            if (answer in ("ENOSYS", "SIGKILL") or probe.control == "outside" or
                    self.no_door(probe.name, answer)):
                VACUOUS_PROBES.add(probe.name)
            else:
                same.append((probe.name, answer))
        self.assertEqual(same, [])
        shown = {attack for probe in probes if probe.name not in VACUOUS_PROBES
                 for attack in probe.attacks}
        hidden = {attack for probe in probes for attack in probe.attacks} - shown
        if hidden:
            self.vacuous(f"no control shows anything on this host for {', '.join(sorted(hidden))}")

    def test_one_process_alone_is_answered_the_same(self):
        """base/strict has no children: all probes that do not kill in one process."""
        quiet = [probe for probe in read_probes() if probe.compute == ["ENOSYS"]]
        names = [probe.name for probe in quiet if not probe.name.startswith("exec_")]
        run = self.attack("here", *names, policy="base/strict")
        self.assert_verdict(run, "EXITED")
        self.compare(run.answers(), {name: ["ENOSYS"] for name in names})

    def test_each_kill_is_a_verdict(self):
        """From outside: the job was ended, and for calls of this ABI the report says for which."""
        foreign = ("x32_getpid", "alias_520", "int80_getpid")
        for name in ("bpf", "perf_event_open", "userfaultfd", "init_module", "keyctl", "syslog",
                     "iopl", "fanotify_init", "statmount", "memfd_secret", "unshare_user",
                     "clone_user", "setns_init", "mount", "umount", "chroot", "fsopen",
                     "open_by_handle_at", "ptrace_me", "process_vm_readv", "socket_inet",
                     "socket_vsock", "socket_route", "x32_getpid", "alias_520", "int80_getpid",
                     "wide_ptrace"):
            run = self.attack("here", name, policy="base/strict")
            if run.verdict == "SIGNALED" and self.no_door(name, run.report["signal_name"]):
                continue
            self.assertEqual(run.verdict, "SYSCALL_VIOLATION", name)
            self.assertEqual(run.out, b"", name)
            violation = run.report.get("violation")
            if name in foreign:
                self.assertIsNone(violation, name)
            else:
                self.assertTrue(violation["call"], name)
                self.assertIn(violation["words"].encode(), run.err, name)
        control = self.attack("here", "ptrace_me", policy=self.without("seccomp", "base/strict"))
        self.assert_verdict(control, "EXITED")

    def test_a_thread_that_violates_ends_the_process(self):
        run = self.attack("thread-violates")
        self.assert_verdict(run, "SYSCALL_VIOLATION")
        self.assertNotIn("survived", run.text)
        control = self.attack("thread-violates", policy=self.without("seccomp"))
        self.assert_verdict(control, "EXITED")
        self.assertIn("survived", control.text)

    def test_a_kill_cannot_be_caught(self):
        for how in ([], ["ignored"]):
            run = self.attack("catch-sigsys", *how)
            self.assert_verdict(run, "SYSCALL_VIOLATION")
            self.assertEqual(run.out, b"")
        control = self.attack("catch-sigsys", policy=self.without("seccomp"))
        self.assertIn("survived", control.text)

    def test_a_32_bit_program_makes_no_call(self):
        """mov eax, 1; mov ebx, 42; int 0x80: exit(42) of i386."""
        code = bytes([0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80])
        base = 0x8048000
        size = 52 + 32 + len(code)
        program = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 3, 1, base + 84, 52,
                              0, 0, 52, 32, 1, 0, 0, 0)
        program += struct.pack("<IIIIIIII", 1, 0, base, base, size, size, 5, 4096) + code
        path = os.path.join(self.folder, "program32")
        with open(path, "wb") as file:
            file.write(program)
        os.chmod(path, 0o755)
        for policy in ("base/strict", "base/compute", "base/build", "ci/cmake"):
            run = self.command([path], policy=policy)
            self.assertIn(run.verdict, ("SYSCALL_VIOLATION", "SETUP_FAILED"), policy)
            if run.verdict == "SETUP_FAILED":
                self.assertEqual(run.report["error"]["errno_name"], "ENOEXEC")
        control = self.command([path], policy=self.without("seccomp"))
        if control.verdict == "SETUP_FAILED":
            self.vacuous("this kernel runs no 32-bit programs")
        else:
            self.assertEqual((control.verdict, control.status), ("EXITED", 42))
            # The other ways there: it is the filter that stops them, and nothing in them is broken.
            ways = self.attack("probe", "int80_getpid", "far_getpid", "frame_getpid",
                               policy=self.without("seccomp")).answers()
            if ways["far_getpid"] == "SIGKILL":
                del ways["far_getpid"]  # see above
            self.assertEqual(set(ways.values()), {"ok"}, ways)

    def test_a_faked_violation_is_told_apart(self):
        """What the kernel says of the dead process, and what it does not."""
        names = {}
        for how in ("kill", "tgkill", "queue", "child-sends", "timer", "child"):
            run = self.attack("fake-violation", how)
            self.assert_verdict(run, "SYSCALL_VIOLATION")
            names[how] = [each["name"] for each in run.report["evidence"]]
        thread = self.attack("thread-violates", policy=self.apart())
        names["thread"] = [each["name"] for each in thread.report["evidence"]]
        for how, evidence in names.items():
            self.assertIn("main.sigsys", evidence, how)
            self.assertNotIn("seccomp.kill", evidence, how)
        # The control: a real one, by the first thread.
        real = self.attack("here", "bpf", policy=self.apart("base/strict"))
        self.assert_verdict(real, "SYSCALL_VIOLATION")
        if kernel_leaves_the_mode():
            self.assertIn("seccomp.kill", [each["name"] for each in real.report["evidence"]])
        else:
            self.vacuous("this kernel does not leave SECCOMP_MODE_DEAD")
        # Where kills are named a real one is never a signal of the job: all that is left of those
        # are calls of other ABIs, which the dead process shows as well.
        for how, name in (("named", "bpf"), ("foreign", "x32_getpid")):
            if how == "foreign" and not kernel_leaves_the_mode():
                continue
            run = self.attack("here", name, policy="base/strict")
            self.assert_verdict(run, "SYSCALL_VIOLATION")
            evidence = [each["name"] for each in run.report["evidence"]]
            self.assertNotIn("main.sigsys", evidence, how)
            self.assertEqual("seccomp.call" in evidence, how == "named")

    def test_the_filter_stays_over_exec(self):
        self.assert_verdict(self.attack("violate-after-exec"), "SYSCALL_VIOLATION")
        self.assert_verdict(self.attack("violate-after-exec", policy=self.without("seccomp")),
                            "EXITED")

    def test_no_number_beyond_the_table_reaches_the_kernel(self):
        def sweep(policy):
            run = self.attack("sweep", "430", "700", policy=policy)
            self.assert_verdict(run, "EXITED")
            return {int(line.split()[0]): line.split()[1] for line in run.text.splitlines()}

        guarded, control = sweep(self.apart()), sweep(self.without("seccomp"))
        open_calls = {number for number, how in guarded.items() if how == "reached"} - UNFILTERED
        # close_range, faccessat2, epoll_pwait2, fchmodat2, pidfd_open
        self.assertLessEqual(open_calls, {434, 436, 439, 441, 452})
        self.assertEqual({number for number in range(512, 548)},
                         {number for number, how in guarded.items()
                          if how == "killed" and number >= 512})
        self.assertGreater(len({n for n, how in control.items() if how == "reached"}),
                           len(open_calls))

    def test_calls_by_chance_do_nothing_to_the_host(self):
        """Any call with any arguments, from eight processes; the harness compares the host. That
        the attack is one is seen in a file in which the calls are counted."""
        seed = random.SystemRandom().randrange(2**32)
        print(f"seed {seed}", flush=True)
        counts = os.path.join(self.folder, "counts")
        before = self.kernel_complaints()
        for policy in (self.apart(), self.apart("ci/cmake")):
            with open(counts, "wb") as file:
                file.truncate(4096)
            if IS_ROOT:
                os.chown(counts, 65534, 65534)
            run = self.attack("random-calls", "/counts", str(seed), "1000", policy=policy,
                              flags=["--bind", f"{counts}:/counts:rw", "--wall-time", "20s"])
            # They may end the job, too: by a signal, a limit, or what a process of it may not do.
            self.assertNotIn(run.verdict, ("SETUP_FAILED", "INTERNAL_ERROR", "NO_REPORT"), seed)
            with open(counts, "rb") as file:
                made, allowed, refused, killed = struct.unpack("4q", file.read(32))
            self.assertGreater(min(made, allowed, refused, killed), 0, seed)
        self.assertEqual(self.kernel_complaints(), before, seed)

    @staticmethod
    def kernel_complaints():
        """How often the host's kernel found a fault of its own; nothing where it is not told."""
        told = subprocess.run(["dmesg"], capture_output=True, check=False)
        return len(re.findall(rb"kernel BUG at|Oops|KASAN|WARNING: CPU", told.stdout))

    def test_the_vsyscall_page_obeys(self):
        quiet = self.policy('seccomp { rule { calls: "gettimeofday" action: ERRNO '
                            'errno_name: "EPERM" } }')
        guarded = self.attack("probe", "vsyscall", policy=quiet).answers()["vsyscall"]
        control = self.attack("probe", "vsyscall").answers()["vsyscall"]
        self.assertNotEqual(guarded, "ok")
        if control == guarded:
            self.vacuous("this kernel has no vsyscall page that can be executed")
