# SPDX-License-Identifier: Apache-2.0
"""What a job can learn and reach: secrets, sockets, names of the host; and its posture, read from
outside while it runs."""

import os
import socket
import subprocess
import time

import harness
from harness import IS_ROOT, EscapeTest, processes_with

SECRET = "5ecretOfTheCaller"


class Isolation(EscapeTest):
    def test_no_secret_of_the_caller_is_seen(self):
        """In files of every process that can be listed, the environment, the auxiliary vector."""
        environment = dict(os.environ, CALLERS_SECRET=SECRET)
        hidden = os.path.join(self.folder, SECRET)
        os.mkdir(hidden)
        os.chmod(hidden, 0o755)
        files = ["/etc/hostname", "/etc/machine-id", "/etc/resolv.conf", "/proc/cmdline",
                 "/proc/keys", "/proc/net/unix", "/proc/mounts", "/proc/swaps"]
        for policy in ("base/strict", "base/build", "ci/cmake", self.without("seccomp"),
                       self.without("landlock")):
            run = self.attack("look", *files, policy=policy, env=environment, cwd=hidden)
            self.assert_verdict(run, "EXITED")
            text = run.text
            for secret in (SECRET, harness.CORDON, os.uname().nodename + "\n"):
                self.assertNotIn(secret, text)
            self.assertIn("nodename cordon", text)
            # Itself and the init.
            self.assertEqual(text.count("== process"), 2)
            self.assertNotIn("/proc/1/environ", text)
        control = self.outside("look", *files, env=environment, cwd=hidden)
        self.assertIn(SECRET, control.text)
        self.assertIn(os.uname().nodename, control.text)

    def test_cgroups_and_ids_of_the_host_are_not_seen(self):
        run = self.attack("look", "/proc/self/cgroup", "/proc/self/status", "/etc/passwd")
        self.assertNotRegex(run.text, r"cordon-[0-9]")
        for line in run.text.splitlines():
            if line.count(":") == 2 and line.split(":")[0].isdigit():
                self.assertEqual(line.split(":")[2], "/", line)
        self.assertIn("Uid:\t1000\t1000\t1000\t1000", run.text)
        control = self.outside("look", "/etc/passwd")
        self.assertIn("root:", control.text)
        self.assertNotIn("root:", run.text)

    def listeners(self):
        """TCP, UDP, an abstract and a named socket of the host; counts who comes."""
        tcp = socket.create_server(("127.0.0.1", 0))
        port = tcp.getsockname()[1]
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", port))
        name = f"cordon_escape_{os.getpid()}"
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind("\0" + name)
        named = socket.socket(socket.AF_UNIX)
        path = os.path.join(self.folder, "socket")
        named.bind(path)
        os.chmod(path, 0o666)
        for listener in (abstract, named):
            listener.listen(8)
        for listener in (tcp, udp, abstract, named):
            listener.setblocking(False)
            self.addCleanup(listener.close)

        def came():
            count = 0
            for listener in (tcp, abstract, named):
                try:
                    listener.accept()[0].close()
                    count += 1
                except BlockingIOError:
                    pass
            try:
                count += 1 if udp.recv(100) else 0
            except BlockingIOError:
                pass
            return count

        return ["connect", str(port), name, path], came

    def test_no_socket_of_the_host_is_reached(self):
        words, came = self.listeners()
        open_filter = self.policy('seccomp { allow: ["inet", "unix"] '
                                  'rule { calls: "openat" action: ALLOW } }')
        for policy in ("base/build", "ci/cmake", open_filter, self.without("seccomp"),
                       self.without("landlock")):
            self.attack(*words, policy=policy)
            self.assertEqual(came(), 0, policy)
        self.attack(*words, policy="base/strict")
        self.assertEqual(came(), 0)
        self.outside(*words)
        self.assertEqual(came(), 4)

    def test_a_bound_socket_is_the_operators_gift(self):
        """The control of the one above: what a policy binds is reached, and not by its default."""
        words, came = self.listeners()
        folder = ["--bind", f"{self.folder}:{self.folder}:ro"]
        self.attack(*words, policy="ci/cmake", flags=folder)
        self.assertEqual(came(), 1)
        self.attack(*words, policy="base/build", flags=folder)
        self.assertEqual(came(), 0)


    def test_a_descriptor_of_another_job_leads_to_no_file_of_the_host(self):
        """Two jobs that an operator lets share a folder, and one gives the other its root."""
        secret = os.path.join(self.folder, "secret")
        shared = os.path.join(self.folder, "shared")
        with open(secret, "w", encoding="utf-8") as file:
            file.write(SECRET)
        os.mkdir(shared)
        os.chmod(shared, 0o777)
        if IS_ROOT:
            os.chown(shared, 65534, 65534)
        bind = ["--bind", f"{shared}:/shared:rw"]

        def taken(giver, take, name):
            with subprocess.Popen([*giver, "give-root", name], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE) as process:
                self.assertEqual(process.stdout.readline(), b"ready ok:0\n")
                try:
                    return take("take-root", name, secret)
                finally:
                    process.terminate()

        job = [harness.CORDON, "run", "-q", "--policy", "ci/cmake", *bind, "--", harness.ATTACK]
        run = taken(job, lambda *words: self.attack(*words, policy="ci/cmake", flags=bind),
                    "/shared/socket")
        self.assert_verdict(run, "EXITED")
        self.assertEqual((run.answers()["met"], run.answers()["took"]), ("ok", "ok"))
        self.assertNotIn(SECRET, run.text)
        os.unlink(os.path.join(shared, "socket"))
        control = taken([harness.ATTACK], self.outside, os.path.join(shared, "socket"))
        self.assertIn(SECRET, control.text)


