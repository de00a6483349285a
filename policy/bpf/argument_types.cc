// SPDX-License-Identifier: Apache-2.0
// Signatures of the calls that rules may look into, from the kernel's SYSCALL_DEFINE lines. Where
// the kernel takes a long and then drops its upper half (the flags of clone, the descriptor of
// mmap), 32 bits stand here: what counts is what it reads.
#include "policy/bpf/argument_types.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

struct Signature {
  absl::string_view call;
  uint32_t arguments;  // how many
  uint32_t int_mask;   // bit N: argument N is read as 32 bits
  uint32_t mode_mask;  // bit N: argument N is an umode_t, of which 16 bits are read
};

// clang-format off: sorted by name, many to a line.
constexpr Signature kSignatures[] = {
    {"accept", 3, 0x1, 0x0},
    {"accept4", 4, 0x9, 0x0},
    {"access", 2, 0x2, 0x0},
    {"adjtimex", 1, 0x0, 0x0},
    {"alarm", 1, 0x1, 0x0},
    {"arch_prctl", 2, 0x1, 0x0},
    {"bind", 3, 0x5, 0x0},
    {"bpf", 3, 0x5, 0x0},
    {"brk", 1, 0x0, 0x0},
    {"capget", 2, 0x0, 0x0},
    {"capset", 2, 0x0, 0x0},
    {"chdir", 1, 0x0, 0x0},
    {"chmod", 2, 0x0, 0x2},
    {"chown", 3, 0x6, 0x0},
    {"clock_adjtime", 2, 0x1, 0x0},
    {"clock_getres", 2, 0x1, 0x0},
    {"clock_gettime", 2, 0x1, 0x0},
    {"clock_nanosleep", 4, 0x3, 0x0},
    {"clock_settime", 2, 0x1, 0x0},
    {"clone", 5, 0x1, 0x0},
    {"close", 1, 0x1, 0x0},
    {"close_range", 3, 0x7, 0x0},
    {"connect", 3, 0x5, 0x0},
    {"copy_file_range", 6, 0x25, 0x0},
    {"creat", 2, 0x0, 0x2},
    {"dup", 1, 0x1, 0x0},
    {"dup2", 2, 0x3, 0x0},
    {"dup3", 3, 0x7, 0x0},
    {"epoll_create", 1, 0x1, 0x0},
    {"epoll_create1", 1, 0x1, 0x0},
    {"epoll_ctl", 4, 0x7, 0x0},
    {"epoll_pwait", 6, 0xd, 0x0},
    {"epoll_pwait2", 6, 0x5, 0x0},
    {"epoll_wait", 4, 0xd, 0x0},
    {"eventfd", 1, 0x1, 0x0},
    {"eventfd2", 2, 0x3, 0x0},
    {"execve", 3, 0x0, 0x0},
    {"execveat", 5, 0x11, 0x0},
    {"exit", 1, 0x1, 0x0},
    {"exit_group", 1, 0x1, 0x0},
    {"faccessat", 3, 0x5, 0x0},
    {"faccessat2", 4, 0xd, 0x0},
    {"fadvise64", 4, 0x9, 0x0},
    {"fallocate", 4, 0x3, 0x0},
    {"fanotify_init", 2, 0x3, 0x0},
    {"fchdir", 1, 0x1, 0x0},
    {"fchmod", 2, 0x1, 0x2},
    {"fchmodat", 3, 0x1, 0x4},
    {"fchmodat2", 4, 0x9, 0x4},
    {"fchown", 3, 0x7, 0x0},
    {"fchownat", 5, 0x1d, 0x0},
    {"fcntl", 3, 0x3, 0x0},
    {"fdatasync", 1, 0x1, 0x0},
    {"flock", 2, 0x3, 0x0},
    {"fstat", 2, 0x1, 0x0},
    {"fstatfs", 2, 0x1, 0x0},
    {"fsync", 1, 0x1, 0x0},
    {"ftruncate", 2, 0x1, 0x0},
    {"futex", 6, 0x26, 0x0},
    {"getdents64", 3, 0x5, 0x0},
    {"getitimer", 2, 0x1, 0x0},
    {"getpeername", 3, 0x1, 0x0},
    {"getpgid", 1, 0x1, 0x0},
    {"getpriority", 2, 0x3, 0x0},
    {"getrandom", 3, 0x4, 0x0},
    {"getrlimit", 2, 0x1, 0x0},
    {"getrusage", 2, 0x1, 0x0},
    {"getsid", 1, 0x1, 0x0},
    {"getsockname", 3, 0x1, 0x0},
    {"getsockopt", 5, 0x7, 0x0},
    {"inotify_add_watch", 3, 0x5, 0x0},
    {"inotify_init1", 1, 0x1, 0x0},
    {"ioctl", 3, 0x3, 0x0},
    {"ioprio_get", 2, 0x3, 0x0},
    {"ioprio_set", 3, 0x7, 0x0},
    {"keyctl", 5, 0x1, 0x0},
    {"kill", 2, 0x3, 0x0},
    {"lchown", 3, 0x6, 0x0},
    {"linkat", 5, 0x15, 0x0},
    {"listen", 2, 0x3, 0x0},
    {"lseek", 3, 0x5, 0x0},
    {"madvise", 3, 0x4, 0x0},
    {"mbind", 6, 0x20, 0x0},
    {"membarrier", 3, 0x7, 0x0},
    {"memfd_create", 2, 0x2, 0x0},
    {"memfd_secret", 1, 0x1, 0x0},
    {"mkdir", 2, 0x0, 0x2},
    {"mkdirat", 3, 0x1, 0x4},
    {"mknod", 3, 0x4, 0x2},
    {"mknodat", 4, 0x9, 0x4},
    {"mlock2", 3, 0x4, 0x0},
    {"mlockall", 1, 0x1, 0x0},
    {"mmap", 6, 0x10, 0x0},
    {"modify_ldt", 3, 0x1, 0x0},
    {"mount", 5, 0x0, 0x0},
    {"mprotect", 3, 0x0, 0x0},
    {"mremap", 5, 0x0, 0x0},
    {"msgctl", 3, 0x3, 0x0},
    {"msgget", 2, 0x3, 0x0},
    {"msync", 3, 0x4, 0x0},
    {"name_to_handle_at", 5, 0x11, 0x0},
    {"nanosleep", 2, 0x0, 0x0},
    {"newfstatat", 4, 0x9, 0x0},
    {"open", 3, 0x2, 0x4},
    {"openat", 4, 0x5, 0x8},
    {"pause", 0, 0x0, 0x0},
    {"perf_event_open", 5, 0xe, 0x0},
    {"personality", 1, 0x1, 0x0},
    {"pidfd_open", 2, 0x3, 0x0},
    {"pidfd_send_signal", 4, 0xb, 0x0},
    {"pipe", 1, 0x0, 0x0},
    {"pipe2", 2, 0x2, 0x0},
    {"pkey_alloc", 2, 0x0, 0x0},
    {"pkey_free", 1, 0x1, 0x0},
    {"pkey_mprotect", 4, 0x8, 0x0},
    {"poll", 3, 0x6, 0x0},
    {"ppoll", 5, 0x2, 0x0},
    {"prctl", 5, 0x1, 0x0},
    {"pread64", 4, 0x1, 0x0},
    {"preadv2", 6, 0x21, 0x0},
    {"prlimit64", 4, 0x3, 0x0},
    {"ptrace", 4, 0x0, 0x0},
    {"pwrite64", 4, 0x1, 0x0},
    {"pwritev2", 6, 0x21, 0x0},
    {"quotactl", 4, 0x5, 0x0},
    {"read", 3, 0x1, 0x0},
    {"readlinkat", 4, 0x9, 0x0},
    {"readv", 3, 0x1, 0x0},
    {"reboot", 4, 0x7, 0x0},
    {"recvfrom", 6, 0x9, 0x0},
    {"recvmmsg", 5, 0xd, 0x0},
    {"recvmsg", 3, 0x5, 0x0},
    {"renameat", 4, 0x5, 0x0},
    {"renameat2", 5, 0x15, 0x0},
    {"rseq", 4, 0xe, 0x0},
    {"rt_sigaction", 4, 0x1, 0x0},
    {"rt_sigprocmask", 4, 0x1, 0x0},
    {"rt_sigqueueinfo", 3, 0x3, 0x0},
    {"rt_tgsigqueueinfo", 4, 0x7, 0x0},
    {"sched_get_priority_max", 1, 0x1, 0x0},
    {"sched_get_priority_min", 1, 0x1, 0x0},
    {"sched_getaffinity", 3, 0x3, 0x0},
    {"sched_getattr", 4, 0xd, 0x0},
    {"sched_getparam", 2, 0x1, 0x0},
    {"sched_getscheduler", 1, 0x1, 0x0},
    {"sched_rr_get_interval", 2, 0x1, 0x0},
    {"sched_setaffinity", 3, 0x3, 0x0},
    {"sched_setattr", 3, 0x5, 0x0},
    {"sched_setparam", 2, 0x1, 0x0},
    {"sched_setscheduler", 3, 0x3, 0x0},
    {"seccomp", 3, 0x3, 0x0},
    {"semctl", 4, 0x7, 0x0},
    {"semget", 3, 0x7, 0x0},
    {"semop", 3, 0x5, 0x0},
    {"semtimedop", 4, 0x5, 0x0},
    {"sendfile", 4, 0x3, 0x0},
    {"sendmmsg", 4, 0xd, 0x0},
    {"sendmsg", 3, 0x5, 0x0},
    {"sendto", 6, 0x29, 0x0},
    {"setitimer", 3, 0x1, 0x0},
    {"setns", 2, 0x3, 0x0},
    {"setpgid", 2, 0x3, 0x0},
    {"setpriority", 3, 0x7, 0x0},
    {"setrlimit", 2, 0x1, 0x0},
    {"setsockopt", 5, 0x17, 0x0},
    {"shmat", 3, 0x5, 0x0},
    {"shmctl", 3, 0x3, 0x0},
    {"shmget", 3, 0x5, 0x0},
    {"shutdown", 2, 0x3, 0x0},
    {"signalfd", 3, 0x1, 0x0},
    {"signalfd4", 4, 0x9, 0x0},
    {"socket", 3, 0x7, 0x0},
    {"socketpair", 4, 0x7, 0x0},
    {"splice", 6, 0x25, 0x0},
    {"statx", 5, 0xd, 0x0},
    {"symlinkat", 3, 0x2, 0x0},
    {"sync_file_range", 4, 0x9, 0x0},
    {"syslog", 3, 0x5, 0x0},
    {"tee", 4, 0xb, 0x0},
    {"tgkill", 3, 0x7, 0x0},
    {"timer_create", 3, 0x1, 0x0},
    {"timer_settime", 4, 0x3, 0x0},
    {"timerfd_create", 2, 0x3, 0x0},
    {"timerfd_gettime", 2, 0x1, 0x0},
    {"timerfd_settime", 4, 0x3, 0x0},
    {"tkill", 2, 0x3, 0x0},
    {"truncate", 2, 0x0, 0x0},
    {"umask", 1, 0x1, 0x0},
    {"unlinkat", 3, 0x5, 0x0},
    {"unshare", 1, 0x0, 0x0},
    {"userfaultfd", 1, 0x1, 0x0},
    {"utimensat", 4, 0x9, 0x0},
    {"vmsplice", 4, 0x9, 0x0},
    {"wait4", 4, 0x5, 0x0},
    {"waitid", 5, 0xb, 0x0},
    {"write", 3, 0x1, 0x0},
    {"writev", 3, 0x1, 0x0},
};
// clang-format on

using SignatureMap = absl::flat_hash_map<absl::string_view, Signature>;

const SignatureMap& SignaturesByCall() {
  static const SignatureMap* const map = [] {
    auto* result = new SignatureMap;
    for (const Signature& signature : kSignatures) result->emplace(signature.call, signature);
    return result;
  }();
  return *map;
}

}  // namespace

absl::StatusOr<uint32_t> ArgumentBits(absl::string_view call, uint32_t argument) {
  const auto found = SignaturesByCall().find(call);
  if (found == SignaturesByCall().end()) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("conditions on ", call, " are not supported"))
        .Hint("the types of its arguments are not known; decide on the call as a whole");
  }
  if (argument >= found->second.arguments) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat(call, " has no argument ", argument))
        .Hint(absl::StrCat("it has ", found->second.arguments, ", counted from 0"));
  }
  if ((found->second.mode_mask >> argument & 1) != 0) return 16;
  return (found->second.int_mask >> argument & 1) != 0 ? 32 : 64;
}

}  // namespace cordon
