// SPDX-License-Identifier: Apache-2.0
// Handlers for descriptors, signals, the session and the two waits for the supervisor.
#include <asm/signal.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>

#include "sandbox/child/context.h"

namespace cordon::child {
namespace {

constexpr int kEnosys = 38;
constexpr int kEproto = 71;
constexpr int kAdopted = 5;  // 0, 1, 2, control, status

struct KernelSigaction {
  unsigned long handler;
  unsigned long flags;
  unsigned long restorer;
  uint64_t mask;
};

// No precedence over the host's work. Less than the ordinary (batch, idle, nice) stays, it is the
// caller's wish; a job cannot get at more by itself, as RLIMIT_NICE and RLIMIT_RTPRIO are 0.
// Kernel: getpriority gives 20 - nice. Without CONFIG_BLOCK there are no classes of I/O (ENOSYS).
OpResult ResetPriority() {
  constexpr int kFifo = 1;
  constexpr int kRoundRobin = 2;
  constexpr int kResetOnFork = 0x40000000;
  constexpr int kIoClassShift = 13;
  constexpr int kIoRealTime = 1;
  constexpr int kIoOfProcess = 1;  // IOPRIO_WHO_PROCESS
  const long policy = Sys(__NR_sched_getscheduler, 0) & ~kResetOnFork;
  if (policy == kFifo || policy == kRoundRobin) {
    const int other = 0;  // struct sched_param of SCHED_OTHER
    const long result = Sys(__NR_sched_setscheduler, 0, 0, &other);
    if (result < 0) return Check(KernelCall::k_sched_setscheduler, result);
  }
  if (Sys(__NR_getpriority, 0, 0) > 20) {
    const long result = Sys(__NR_setpriority, 0, 0, 0);
    if (result < 0) return Check(KernelCall::k_setpriority, result);
  }
  const long io = Sys(__NR_ioprio_get, kIoOfProcess, 0);
  if (io >= 0 && io >> kIoClassShift == kIoRealTime) {
    return Check(KernelCall::k_ioprio_set, Sys(__NR_ioprio_set, kIoOfProcess, 0, 0));
  }
  return Ok();
}

}  // namespace

OpResult SetSignals(unsigned long handler) {
  KernelSigaction action = {};
  for (int number = 1; number <= 64; ++number) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    // Kernel: who ignores SIGCHLD has no children to wait for.
    action.handler = number == SIGCHLD ? 0 : handler;
    const long result = Sys(__NR_rt_sigaction, number, &action, nullptr, sizeof(action.mask));
    if (result < 0) return Check(KernelCall::k_rt_sigaction, result);
  }
  const uint64_t empty = 0;
  return Check(KernelCall::k_rt_sigprocmask,
               Sys(__NR_rt_sigprocmask, SIG_SETMASK, &empty, nullptr, sizeof(empty)));
}

// Order: first of all, so that an EOF on the control pipe means that the supervisor is gone: until
// now this process holds a copy of the writing end itself.
// Kernel: close_range is 5.9. The descriptors are all above 15 (who made them moved them), so no
// dup3 overwrites one that is still to be moved.
OpResult RunAdoptFds(Context& context, const Op& op) {
  int from[kAdopted];
  __builtin_memcpy(from, Text(context, op.data), sizeof(from));
  for (int to = 0; to < kAdopted; ++to) {
    // stdio survives exec; control and status do not.
    const int flags = to >= kFdControl ? O_CLOEXEC : 0;
    const long result = Sys(__NR_dup3, from[to], to, flags);
    if (result < 0) return Check(KernelCall::k_dup3, result);
  }
  context.fd_status = kFdStatus;
  unsigned first_closed = kAdopted;
  if (op.a != 0) {
    const long result = Sys(__NR_dup3, op.a - 1, kFdContents, O_CLOEXEC);
    if (result < 0) return Check(KernelCall::k_dup3, result);
    first_closed = kFdContents + 1;
  }
  return Check(KernelCall::k_close_range, Sys(__NR_close_range, first_closed, ~0U, 0));
}

// Order: before the payload exists. Writes to this process's copy of the supervisor's stack.
// Kernel: /proc/PID/cmdline is readable for everybody in the pid namespace, dumpable or not, and
// shows these very bytes (fs/proc/base.c); the supervisor's flags and paths are in them.
OpResult RunScrubArguments(Context&, const Op& op) {
  if (op.a != 0 && op.b > op.a) {
    __builtin_memset(reinterpret_cast<void*>(op.a), 0, op.b - op.a);
  }
  return Check(KernelCall::k_prctl, Sys(__NR_prctl, PR_SET_NAME, "cordon-init", 0, 0, 0));
}

