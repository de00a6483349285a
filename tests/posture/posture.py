# SPDX-License-Identifier: Apache-2.0
"""The posture of a process: all that an observer on the host can see of how it is confined.

Entry point: of_process(pid, Observer). Every value is read from the kernel, none from the job or
from Cordon. Lines are "section key: value". What is another number at each run (ids of processes,
of the fresh user, of namespaces) is shown by what it stands for, and what only the host's own
disks decide is left out; LEFT_OUT says what and why.
"""

import ctypes
import os
import re
import socket
import struct
import fcntl
from typing import Dict, List, NamedTuple

LEFT_OUT = {
    # Of /proc/PID/status.
    "Name State Tgid Ngid Pid PPid FDSize NStgid": "numbers of this run; shown by their meaning",
    "VmPeak VmSize VmLck VmPin VmHWM VmRSS RssAnon RssFile RssShmem VmData VmStk VmExe VmLib VmPTE "
    "VmSwap HugetlbPages CoreDumping SigQ voluntary_ctxt_switches nonvoluntary_ctxt_switches":
        "what the process uses at this moment",
    "Kthread THP_enabled untag_mask x86_Thread_features x86_Thread_features_locked":
        "the kernel's and the processor's, not in every release",
    "Speculation_Store_Bypass SpeculationIndirectBranch": "the processor's and the boot options'",
    "Mems_allowed_list Cpus_allowed_list": "the same as the masks",
}
LEFT_OUT_FIELDS = {field: why for fields, why in LEFT_OUT.items() for field in fields.split()}
STATUS_FIELDS = ("Umask TracerPid Threads SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapPrm CapEff "
                 "CapBnd CapAmb NoNewPrivs Seccomp Seccomp_filters").split()
SHOWN_OTHERWISE = "Uid Gid Groups NSpid NSpgid NSsid Cpus_allowed Mems_allowed".split()
# Made by the kernel in every new network namespace where the module is loaded; down, without an
# address. net.core.fb_tunnels_only_for_init_net decides.
FALLBACK_DEVICES = {"tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0",
                    "ip6tnl0", "ip6gre0"}
FRESH_ID = 0x60000000
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS = 0x8913
SYS_IOPRIO_GET = {"x86_64": 252, "aarch64": 31}
_LIBC = ctypes.CDLL(None, use_errno=True)


class Observer(NamedTuple):
    """Where the observer stands: what the job may have inherited is compared with `caller`."""
    caller: int      # the process that started the supervisor
    supervisor: int  # cordon run
    v2: bool         # control groups


def text_of(path: str) -> str:
    with open(path, encoding="utf-8", errors="backslashreplace") as file:
        return file.read()


def _readable(path: str) -> str:
    """For what the kernel shows of a user's own sandboxes only."""
    try:
        return text_of(path).strip()
    except PermissionError:
        return "not readable"


def status_of(folder: str) -> Dict[str, str]:
    fields = {}
    for line in text_of(folder + "/status").splitlines():
        name, _, value = line.partition(":")
        fields[name] = " ".join(value.split())
    return fields


def stat_of(folder: str) -> List[str]:
    """Fields by proc(5)'s numbers; [0] to [2] are fillers."""
    return ["", "", ""] + text_of(folder + "/stat").rpartition(")")[2].split()


def _ids(found: str, own: int) -> str:
    values = found.split()
    if len(set(values)) != 1:
        return found
    value = int(values[0])
    if value >= FRESH_ID:
        return "a fresh one, four times"
    return "the caller's, four times" if value == own else found


def _namespaced(found: str) -> str:
    """The number inside: the last one."""
    return found.split()[-1] if len(found.split()) > 1 else "not in a pid namespace"


def _or_callers(found: str, callers: str) -> str:
    return "the caller's" if found == callers else found


def thread_lines(task: str, observer: Observer) -> List[str]:
    """What belongs to a thread; `task` is its folder in /proc."""
    caller = f"/proc/{observer.caller}"
    status, callers = status_of(task), status_of(caller)
    lines = [f"status {name}: {status.get(name, 'no such field')}" for name in STATUS_FIELDS]
    lines.append(f"status Uid: {_ids(status['Uid'], os.getuid())}")
    lines.append(f"status Gid: {_ids(status['Gid'], os.getgid())}")
    groups = "none" if not status["Groups"] else _or_callers(status["Groups"], callers["Groups"])
    lines.append(f"status Groups: {groups}")
    for name in ("Cpus_allowed", "Mems_allowed"):
        lines.append(f"status {name}: {_or_callers(status[name], callers[name])}")
    for name in ("NSpgid", "NSsid"):
        lines.append(f"status {name}: {_namespaced(status[name])}")
    stat = stat_of(task)
    for number, name in ((18, "priority"), (19, "nice"), (40, "real-time priority"),
                         (41, "policy")):
        lines.append(f"scheduling {name}: {stat[number]}")
    lines.append(f"scheduling i/o class: {_io_class(int(os.path.basename(task)))}")
    for name in sorted(os.listdir(task + "/ns")):
        same = os.readlink(f"{task}/ns/{name}") == os.readlink(f"{caller}/ns/{name}")
        lines.append(f"namespaces {name}: {'the caller' + chr(39) + 's' if same else 'its own'}")
    lines.append(f"apparmor label: {_label(task)}")
    return lines


