# SPDX-License-Identifier: Apache-2.0
"""Memory, time and output: every place where they can be taken. Judged by the group's counters."""

import os
import pty
import select
import subprocess
import threading
import time

import harness
from harness import EscapeTest, processes_with

MIB = 2**20


class Resources(EscapeTest):
    def test_memory_is_bounded_wherever_it_is_kept(self):
        for words, policy in ((["heap", "400"], "base/compute"),
                              (["populate", "400"], "base/compute"),
                              (["children"], "base/compute"),
                              (["page-tables"], "base/compute"),
                              (["stack"], "base/compute"),
                              (["memfd", "400"], "ci/cmake"),
                              (["shm", "400"], "ci/cmake")):
            run = self.attack(*words, policy=policy, flags=["--memory", "32MiB"])
            self.assert_verdict(run, "MEMORY_LIMIT")
            self.assertLessEqual(run.usage("memory_peak_bytes"), 33 * MIB, words)
            self.assertLess(run.usage("supervisor_peak_rss_bytes"), 64 * MIB)
        control = self.attack("heap", "100", flags=["--memory", "256MiB"])
        self.assert_verdict(control, "EXITED")
        self.assertGreater(control.usage("memory_peak_bytes"), 100 * MIB)

    def test_memory_of_the_kernel_is_bounded(self):
        for words, policy in ((["pipes"], "base/compute"), (["in-flight"], "ci/cmake"),
                              (["timers"], "base/compute")):
            run = self.attack(*words, policy=policy, flags=["--memory", "48MiB"])
            self.assert_verdict(run, "EXITED", "MEMORY_LIMIT")
            self.assertLessEqual(run.usage("memory_peak_bytes"), 49 * MIB, words)
            self.assertGreater(run.usage("memory_peak_bytes"), MIB // 2, words)

    def test_address_space_is_no_memory(self):
        run = self.attack("virtual")
        self.assert_verdict(run, "EXITED")
        self.assertEqual(run.status, 0)
        self.assertLess(run.usage("memory_peak_bytes"), 16 * MIB)

    def test_a_program_that_limits_its_own_memory_is_fine(self):
        run = self.attack("own-address-limit", flags=["--memory", "96MiB"])
        self.assert_verdict(run, "EXITED")
        self.assertEqual(run.status, 0)
        self.assertGreater(run.number("got"), 32)
        self.assertGreaterEqual(run.usage("memory_peak_bytes"), run.number("got") * MIB)
        self.assert_verdict(self.attack("heap", "400", flags=["--memory", "96MiB"]), "MEMORY_LIMIT")

    def test_the_cache_of_files_is_no_memory_that_is_too_much(self):
        """It counts, and goes when the job needs the room."""
        kind = subprocess.run(["stat", "-f", "-c", "%T", self.folder], capture_output=True,
                              check=True).stdout
        if kind.strip() in (b"tmpfs", b"ramfs"):
            self.skipTest("needs a file system with a page cache")
        path = os.path.join(self.folder, "large")
        with open(path, "wb") as file:
            file.truncate(48 * MIB)
        os.chmod(path, 0o644)
        for own, verdict in (("8", "EXITED"), ("32", "MEMORY_LIMIT")):
            run = self.attack("fill-cache", "/large", own,
                              flags=["--bind", f"{path}:/large:ro", "--memory", "24MiB"])
            self.assertEqual(run.number("seen"), 3 * 48 * MIB)
            self.assert_verdict(run, verdict)
            self.assertLessEqual(run.usage("memory_peak_bytes"), 25 * MIB)

    def test_a_short_burst_is_in_the_peak(self):
        self.assertGreaterEqual(self.attack("burst", "48").usage("memory_peak_bytes"), 47 * MIB)
        self.assertLess(self.attack("burst", "1").usage("memory_peak_bytes"), 16 * MIB)

    def test_nothing_of_an_earlier_job_is_found(self):
        marker = f"marker{os.getpid()}marker"
        for _ in range(2):
            run = self.attack("leftovers", marker)
            self.assert_verdict(run, "EXITED")
            self.assertEqual(run.out, b"")

    def test_time_is_counted_wherever_it_is_spent(self):
        for words in (["spinner"], ["spinner", "8"], ["system-time"], ["orphan"],
                      ["short-children"], ["early"]):
            run = self.attack(*words, flags=["--cpu-time", "200ms", "--wall-time", "20s"])
            self.assert_verdict(run, "CPU_LIMIT")
            self.assertGreaterEqual(run.usage("cpu_time"), 0.2, words)
        # Not 200 ms: an emulated processor that the host takes away is charged to who had it.
        control = self.attack("exit", "0", flags=["--cpu-time", "5s", "--wall-time", "20s"])
        self.assert_verdict(control, "EXITED")

    def test_waiting_ends_at_the_wall(self):
        for words in (["drip"], ["sleeper"]):
            run = self.attack(*words, flags=["--wall-time", "1s"])
            self.assert_verdict(run, "WALL_LIMIT")
            self.assertLess(run.usage("cpu_time"), 0.9)

    def test_a_flood_of_output_ends_at_the_limit(self):
        for fd in ("1", "2"):
            run = self.attack("flood", fd, flags=["--output-limit", "1MiB"])
            self.assert_verdict(run, "OUTPUT_LIMIT")
            self.assertLessEqual(len(run.out) + len(run.err), MIB + 4096)
            self.assertLess(run.usage("supervisor_peak_rss_bytes"), 64 * MIB)
        more = self.attack("flood", "1", flags=["--output-limit", "4MiB"])
        self.assertGreater(len(more.out), 3 * MIB)

    def test_a_reader_that_does_not_read_saves_no_job(self):
        """The command waits for its reader; the job is long dead by then."""
        read_end, write_end = os.pipe()
        line = [harness.CORDON, "run", "-q", "--policy", "base/compute", "--wall-time", "500ms",
                "--cpu-time", "400ms", "--env", f"TOKEN={self.token}", "--", harness.ATTACK,
                "flood", "1"]
        with subprocess.Popen(line, stdout=write_end, stdin=subprocess.DEVNULL) as process:
            self.wait_until(lambda: select.select([read_end], [], [], 0)[0],
                            "the job never started")
            self.wait_until(lambda: not processes_with(self.token), "the job lives on")
            self.assertIsNone(process.poll())
            os.close(read_end)
            self.assertEqual(process.wait(timeout=60), 124)
        os.close(write_end)

    def wait_until(self, condition, otherwise):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline, otherwise)
            time.sleep(0.01)

    def test_bytes_arrive_as_they_were_written(self):
        every = bytes(range(256)) + b"\xed\xa0\x80\xc0\x80\xff\xfe\r\n\n\r"
        self.assertEqual(self.attack("all-bytes").out, every)
        self.assertEqual(self.attack("packets", "3000").out, b"p" * 3000)

    def test_closed_descriptors_are_not_the_end(self):
        folder = os.path.join(self.folder, "out")
        os.mkdir(folder)
        if harness.IS_ROOT:
            os.chown(folder, 65534, 65534)
        run = self.attack("close-stdio", "/out", flags=["--bind", f"{folder}:/out:rw"])
        self.assert_verdict(run, "EXITED")
        self.assertEqual(run.status, 23)
        self.assertEqual({os.path.getsize(os.path.join(folder, name))
                          for name in ("as0", "as1", "as2")}, {0})

    def test_a_result_cannot_be_forged(self):
        run = self.attack("forge")
        self.assertEqual((run.verdict, run.status, run.report["exit_code"]), ("EXITED", 9, 9))
        self.assertIn(b'"verdict": "EXITED"', run.out)

    def test_input_that_nobody_reads_delays_nothing(self):
        with open("/dev/zero", "rb") as zeros:
            run = self.attack("exit", "0", stdin=zeros)
            self.assert_verdict(run, "EXITED")
            run = self.attack("read-forever", stdin=zeros,
                              flags=["--wall-time", "300ms", "--cpu-time", "250ms"])
            self.assert_verdict(run, "WALL_LIMIT", "CPU_LIMIT")


