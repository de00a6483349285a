// SPDX-License-Identifier: Apache-2.0
// The tables of promises and dangers. A call stands in the least risky promise that needs it, and
// every block says why. Paths are decided by mounts and never by a filter: the path promises look
// at flags, which are in registers, and not at names, which another thread could change.
#include "policy/bpf/syscall_groups.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/bpf/suggest.h"

namespace cordon {
namespace {

// All flags of clone(2) that make a namespace. CLONE_NEWTIME shares its bit with the exit signal
// and therefore works in unshare and clone3 only.
#define CORDON_NEW_NAMESPACES                                                               \
  "CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|CLONE_" \
  "NEWNET"

constexpr GroupEntry kStdio[] = {
    {"read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek", "",
     "moves bytes through descriptors that are open already"},
    {"close close_range dup dup2 dup3", "", "keeps the table of descriptors"},
    {"sendfile copy_file_range", "", "moves bytes between open descriptors without a buffer"},
    {"pipe", "", "talks to itself and its children"},
    {"pipe2", "1 & O_NOTIFICATION_PIPE = 0", "a notification pipe would reach the watch queue"},
    {"poll ppoll select pselect6", "", "waits for descriptors"},
    {"epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2",
     "", "waits for many descriptors; run-time libraries wake their loops with eventfd"},
    {"fstat newfstatat statx", "", "buffer sizes depend on the file; fstat of libc is newfstatat"},
    {"fcntl",
     "1 in F_DUPFD F_DUPFD_CLOEXEC F_GETFD F_SETFD F_GETFL F_SETFL F_GETPIPE_SZ F_GET_SEALS",
     "descriptor flags; leases, notifications and signal owners stay out"},
    {"ioctl", "1 in TCGETS TIOCGWINSZ FIONREAD FIONBIO FIOCLEX FIONCLEX",
     "is it a terminal, how many bytes wait; nothing that types into a terminal"},
    {"getrandom", "", "seeds of hash tables and of the allocator"},
    {"exit exit_group", "", "ends itself"},
};

constexpr GroupEntry kMemory[] = {
    {"brk munmap mprotect mremap msync mincore", "", "its own address space, charged to its limit"},
    {"mmap", "3 & MAP_HUGETLB = 0", "huge pages come from a pool that the memory limit misses"},
    {"madvise",
     "2 in MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MADV_DONTNEED MADV_FREE "
     "MADV_DONTFORK MADV_DOFORK MADV_HUGEPAGE MADV_NOHUGEPAGE MADV_DONTDUMP MADV_DODUMP "
     "MADV_WIPEONFORK MADV_KEEPONFORK MADV_POPULATE_READ MADV_POPULATE_WRITE "
     "MADV_DONTNEED_LOCKED MADV_COLLAPSE",
     "hints of allocators; not page merging, which leaks between jobs, nor poisoning, nor what "
     "takes "
     "pages of the caller's own files out of the host's cache (COLD, PAGEOUT)"},
    {"mlock munlock mlock2", "", "keys and real-time buffers; RLIMIT_MEMLOCK holds it small"},
    {"pkey_alloc pkey_free pkey_mprotect", "", "just-in-time compilers guard their code pages"},
};

constexpr GroupEntry kSelf[] = {
    {"arch_prctl", "0 in ARCH_SET_FS ARCH_GET_FS ARCH_GET_GS ARCH_CET_STATUS",
     "the thread pointer, set by every libc; ARCH_CET_STATUS is asked at start"},
    {"set_tid_address set_robust_list get_robust_list rseq", "", "libc registers each thread"},
    {"futex sched_yield membarrier", "", "locks; single-threaded programs use futex too"},
    {"getpid gettid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp "
     "getpgid getsid capget",
     "", "who am I; all of it is virtual inside"},
    {"uname sysinfo getcpu sched_getaffinity", "", "how many processors, how much memory"},
    {"getrlimit getrusage", "", "own limits and usage"},
    {"prlimit64", "0 = 0, 2 = 0", "reads own limits; setting them, or those of others, stays out"},
    {"prctl",
     "0 in PR_SET_NAME PR_GET_NAME PR_GET_DUMPABLE PR_GET_SECCOMP PR_CAPBSET_READ "
     "PR_GET_NO_NEW_PRIVS PR_SET_NO_NEW_PRIVS PR_GET_TIMERSLACK PR_SET_TIMERSLACK "
     "PR_GET_THP_DISABLE PR_SET_THP_DISABLE PR_SET_VMA PR_GET_PDEATHSIG",
     "names of threads and of memory, own state; each other option is a decision of its own"},
    {"personality", "0 in 0xffffffff PER_LINUX",
     "asks for the personality, or keeps the usual one"},
    {"umask", "", "own creation mask"},
};

constexpr GroupEntry kTime[] = {
    {"clock_gettime clock_getres gettimeofday time times", "", "reads clocks"},
    {"nanosleep clock_nanosleep", "", "sleeps; the wall limit counts it"},
    {"alarm setitimer getitimer timer_create timer_settime timer_gettime timer_getoverrun "
     "timer_delete timerfd_create timerfd_settime timerfd_gettime",
     "", "timers that signal the job itself"},
};

constexpr GroupEntry kSignal[] = {
    {"rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack rt_sigpending rt_sigtimedwait "
     "rt_sigsuspend pause restart_syscall signalfd signalfd4",
     "", "handles signals"},
    {"kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo", "",
     "sends signals; the process namespace holds only the job and its init, which ignores them"},
};

constexpr GroupEntry kRpath[] = {
    {"open", "1 & O_ACCMODE|O_CREAT|O_TRUNC|__O_TMPFILE = O_RDONLY", "opens for reading only"},
    {"openat", "2 & O_ACCMODE|O_CREAT|O_TRUNC|__O_TMPFILE = O_RDONLY", "opens for reading only"},
    {"stat lstat access faccessat faccessat2 readlink readlinkat statfs fstatfs", "",
     "looks at names that the mounts show"},
    {"getdents getdents64", "", "lists directories"},
    {"getcwd chdir fchdir", "", "moves inside the root, which it cannot leave"},
    {"getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr", "",
     "ls and cp look at attributes"},
    {"fadvise64",
     "3 in POSIX_FADV_NORMAL POSIX_FADV_RANDOM POSIX_FADV_SEQUENTIAL POSIX_FADV_WILLNEED "
     "POSIX_FADV_NOREUSE",
     "hints about reading; POSIX_FADV_DONTNEED would take files of the host out of its cache"},
    {"readahead", "", "a hint about reading"},
};

constexpr GroupEntry kWpath[] = {
    {"open", "1 & O_CREAT|__O_TMPFILE = 0", "opens existing files for writing"},
    {"openat", "2 & O_CREAT|__O_TMPFILE = 0", "opens existing files for writing"},
    {"truncate ftruncate fallocate", "", "sizes of files, within RLIMIT_FSIZE and the mount"},
    {"fsync fdatasync sync_file_range", "", "writes out own files"},
};

// Opening looks at the mode as well: neither set-id bit can be born.
constexpr GroupEntry kCpath[] = {
    {"open", "1 & __O_TMPFILE = 0, 2 & S_ISUID|S_ISGID = 0", "creates files without set-id bits"},
    {"openat", "2 & __O_TMPFILE = 0, 3 & S_ISUID|S_ISGID = 0", "creates files without set-id bits"},
    {"creat", "1 & S_ISUID|S_ISGID = 0", "creates files without set-id bits"},
    {"mkdir mkdirat rmdir unlink unlinkat rename renameat", "", "keeps a directory of its own"},
    {"renameat2", "4 & RENAME_WHITEOUT = 0", "a whiteout is a device node"},
    {"link linkat symlink symlinkat", "", "links; nothing outside follows a name made inside"},
};

constexpr GroupEntry kFattr[] = {
    {"chmod fchmod", "1 & S_ISUID|S_ISGID = 0", "permission bits without set-id"},
    {"fchmodat fchmodat2", "2 & S_ISUID|S_ISGID = 0", "permission bits without set-id"},
    {"utime utimes futimesat utimensat", "", "times of files: archives and build tools"},
    {"ioctl", "1 = FS_IOC_GETFLAGS", "archivers read the attributes of files"},
    {"chown lchown fchown fchownat", "", "to itself only: no other id is mapped"},
};

constexpr GroupEntry kFlock[] = {
    {"flock", "", "locks files; a lock on a shared file is seen by other jobs"},
    {"fcntl", "1 in F_GETLK F_SETLK F_SETLKW F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW",
     "record locks, as above"},
};

constexpr GroupEntry kTmpfile[] = {
    {"open", "1 & __O_TMPFILE = __O_TMPFILE, 2 & S_ISUID|S_ISGID = 0", "files without a name"},
    {"openat", "2 & __O_TMPFILE = __O_TMPFILE, 3 & S_ISUID|S_ISGID = 0", "files without a name"},
    {"memfd_create", "1 & MFD_HUGETLB = 0", "files in memory; they can be executed"},
    {"fcntl", "1 = F_ADD_SEALS", "seals of files in memory"},
};

constexpr GroupEntry kThread[] = {
    {"clone", "0 & CLONE_THREAD|" CORDON_NEW_NAMESPACES " = CLONE_THREAD",
     "threads of the same process, and no namespaces"},
    {"sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min "
     "sched_rr_get_interval",
     "", "thread libraries read the attributes of threads"},
};

constexpr GroupEntry kExec[] = {
    {"execve execveat", "", "becomes another program; also how the job itself starts"},
};

constexpr GroupEntry kProc[] = {
    {"fork vfork", "", "new processes, counted by the process limit"},
    {"clone", "0 & " CORDON_NEW_NAMESPACES " = 0", "new processes and threads, no namespaces"},
    {"wait4 waitid", "", "waits for them"},
    {"setpgid setsid", "", "job control of shells"},
    {"pidfd_open pidfd_send_signal", "", "race-free signals and waits inside the own namespace"},
    {"prctl", "0 in PR_SET_PDEATHSIG PR_SET_CHILD_SUBREAPER PR_GET_CHILD_SUBREAPER",
     "children that end with their parent"},
};

constexpr GroupEntry kSched[] = {
    {"getpriority ioprio_get", "", "reads priorities"},
    {"setpriority", "0 = PRIO_PROCESS", "lowers its own; PRIO_USER would touch other jobs"},
    {"sched_setaffinity", "", "within the processors that its cpuset has"},
    {"sched_setscheduler", "1 in SCHED_OTHER SCHED_BATCH SCHED_IDLE",
     "no real-time class, whatever the limits say"},
};

// All of getrlimit(2) but RLIMIT_CORE.
#define CORDON_OWN_LIMITS                                                                   \
  "RLIMIT_CPU RLIMIT_FSIZE RLIMIT_DATA RLIMIT_STACK RLIMIT_RSS RLIMIT_NPROC RLIMIT_NOFILE " \
  "RLIMIT_MEMLOCK RLIMIT_AS RLIMIT_LOCKS RLIMIT_SIGPENDING RLIMIT_MSGQUEUE RLIMIT_NICE "    \
  "RLIMIT_RTPRIO RLIMIT_RTTIME"

constexpr GroupEntry kLimits[] = {
    {"setrlimit", "0 in " CORDON_OWN_LIMITS,
     "tightens own limits: hard limits cannot be raised without capabilities; not RLIMIT_CORE: at "
     "0 a crash starts the program of kernel.core_pattern as the host's root, at 1 it does not"},
    {"prlimit64", "0 = 0, 1 in " CORDON_OWN_LIMITS,
     "the same call in its modern form, on the caller only"},
};

constexpr GroupEntry kIds[] = {
    {"setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid", "",
     "sets ids to its own: no other is mapped; shells and archivers do so at start"},
};

constexpr GroupEntry kTty[] = {
    {"ioctl",
     "1 in TCSETS TCSETSW TCSETSF TCSBRK TCXONC TCFLSH TIOCGPGRP TIOCSPGRP TIOCGSID TIOCSWINSZ "
     "TIOCOUTQ",
     "modes of a terminal; never TIOCSTI or TIOCLINUX, which type into it"},
};

// What both families of sockets need once a socket exists.
#define CORDON_SOCKET_OPTIONS                                                              \
  "SO_REUSEADDR SO_TYPE SO_ERROR SO_BROADCAST SO_SNDBUF SO_RCVBUF SO_KEEPALIVE SO_LINGER " \
  "SO_REUSEPORT SO_PASSCRED SO_PEERCRED SO_RCVLOWAT SO_SNDLOWAT SO_RCVTIMEO SO_SNDTIMEO "  \
  "SO_ACCEPTCONN SO_PROTOCOL SO_DOMAIN"

constexpr GroupEntry kSocketIo[] = {
    {"bind connect listen accept accept4 getsockname getpeername shutdown", "",
     "names and connects sockets that could be made"},
    {"sendto recvfrom", "3 & MSG_OOB = 0", "moves messages; out-of-band data had grave bugs"},
    {"sendmsg recvmsg", "2 & MSG_OOB = 0", "moves messages; out-of-band data had grave bugs"},
    {"sendmmsg recvmmsg", "3 & MSG_OOB = 0", "moves messages; out-of-band data had grave bugs"},
    {"setsockopt getsockopt", "1 = SOL_SOCKET, 2 in " CORDON_SOCKET_OPTIONS,
     "plain options; neither filters nor devices nor marks"},
};

constexpr GroupEntry kSocketPair[] = {
    {"socketpair", "0 = AF_UNIX", "two ends that are connected from birth: no name, no address"},
};

constexpr GroupEntry kUnix[] = {
    {"socket", "0 = AF_UNIX", "talks to sockets whose names it can see, inside or abstract"},
};

constexpr GroupEntry kIpc[] = {
    {"shmget", "2 & 0x800 = 0", "shared memory without huge pages (SHM_HUGETLB)"},
    {"shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl", "",
     "System V IPC in its own namespace"},
    {"mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr", "",
     "POSIX queues in their own namespace, within RLIMIT_MSGQUEUE"},
};

constexpr GroupEntry kInet[] = {
    {"socket",
     "0 in AF_INET AF_INET6, 1 & SOCK_TYPE_MASK = SOCK_STREAM, 2 in IPPROTO_IP IPPROTO_TCP",
     "TCP in the network namespace that the policy gives"},
    {"socket",
     "0 in AF_INET AF_INET6, 1 & SOCK_TYPE_MASK = SOCK_DGRAM, 2 in IPPROTO_IP IPPROTO_UDP",
     "UDP; no raw sockets, no ping sockets"},
    {"setsockopt getsockopt",
     "1 = IPPROTO_TCP, 2 in TCP_NODELAY TCP_MAXSEG TCP_CORK TCP_KEEPIDLE TCP_KEEPINTVL "
     "TCP_KEEPCNT TCP_DEFER_ACCEPT TCP_QUICKACK TCP_USER_TIMEOUT",
     "plain options of TCP; no upper-layer protocols (TCP_ULP)"},
    {"setsockopt getsockopt", "1 = IPPROTO_IP, 2 in IP_TOS IP_TTL IP_RECVERR", "options of IPv4"},
    {"setsockopt getsockopt", "1 = IPPROTO_IPV6, 2 in IPV6_V6ONLY IPV6_RECVERR", "options of IPv6"},
};

constexpr GroupEntry kDebug[] = {
    {"ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise process_mrelease",
     "", "reads or changes another process"},
};

constexpr GroupEntry kMount[] = {
    {"mount umount2 pivot_root chroot fchroot", "", "changes what paths mean"},
    {"open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick mount_setattr", "",
     "the same by the newer calls, which deny-lists of others forgot"},
    {"statmount listmount listns", "", "lists mounts and namespaces, those of the host too"},
    {"open_by_handle_at name_to_handle_at", "", "opens by inode number, around every mount"},
};

constexpr GroupEntry kNamespace[] = {
    {"unshare setns", "", "new user namespaces open most of the kernel's attack surface"},
    {"clone", "0 & CLONE_NEWUSER = CLONE_NEWUSER", "a new user namespace"},
    {"clone", "0 & CLONE_NEWNS = CLONE_NEWNS", "a new mount namespace"},
    {"clone", "0 & CLONE_NEWPID = CLONE_NEWPID", "a new process namespace"},
    {"clone", "0 & CLONE_NEWNET = CLONE_NEWNET", "a new network namespace"},
    {"clone", "0 & CLONE_NEWIPC = CLONE_NEWIPC", "a new IPC namespace"},
    {"clone", "0 & CLONE_NEWUTS = CLONE_NEWUTS", "a new UTS namespace"},
    {"clone", "0 & CLONE_NEWCGROUP = CLONE_NEWCGROUP", "a new cgroup namespace"},
};

constexpr GroupEntry kKeys[] = {
    {"add_key request_key keyctl", "", "keyrings are not divided by namespaces"},
};

constexpr GroupEntry kKernel[] = {
    {"bpf perf_event_open userfaultfd", "", "the usual tools of kernel exploits"},
    {"kexec_load kexec_file_load init_module finit_module delete_module create_module "
     "query_module get_kernel_syms reboot",
     "", "replaces or ends the kernel"},
    {"swapon swapoff acct quotactl quotactl_fd syslog vhangup iopl ioperm", "",
     "administers the machine"},
    {"clock_settime settimeofday adjtimex clock_adjtime sethostname setdomainname", "",
     "clocks and names of the host"},
    {"fanotify_init fanotify_mark", "", "watches the files of others"},
    {"memfd_secret", "", "memory that cannot be inspected"},
    {"modify_ldt", "", "16-bit segments: a history of escalations"},
    {"uselib _sysctl sysfs ustat nfsservctl lookup_dcookie afs_syscall security tuxcall vserver",
     "", "obsolete; no program of today calls them"},
};

constexpr GroupEntry kIoUring[] = {
    {"io_uring_setup io_uring_enter io_uring_register", "",
     "a second table of system calls, which no filter sees into"},
};

constexpr absl::string_view kSocketUse[] = {"socketio"};
constexpr absl::string_view kUnixIncludes[] = {"socketpair"};
constexpr absl::string_view kDangers[] = {"debug", "mount", "namespace", "keys", "kernel"};

constexpr SyscallGroup kGroups[] = {
    {"stdio", "uses the descriptors it was given, and ends", kStdio, {}},
    {"memory", "manages its own memory", kMemory, {}},
    {"self", "sets itself up and asks about itself", kSelf, {}},
    {"time", "reads clocks, sleeps, sets timers", kTime, {}},
    {"signal", "handles and sends signals inside its process namespace", kSignal, {}},
    {"rpath", "reads files and directories", kRpath, {}},
    {"wpath", "writes existing files", kWpath, {}},
    {"cpath", "creates, renames and removes files", kCpath, {}},
    {"fattr", "changes permissions and times of files", kFattr, {}},
    {"flock", "locks files", kFlock, {}},
    {"tmpfile", "makes files without names, also in memory", kTmpfile, {}},
    {"thread", "starts threads", kThread, {}},
    {"exec", "executes programs", kExec, {}},
    {"proc", "starts processes and waits for them", kProc, {}},
    {"sched", "chooses processors and lower priorities for itself", kSched, {}},
    {"limits", "tightens its own resource limits", kLimits, {}},
    {"ids", "sets its user and group ids to its own", kIds, {}},
    {"tty", "sets the modes of a terminal", kTty, {}},
    {"socketio", "uses sockets that are open", kSocketIo, {}},
    {"socketpair", "makes pairs of connected local sockets", kSocketPair, kSocketUse},
    {"unix", "makes local sockets", kUnix, kUnixIncludes},
    {"ipc", "uses System V and POSIX IPC", kIpc, {}},
    {"inet", "makes TCP and UDP sockets", kInet, kSocketUse},
    {"debug", "inspects or changes other processes", kDebug, {}, true},
    {"mount", "changes mounts and roots", kMount, {}, true},
    {"namespace", "makes or joins namespaces", kNamespace, {}, true},
    {"keys", "uses kernel keyrings", kKeys, {}, true},
    {"kernel", "administers or instruments the kernel", kKernel, {}, true},
    // Not part of "dangerous": libraries probe it and take ENOSYS for an answer.
    {"io_uring", "submits calls around the filter", kIoUring, {}, true},
    {"dangerous", "all of debug, mount, namespace, keys and kernel", {}, kDangers, true},
};

}  // namespace

absl::Span<const SyscallGroup> SyscallGroups() { return kGroups; }

absl::StatusOr<const SyscallGroup*> FindGroup(absl::string_view name) {
  std::vector<absl::string_view> names;
  for (const SyscallGroup& group : kGroups) {
    if (group.name == name) return &group;
    names.push_back(group.name);
  }
  return Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("\"", EscapeForPeople(name), "\" is not a group of system calls"))
      .Hint(DidYouMean(name, names));
}

}  // namespace cordon