// Order: before anything that could be interrupted by what the caller left pending.
// Kernel: CLONE_CLEAR_SIGHAND does not touch ignored signals, and the mask is inherited.
OpResult RunResetSignals(Context&, const Op&) { return SetSignals(0); }

// Order: before the mount points are made: a umask of 0777 would shut them.
// Kernel: a personality (no address randomisation, a page at 0, another name of the machine)
// survives fork and exec, and so do a scheduling policy, a nice value and a timer slack.
OpResult RunResetInherited(Context&, const Op&) {
  (void)Sys(__NR_umask, 022);
  long result = Sys(__NR_personality, 0);
  if (result < 0) return Check(KernelCall::k_personality, result);
  const OpResult priority = ResetPriority();
  if (priority.error != 0) return priority;
  constexpr unsigned long kTimerSlackNs = 50000;  // the kernel's default
  result = Sys(__NR_prctl, PR_SET_TIMERSLACK, kTimerSlackNs, 0, 0, 0);
  return Check(KernelCall::k_prctl, result);
}

// Order: before AwaitParent, whose EOF covers a supervisor that died before this call; again after
// SetIds, because a change of credentials clears it.
OpResult RunDieWithParent(Context&, const Op&) {
  return Check(KernelCall::k_prctl, Sys(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
}

// Order: the first one after DieWithParent and before anything that needs ids.
OpResult RunAwaitParent(Context&, const Op& op) {
  char byte = 0;
  long result;
  do {
    result = Sys(__NR_read, kFdControl, &byte, 1);
  } while (result == -4);
  if (result < 0) return Check(KernelCall::k_read, result);
  if (result == 0) ExitNow(125);  // the supervisor is gone
  if (static_cast<uint64_t>(byte) != op.a) return {KernelCall::k_read, kEproto};
  return Ok();
}

// Kernel: without CONFIG_KEYS there are no keyrings to leak through: ENOSYS is fine.
OpResult RunNewKeyring(Context&, const Op&) {
  const long result = Sys(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr, 0, 0, 0);
  if (result == -kEnosys) return Ok();
  return Check(KernelCall::k_keyctl, result);
}

// Order: before NewCgroupNamespace.
OpResult RunAwaitGroup(Context& context, const Op& op) { return RunAwaitParent(context, op); }

OpResult RunNewSession(Context&, const Op&) {
  return Check(KernelCall::k_setsid, Sys(__NR_setsid));
}

// Order: the last step before anything hostile exists. The supervisor reads /proc/PID now.
OpResult RunGate(Context& context, const Op& op) {
  WriteFrame(context, FrameKind::kAtGate, Ok(), 0, 0);
  return RunAwaitParent(context, op);
}

OpResult RunPayloadSession(Context&, const Op&) {
  // Signals again: the payload must not depend on what init had to set for itself.
  const OpResult result = SetSignals(0);
  if (result.error != 0) return result;
  return Check(KernelCall::k_setsid, Sys(__NR_setsid));
}

// Order: before the filter. Leaves 0 to 2 and the CLOEXEC exec pipe, which is moved to 3. In a
// table that init uses, too, nothing is moved: exec closes everything else.
OpResult RunCloseInitFds(Context& context, const Op&) {
  if (context.listens) {
    return Check(KernelCall::k_close_range,
                 Sys(__NR_close_range, kFdControl, ~0U, CLOSE_RANGE_CLOEXEC));
  }
  // proc_fd is still needed by SetOomScore and is CLOEXEC; everything else goes.
  int keep_pipe = context.exec_pipe[1];
  long result = Sys(__NR_dup3, keep_pipe, 3, O_CLOEXEC);
  if (keep_pipe != 3 && result < 0) return Check(KernelCall::k_dup3, result);
  context.exec_pipe[1] = 3;
  if (context.proc_fd >= 0) {
    result = Sys(__NR_dup3, context.proc_fd, 4, O_CLOEXEC);
    if (result < 0 && context.proc_fd != 4) return Check(KernelCall::k_dup3, result);
    context.proc_fd = 4;
  } else {
    (void)Sys(__NR_close, 4);
  }
  return Check(KernelCall::k_close_range, Sys(__NR_close_range, 5, ~0U, 0));
}

}  // namespace cordon::child
