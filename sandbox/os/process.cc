// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "policy/base/signal_name.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

constexpr int kLowestMovedFd = 16;

absl::Status NamespaceError(int error) {
  Error status(absl::StatusCode::kFailedPrecondition, "cannot make the sandbox's namespaces");
  status.Layer("namespaces").Syscall("clone3", "", error);
  if (error == EPERM || error == EACCES) {
    status.Hint(
        "unprivileged user namespaces are off: sysctl kernel.unprivileged_userns_clone=1 (Debian), "
        "or kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container its seccomp "
        "profile may forbid them");
  } else if (error == ENOSPC || error == EUSERS) {
    status.Hint("the limit on namespaces is reached: sysctl user.max_user_namespaces");
  } else if (error == EAGAIN) {
    status.Hint("the limit on processes of this user or group is reached: ulimit -u, pids.max");
  } else if (error == ENOSYS || error == EINVAL) {
    status.Hint("this kernel lacks a namespace or clone3; Cordon needs Linux 5.14 or newer");
  }
  return status;
}

}  // namespace

absl::StatusOr<UniqueFd> MoveUp(UniqueFd fd) {
  UniqueFd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kLowestMovedFd));
  if (!moved.valid()) return ErrnoStatus("fcntl", "F_DUPFD_CLOEXEC", errno);
  return moved;
}

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus("pipe2", "", errno);
  Pipe pipe = {UniqueFd(ends[0]), UniqueFd(ends[1])};
  for (UniqueFd* end : {&pipe.read, &pipe.write}) {
    CORDON_ASSIGN_OR_RETURN(*end, MoveUp(std::move(*end)));
  }
  return pipe;
}

absl::Status SetNonBlocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return ErrnoStatus("fcntl", "F_SETFL", errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<Clone3Result> Clone3(uint64_t namespace_flags, int cgroup_fd) {
  int pidfd = -1;
  struct clone_args args = {};
  args.flags = namespace_flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(cgroup_fd);
  }
  const long pid = ::syscall(SYS_clone3, &args, sizeof(args));
  if (pid < 0) return NamespaceError(errno);
  Clone3Result result;
  result.pid = static_cast<pid_t>(pid);
  if (pid > 0) result.pidfd = UniqueFd(pidfd);
  return result;
}

absl::Status TryNamespaces(uint64_t namespace_flags) {
  absl::StatusOr<Clone3Result> child = Clone3(namespace_flags, -1);
  if (!child.ok()) return child.status();
  if (child->pid == 0) ::_exit(0);
  return WaitPidfd(child->pidfd.get(), true).status();
}

absl::StatusOr<UniqueFd> OpenPidfd(pid_t pid) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) return ErrnoStatus("pidfd_open", absl::StrCat(pid), errno);
  return pidfd;
}

absl::Status SignalPidfd(int pidfd, int number) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0) != 0) {
    return ErrnoStatus("pidfd_send_signal", SignalName(number), errno);
  }
  return absl::OkStatus();
}

bool IsGone(int pidfd) {
  const absl::Status asked = SignalPidfd(pidfd, 0);
  return !asked.ok() && DetailsOf(asked)[0].errno_value() == ESRCH;
}

absl::Status KillPidfd(int pidfd) {
  absl::Status sent = SignalPidfd(pidfd, SIGKILL);
  if (!sent.ok() && DetailsOf(sent)[0].errno_value() == ESRCH) return absl::OkStatus();
  return sent;
}

absl::Status KillChild(int pidfd, pid_t pid) {
  absl::Status status = KillPidfd(pidfd);
  if (status.ok() || ::kill(pid, SIGKILL) == 0) return absl::OkStatus();
  return status;
}

absl::StatusOr<WaitResult> WaitPidfd(int pidfd, bool block) {
  siginfo_t info = {};
  int result;
  do {
    result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | (block ? 0 : WNOHANG));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return ErrnoStatus("waitid", "init", errno);
  WaitResult out;
  if (info.si_pid == 0) return out;
  out.ended = true;
  out.code = info.si_code;
  out.status = info.si_status;
  return out;
}

uint32_t EffectiveUid() { return ::geteuid(); }
uint32_t EffectiveGid() { return ::getegid(); }
uint32_t RealUid() { return ::getuid(); }

std::vector<uint32_t> SupplementaryGroups() {
  std::vector<gid_t> groups(static_cast<size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  // Another thread may have changed them meanwhile; too few make the comparison fail.
  groups.resize(static_cast<size_t>(std::max(count, 0)));
  return {groups.begin(), groups.end()};
}

pid_t CurrentPid() { return ::getpid(); }

uint64_t MonotonicNs() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t ThreadCpuNs() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

void SettleCpuOfThread(pid_t tid) {
  const int policy = ::sched_getscheduler(tid);
  const int kind = policy & ~SCHED_RESET_ON_FORK;
  if (policy < 0 || (kind != SCHED_OTHER && kind != SCHED_BATCH)) return;
  const struct sched_param none = {};
  (void)::sched_setscheduler(tid, policy ^ SCHED_OTHER ^ SCHED_BATCH, &none);
  (void)::sched_setscheduler(tid, policy, &none);
}

uint64_t OwnPeakRssBytes() {
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

uint32_t OnlineCpus() {
  const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : static_cast<uint32_t>(count);
}

uint64_t PageSize() { return static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)); }

uint64_t HostMemoryBytes() { return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * PageSize(); }

absl::StatusOr<uint32_t> LandlockAbi() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi >= 1) return static_cast<uint32_t>(abi);
  const int error = errno;
  Error status(absl::StatusCode::kUnavailable, "this kernel has no Landlock");
  status.Layer("landlock").Syscall("landlock_create_ruleset", "", error);
  if (error == EOPNOTSUPP) {
    status.Hint("Landlock is built into this kernel and off: boot with landlock in the list lsm=");
  } else {
    status.Hint(
        "run on a kernel with CONFIG_SECURITY_LANDLOCK, 5.13 or newer; in a container its seccomp "
        "profile may forbid the calls");
  }
  return status;
}

int64_t SessionKeyring() {
  constexpr int kGetId = 0;     // KEYCTL_GET_KEYRING_ID
  constexpr int kSession = -3;  // KEY_SPEC_SESSION_KEYRING
  const long id = ::syscall(SYS_keyctl, kGetId, kSession, 0);
  return id < 0 ? -errno : id;
}

absl::StatusOr<Rlimit> GetRlimit(int resource) {
  struct rlimit limit = {};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) {
    return ErrnoStatus("getrlimit", "", errno);
  }
  return Rlimit{limit.rlim_cur, limit.rlim_max};
}

absl::Status RaiseSoftLimits() {
  const struct {
    __rlimit_resource resource;
    rlim_t wanted;
  } limits[] = {{RLIMIT_NOFILE, 1024}, {RLIMIT_STACK, rlim_t{8} << 20}};
  for (const auto& each : limits) {
    struct rlimit limit = {};
    if (::getrlimit(each.resource, &limit) != 0) return ErrnoStatus("getrlimit", "", errno);
    if (limit.rlim_cur >= std::min(each.wanted, limit.rlim_max)) continue;
    limit.rlim_cur = std::min(each.wanted, limit.rlim_max);
    if (::setrlimit(each.resource, &limit) != 0) return ErrnoStatus("setrlimit", "", errno);
  }
  return absl::OkStatus();
}

}  // namespace cordon