class Terminal(EscapeTest):
    """The command on a real terminal, with a hostile job."""

    def on_a_terminal(self, line):
        """Everything that reached the terminal, without the \\r that the terminal adds."""
        master, slave = pty.openpty()
        seen = bytearray()

        def drain():
            while True:
                ready, _, _ = select.select([master], [], [], 0.2)
                if ready:
                    try:
                        piece = os.read(master, 65536)
                    except OSError:
                        return
                    if not piece:
                        return
                    seen.extend(piece)
                elif done.is_set():
                    return

        done = threading.Event()
        reader = threading.Thread(target=drain)
        reader.start()
        process = subprocess.Popen(line, stdin=slave, stdout=slave, stderr=slave,
                                   start_new_session=True)
        process.wait(timeout=60)
        done.set()
        reader.join()
        os.close(slave)
        os.close(master)
        return bytes(seen).replace(b"\r\n", b"\n")

    def test_no_byte_of_a_job_steers_the_terminal(self):
        seen = self.on_a_terminal([harness.CORDON, "run", "--", harness.ATTACK, "terminal"])
        control = self.on_a_terminal([harness.ATTACK, "terminal"])
        steering = [b"\x1b", b"\x07", b"\xc2\x9b", b"\x9d", b"\x9c", b"\x08", b"\xe2\x80\xae"]
        self.assertEqual([code for code in steering if code in seen], [])
        self.assertEqual([code for code in steering if code not in control], [])

    def test_the_terminal_is_out_of_reach(self):
        names = ["tiocsti", "tiocsctty", "dev_tty"]
        seen = self.on_a_terminal([harness.CORDON, "run", "--policy", self.without("seccomp"),
                                   "--", harness.ATTACK, "probe", *names]).decode()
        self.assertIn("tiocsti ENOTTY", seen)
        self.assertIn("tiocsctty ENOTTY", seen)
        self.assertIn("dev_tty ENOENT", seen)
        control = self.on_a_terminal([harness.ATTACK, "probe", *names]).decode()
        self.assertNotIn("tiocsctty ENOTTY", control)