class Posture(EscapeTest):
    """A job that runs, as the host's kernel shows it."""

    def running(self, policy, *words, **options):
        """Host process ids of a running job and of its init."""
        process = subprocess.Popen(
            [harness.CORDON, "run", "-q", "--policy", policy, "--env", f"TOKEN={self.token}",
             "--", harness.ATTACK, *(words or ["sleeper"])], stdin=subprocess.DEVNULL, **options)
        self.addCleanup(self.end, process)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for pid in processes_with(self.token):
                parent = self.status(pid).get("PPid", "")
                # The last of the ids that a process has is the one in its own namespace: 1 is the
                # init, 2 was the twin, which is gone before the job starts.
                if self.status(pid).get("NSpid", "").split()[-1:] == ["3"]:
                    return pid, int(parent), process
            time.sleep(0.01)
        self.fail("the job never started")
        return 0, 0, process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.terminate()
            process.wait()

    @staticmethod
    def status(pid):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        except OSError:
            return {}

    def test_job_and_init_have_no_rights(self):
        for policy in ("base/strict", "base/compute", "base/build", "ci/cmake"):
            job, init, process = self.running(policy)
            for pid in (job, init):
                status = self.status(pid)
                for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                    self.assertEqual(int(status[name], 16), 0, (policy, name))
                self.assertEqual(status["NoNewPrivs"], "1")
                self.assertEqual(status["Seccomp"], "2")
                if IS_ROOT:
                    self.assertEqual(status["Groups"].strip(), "")
                self.assertNotIn("0", status["Uid"].split())
                self.assertNotIn("0", status["Gid"].split())
            self.assertEqual(self.status(init)["Name"], "cordon-init")
            self.end(process)
        control = self.status(os.getpid())
        self.assertEqual(control["NoNewPrivs"], "0")
        self.assertEqual(control["Seccomp"], "0")

    def test_every_thread_is_confined(self):
        """Whatever is of one thread only: as the host sees each, and as each meets Landlock."""
        for policy, answer in (("base/compute", "EACCES"), (self.without("landlock"), "ok:0")):
            job, _, process = self.running(policy, "threads-try", stdout=subprocess.PIPE, text=True)
            said = [process.stdout.readline() for _ in range(7)]
            tasks = os.listdir(f"/proc/{job}/task")
            self.assertEqual(len(tasks), 6)
            labels = set()
            for task in tasks:
                status = self.status(f"{job}/task/{task}")
                self.assertEqual([int(status[f"Cap{name}"], 16) for name in ("Eff", "Prm", "Bnd")],
                                 [0, 0, 0])
                self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
                labels.add(self.label(f"{job}/task/{task}"))
            self.assertEqual(len(labels), 1, labels)
            self.end(process)
            process.stdout.close()
            if harness.FACTS.get("landlock_abi", 0):
                self.assertEqual(said, [f"thread {answer}\n"] * 7)

    @staticmethod
    def label(task):
        """Of AppArmor; empty where there is none."""
        try:
            with open(f"/proc/{task}/attr/apparmor/current", encoding="utf-8") as file:
                return file.read()
        except OSError:
            return ""

    def test_root_inside_has_no_rights_after_an_exec_either(self):
        """A policy may call the job root; an exec by root is what would give it all of them."""
        named_root = "identity { uid: 0 gid: 0 }"
        for policy in (self.policy(named_root), self.without("seccomp", more=named_root)):
            run = self.attack("exec-status", policy=policy)
            self.assert_verdict(run, "EXITED")
            self.assertIn("Uid:\t0\t0\t0\t0", run.text)
            for name in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
                self.assertIn(f"Cap{name}:\t0000000000000000", run.text)
        control = subprocess.run(["unshare", "--user", "--map-root-user", harness.ATTACK,
                                  "exec-status"], capture_output=True, check=True, text=True)
        self.assertIn("Uid:\t0\t0\t0\t0", control.stdout)
        self.assertNotIn("CapEff:\t0000000000000000", control.stdout)

    def test_every_namespace_is_its_own(self):
        job, _, _ = self.running("base/compute")
        for name in ("mnt", "user", "pid", "net", "ipc", "uts", "cgroup"):
            own = os.readlink(f"/proc/self/ns/{name}")
            self.assertNotEqual(os.readlink(f"/proc/{job}/ns/{name}"), own, name)
        self.assertEqual(os.readlink(f"/proc/{job}/ns/time"), os.readlink("/proc/self/ns/time"))

    def test_descriptors_limits_and_mounts(self):
        job, _, _ = self.running("base/compute")
        self.assertEqual(sorted(os.listdir(f"/proc/{job}/fd")), ["0", "1", "2"])
        for fd in ("0", "1", "2"):
            self.assertTrue(os.readlink(f"/proc/{job}/fd/{fd}").startswith("pipe:"))
        with open(f"/proc/{job}/mountinfo", encoding="utf-8") as file:
            mounts = [line.split() for line in file]
        for mount in mounts:
            options = mount[5].split(",")
            self.assertIn("nosuid", options, mount)
            self.assertEqual(mount[6], "-", "a mount that propagates")
            if mount[4] not in ("/tmp", "/work", "/dev/shm", "/proc") and "dev" not in mount[4]:
                self.assertIn("ro", options, mount)
        with open(f"/proc/{job}/limits", encoding="utf-8") as file:
            limits = file.read()
        self.assertRegex(limits, r"Max core file size\s+1\s+1")
        self.assertRegex(limits, r"Max nice priority\s+0\s+0")
        self.assertRegex(limits, r"Max realtime priority\s+0\s+0")
        with open(f"/proc/{job}/oom_score_adj", encoding="utf-8") as file:
            self.assertEqual(file.read().strip(), "1000")

    def test_later_mounts_of_the_host_do_not_arrive(self):
        if not IS_ROOT:
            self.skipTest("needs root to mount on the host")
        folder = os.path.join(self.folder, "tree")
        os.makedirs(os.path.join(folder, "below"))
        # In a mount namespace of its own, made shared: what the host does to others.
        script = f"""
            mount -t tmpfs none {folder} && mount --make-rshared {folder} && mkdir {folder}/below
            {harness.CORDON} run -q --bind {folder}:/tree:ro -- {harness.ATTACK} sleeper &
            for i in $(seq 200); do
              job=$(pgrep -f "^{harness.ATTACK} sleeper$" | head -1)
              grep -qs /tree /proc/$job/mountinfo && break; sleep 0.05
            done
            mount -t tmpfs none {folder}/below || exit 3
            grep -c below /proc/$job/mountinfo
            grep -c below /proc/self/mountinfo
            kill %1; wait
        """
        done = subprocess.run(["unshare", "-m", "bash", "-c", script], capture_output=True,
                              check=False, timeout=60, text=True)
        self.assertEqual(done.stdout.split(), ["0", "1"], done.stderr)

    def test_two_jobs_of_root_are_two_users(self):
        if not IS_ROOT:
            self.skipTest("needs root, whose jobs get ids of their own")
        first, _, _ = self.running("base/compute")
        token, self.token = self.token, self.token + "_second"
        second, _, _ = self.running("base/compute")
        self.token = token
        self.assertNotEqual(self.status(first)["Uid"], self.status(second)["Uid"])
