// SPDX-License-Identifier: Apache-2.0
// Processes by pidfd, pipes, and what the caller itself is.
#ifndef CORDON_SANDBOX_OS_PROCESS_H_
#define CORDON_SANDBOX_OS_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
// pipe2(O_CLOEXEC) whose ends are both above 15, so that a child can move them to low numbers
// without overwriting one of them.
absl::StatusOr<Pipe> MakePipe();
// The same file with a number above 15.
absl::StatusOr<UniqueFd> MoveUp(UniqueFd fd);
absl::Status SetNonBlocking(int fd);

struct Clone3Result {
  pid_t pid = 0;   // 0 in the child
  UniqueFd pidfd;  // in the parent
};
// clone3(2) as a fork into new namespaces, with CLONE_PIDFD, CLONE_CLEAR_SIGHAND and SIGCHLD as
// exit signal. `cgroup_fd` >= 0 adds CLONE_INTO_CGROUP. The child must not use libc.
absl::StatusOr<Clone3Result> Clone3(uint64_t namespace_flags, int cgroup_fd);

// Clones a child into these namespaces that exits at once, and reaps it: OK when the host allows
// it. The error has a hint for the usual reasons.
absl::Status TryNamespaces(uint64_t namespace_flags);

absl::StatusOr<UniqueFd> OpenPidfd(pid_t pid);
absl::Status SignalPidfd(int pidfd, int number);
// Reaped, so that its number may be another's by now.
bool IsGone(int pidfd);
// SIGKILL by pidfd; a process that is gone already is no error.
absl::Status KillPidfd(int pidfd);
// The same for a child that is not reaped yet, whose id is its own therefore: also where a filter
// above this process denies the call on pidfds.
absl::Status KillChild(int pidfd, pid_t pid);

struct WaitResult {
  bool ended = false;
  int code = 0;    // CLD_EXITED, CLD_KILLED, CLD_DUMPED
  int status = 0;  // exit code or signal
};
// waitid(P_PIDFD); with block false, `ended` is false while it runs.
absl::StatusOr<WaitResult> WaitPidfd(int pidfd, bool block);

uint32_t EffectiveUid();
uint32_t EffectiveGid();
uint32_t RealUid();
std::vector<uint32_t> SupplementaryGroups();  // in the kernel's order
pid_t CurrentPid();
uint64_t MonotonicNs();
// CPU time of the calling thread.
uint64_t ThreadCpuNs();
// Has the kernel count, in the clocks of its control groups too, what a thread that has a processor
// used since the last scheduler tick. The one call for that which any owner of the thread may make
// is a change of its scheduling policy: from other to batch and back, or the reverse; other
// policies stay. Source: __sched_setscheduler in kernel/sched/syscalls.c (put_prev_task of a
// running thread). Best effort.
void SettleCpuOfThread(pid_t tid);
uint64_t OwnPeakRssBytes();
uint32_t OnlineCpus();
uint64_t PageSize();
uint64_t HostMemoryBytes();  // as the kernel counts it, without what it reserved at boot

// The ABI of the kernel's Landlock, at least 1. An error whose hint says what to do where it has
// none.
absl::StatusOr<uint32_t> LandlockAbi();

// Serial number of the caller's session keyring, or a negative errno.
int64_t SessionKeyring();

struct Rlimit {
  uint64_t soft = 0;
  uint64_t hard = 0;
};
absl::StatusOr<Rlimit> GetRlimit(int resource);

// Descriptors and stack of a supervisor, as far as the caller's hard limits go.
absl::Status RaiseSoftLimits();

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_PROCESS_H_