def _io_class(thread: int) -> str:
    number = SYS_IOPRIO_GET.get(os.uname().machine)
    if number is None:
        return "none or best effort 4"
    found = _LIBC.syscall(number, 1, thread)
    kind, level = found >> 13, found & 7
    return "none or best effort 4" if kind == 0 or (kind, level) == (2, 4) else f"{kind} {level}"


def _label(task: str) -> str:
    """The profile's name without the hash of its text."""
    try:
        found = text_of(task + "/attr/current").rstrip("\n\0")
    except OSError:
        return "this kernel runs without AppArmor"
    found = re.sub(r":cordon-\d+:", ":cordon-UID:", found)
    return re.sub(r"(cordon-[a-z-]+)-[0-9a-f]{16}", r"\1-HASH", found)


def _limit_lines(process: str, observer: Observer) -> List[str]:
    def rows(folder):
        found = {}
        for line in text_of(folder + "/limits").splitlines()[1:]:
            name, soft, hard = line[:26].strip(), line[26:47].strip(), line[47:68].strip()
            found[name] = f"{soft} {hard}" if soft != hard else soft
        return found

    own, callers = rows(process), rows(f"/proc/{observer.caller}")
    # A job without a limit of its own has the caller's; one that happens to be equal is a limit.
    inherited = ("Max cpu time", "Max data size", "Max resident set", "Max processes",
                 "Max address space", "Max file locks", "Max realtime timeout")
    return [f"limits {name}: "
            f"{_or_callers(value, callers[name]) if name in inherited else value}"
            for name, value in own.items()]


def _super_options(options: str, ids: List[str]) -> str:
    shown = []
    for option in options.split(","):
        name, _, value = option.partition("=")
        if name == "inode64":  # how the kernel was built
            continue
        shown.append(f"{name}=the job's" if name in ("uid", "gid") and value in ids else option)
    return ",".join(shown)


def _mount_lines(process: str, ids: List[str]) -> List[str]:
    """Place, kind, flags of the mount; superblock of what is the sandbox's own, propagation. Where
    a bind comes from, its superblock and its atime are the host's."""
    lines = []
    for line in text_of(process + "/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        words, (kind, _, options) = left.split(), right.split(" ", 2)
        flags = [flag for flag in words[5].split(",") if not flag.endswith("atime")]
        propagation = words[6:] or ["private"]
        own = kind in ("tmpfs", "proc") and words[3] == "/"
        shown = f"{kind} {_super_options(options, ids)}" if own else "bind"
        lines.append(f"mounts {words[4]}: {','.join(flags)}; {shown}; {' '.join(propagation)}")
    return sorted(lines)


def _descriptor_lines(process: str) -> List[str]:
    lines = []
    for name in sorted(os.listdir(process + "/fd"), key=int):
        target = re.sub(r":\[\d+\]$", "", os.readlink(f"{process}/fd/{name}"))
        found = re.search(r"^flags:\s*(\d+)", text_of(f"{process}/fdinfo/{name}"), re.M)
        flags = int(found.group(1), 8)
        words = [("read", "write", "read and write")[flags & 3]]
        words += ["nonblocking"] if flags & os.O_NONBLOCK else []
        words += ["append"] if flags & os.O_APPEND else []
        words += ["closed by exec"] if flags & os.O_CLOEXEC else []
        lines.append(f"descriptors {name}: {target}, {', '.join(words)}")
    return lines


GROUP_FILES = (  # label, controller, file of v2, file of v1
    ("memory", "memory", "memory.max", "memory.limit_in_bytes"),
    ("kill as one", "memory", "memory.oom.group", ""),
    ("processes, init included", "pids", "pids.max", "pids.max"),
    ("groups below", "pids", "cgroup.max.descendants", ""),
)


def group_folder(pid: int, controller: str, v2: bool) -> str:
    """Where the control group of a process is mounted; empty when it is not visible."""
    for line in text_of(f"/proc/{pid}/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        if (v2 and names == "") or (not v2 and controller in names.split(",")):
            root = "/sys/fs/cgroup" if v2 else f"/sys/fs/cgroup/{controller}"
            return root + path
    return ""


def _swap(folder: str, v2: bool) -> str:
    try:
        if v2:
            return text_of(folder + "/memory.swap.max").strip()
        both = int(text_of(folder + "/memory.memsw.limit_in_bytes"))
        return str(both - int(text_of(folder + "/memory.limit_in_bytes")))
    except OSError:
        return "not accounted"


def _group_lines(pid: int, observer: Observer) -> List[str]:
    lines = []
    for controller in ("memory", "pids"):
        name = os.path.basename(group_folder(pid, controller, observer.v2))
        own = name.startswith(f"cordon-{observer.supervisor}-")
        lines.append(f"group of {controller}: {'its own' if own else 'not one of Cordon'}")
    if "its own" not in lines[0]:
        return lines
    for label, controller, of_v2, of_v1 in GROUP_FILES:
        file = of_v2 if observer.v2 else of_v1
        if file:
            path = os.path.join(group_folder(pid, controller, observer.v2), file)
            lines.append(f"group {label}: {text_of(path).strip()}")
        else:
            lines.append(f"group {label}: cgroup v1 cannot")
    lines.append(f"group swap: {_swap(group_folder(pid, 'memory', observer.v2), observer.v2)}")
    return lines


def _inside(pid: int) -> List[str]:
    """Limits of namespaces and network devices, which only show themselves to a process in the
    namespaces: a child of ours goes there for a look, and into nothing else."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            lines = _look_inside(pid)
        except OSError as error:
            lines = [f"inside: {error}"]
        os.write(send, "\n".join(lines).encode())
        os._exit(0)
    os.close(send)
    with os.fdopen(receive, "rb") as file:
        found = file.read().decode()
    os.waitpid(child, 0)
    return found.split("\n")


def _enter(namespace: int, kind: int) -> None:
    if _LIBC.setns(namespace, kind) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _look_inside(pid: int) -> List[str]:
    user = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user"):
        _enter(user, CLONE_NEWUSER)
    lines = [f"inside {name}: {text_of('/proc/sys/user/' + name).strip()}"
             for name in sorted(os.listdir("/proc/sys/user")) if name.endswith("_namespaces")]
    _enter(network, CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            request = struct.pack("16sh22x", name.encode(), 0)
            flags = struct.unpack("16sh22x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
            if name not in FALLBACK_DEVICES or flags & 1:
                lines.append(f"network device {name}: {'up' if flags & 1 else 'down'}")
    return lines


def _network_lines(pid: int) -> List[str]:
    lines = []
    for name in ("route", "ipv6_route", "unix", "tcp", "udp", "packet"):
        path = f"/proc/{pid}/net/{name}"
        if not os.path.exists(path):
            continue
        rows = text_of(path).splitlines()
        heads = 0 if name == "ipv6_route" else 1
        lines.append(f"network {name}: {max(0, len(rows) - heads)}")
    return lines


def _process_lines(pid: int, observer: Observer) -> List[str]:
    process = f"/proc/{pid}"
    status, stat = status_of(process), stat_of(process)
    ids = [status["Uid"].split()[0], status["Gid"].split()[0]]
    parent = status_of(f"/proc/{status['PPid']}")
    lines = [
        f"process number inside: {_namespaced(status['NSpid'])}",
        f"process parent: {parent['Name']}",
        f"process parent of the parent is the supervisor: "
        f"{parent['PPid'] == str(observer.supervisor)}",
        f"process leads its session and group: {stat[6] == stat[5] == str(pid)}",
        f"process terminal: {'none' if stat[7] == '0' else stat[7]}",
        f"process signal at its end: {stat[38]}",
        f"process program: {os.readlink(process + '/exe')}",
        f"process root: {os.readlink(process + '/root')}",
        f"process working directory: {os.readlink(process + '/cwd')}",
        f"process out-of-memory score: {text_of(process + '/oom_score_adj').strip()}",
        f"process personality: {text_of(process + '/personality').strip()}",
        f"process core dump filter: {text_of(process + '/coredump_filter').strip()}",
        f"process timer slack: {_readable(process + '/timerslack_ns')}",
        f"process readable by its own: {os.stat(process).st_uid == int(ids[0])}",
    ]
    for file in ("uid_map", "gid_map"):
        rows = text_of(f"{process}/{file}").split()
        same = len(rows) == 3 and rows[1] in ids
        lines.append(f"ids {file}: {rows[0] + ' is its id, one' if same else ' '.join(rows)}")
    lines.append(f"ids setgroups: {text_of(process + '/setgroups').strip()}")
    lines.append(f"ids projid_map: {text_of(process + '/projid_map').strip() or 'empty'}")
    for each in sorted(text_of(process + "/environ").split("\0")):
        if each:
            lines.append(f"environment {each.partition('=')[0]}: {each.partition('=')[2]}")
    return (lines + _limit_lines(process, observer) + _mount_lines(process, ids) +
            _descriptor_lines(process) + _group_lines(pid, observer) + _network_lines(pid) +
            _inside(pid))


def unjudged_fields(pid: int) -> List[str]:
    """Fields of status that this file neither shows nor has a reason to leave out."""
    known = set(STATUS_FIELDS) | set(SHOWN_OTHERWISE) | set(LEFT_OUT_FIELDS)
    return sorted(set(status_of(f"/proc/{pid}")) - known)


def of_process(pid: int, observer: Observer) -> List[str]:
    """The posture, sorted by section; a thread that differs from the first one has its own lines.
    """
    main = thread_lines(f"/proc/{pid}/task/{pid}", observer)
    lines = main + _process_lines(pid, observer)
    threads = sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))
    for number, thread in enumerate(threads):
        for line in thread_lines(f"/proc/{pid}/task/{thread}", observer):
            if line not in main:
                lines.append(f"thread {number} {line}")
    return lines
