// SPDX-License-Identifier: Apache-2.0
// The checker: a child of init, beside the payload, that starts the job's health checks when the
// supervisor asks. Init cannot: its filter has no clone. It is never confined itself, so it must
// not be reachable: not dumpable, no descriptor but the supervisor's two pipes, every signal
// ignored that can be. What is left to the payload is to kill or to stop it, and that is noticed.
// A check is a child of it that takes the payload's own last steps, is read by the supervisor, and
// executes.
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "sandbox/child/context.h"

namespace cordon::child {
namespace {

constexpr unsigned long kIgnore = 1;  // SIG_IGN
constexpr short kPollIn = 1;
constexpr int kDrainRounds = 64;
constexpr int kNotStarted = 125;

struct PollFd {
  int fd;  // negative: not asked for
  short events;
  short revents;
};

// Who makes a step of the payload for a check.
enum class Part {
  kUnknown,
  kOnce,   // the checker, before the payload runs
  kEach,   // every check
  kNever,  // it is about descriptors of the payload, or not about confinement
};

constexpr Part PartOf(Opcode code) {
  switch (code) {
    case Opcode::kSetOomScore:  // needs a moment at which it can be dumped; a child inherits it
    case Opcode::kChdir:
    case Opcode::kSetUmask:
    case Opcode::kLandlockCreate:  // paths as they were when the job began
    case Opcode::kLandlockAllow:
      return Part::kOnce;
    case Opcode::kLimitFiles:
    case Opcode::kAppArmorOnExec:
    case Opcode::kPayloadSession:
    case Opcode::kLandlockRestrict:
    case Opcode::kSeccompLoad:
      return Part::kEach;
    case Opcode::kCloseInitFds:
    case Opcode::kAwaitListener:
    case Opcode::kExec:
      return Part::kNever;
    default:
      return Part::kUnknown;
  }
}

// A step of the payload that nobody has thought about here does not compile.
enum class Side { kInit, kPayload };
#define OP(name, side, why) \
  static_assert(Side::side != Side::kPayload || PartOf(Opcode::k##name) != Part::kUnknown, #name);
#include "sandbox/program/opcode.inc"
#undef OP

// 0 to 2 are taken, so that no pipe of a check lands there before the check itself puts it there.
OpResult TakeDescriptors(Context& context) {
  for (int fd = 0; fd <= 2; ++fd) {
    const long result = Sys(__NR_dup3, kFdControl, fd, O_CLOEXEC);
    if (result < 0) return Check(KernelCall::k_dup3, result);
  }
  if (context.proc_fd < 0) return Ok();
  // SetOomScore closes the one, AppArmorOnExec of the checks needs the other.
  const long kept = Sys(__NR_fcntl, context.proc_fd, F_DUPFD_CLOEXEC, 0);
  if (kept < 0) return Check(KernelCall::k_dup3, kept);
  context.go_fd = static_cast<int>(kept);
  return Ok();
}

OpResult Prepare(Context& context) {
  OpResult result = SetSignals(kIgnore);
  if (result.error != 0) return result;
  result = TakeDescriptors(context);
  if (result.error != 0) return result;
  (void)Sys(__NR_prctl, PR_SET_NAME, "cordon-checker", 0, 0, 0);
  for (uint32_t i = FirstOfPayload(context); i < context.program.op_count; ++i) {
    const Op& op = context.program.ops[i];
    if (PartOf(op.code) != Part::kOnce) continue;
    context.op_index = i;
    result = RunOne(context, op);
    if (result.error != 0) return result;
  }
  context.proc_fd = context.go_fd;
  context.go_fd = -1;
  return Ok();
}

[[noreturn]] void FailCheck(Context& context, OpResult result) {
  WriteFrame(context, FrameKind::kCheckFailed, result, context.check_number, 0);
  ExitNow(kNotStarted);
}

// Makes no call: which ones the filter lets pass is the policy's. The supervisor has been told and
// reads a few files; when it does not like what it sees, it ends the sandbox.
void AwaitVerdict(const Context& context) {
  while (__atomic_load_n(&context.shared->check_go, __ATOMIC_ACQUIRE) != context.check_number) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
}

// Order: as the program has the steps. "Stands" is said before the filter, which may forbid it.
[[noreturn]] void BecomeCheck(Context& context, int in, int out) {
  const int from[] = {in, out, out};
  for (int to = 0; to <= 2; ++to) {
    const long result = Sys(__NR_dup3, from[to], to, 0);
    if (result < 0) FailCheck(context, Check(KernelCall::k_dup3, result));
  }
  const long marked = Sys(__NR_close_range, kFdControl, ~0U, CLOSE_RANGE_CLOEXEC);
  if (marked < 0) FailCheck(context, Check(KernelCall::k_close_range, marked));
  bool stood = false;
  for (uint32_t i = FirstOfPayload(context); i < context.program.op_count; ++i) {
    const Op& op = context.program.ops[i];
    const bool last = op.code == Opcode::kExec;
    context.op_index = i;
    if (!stood && (last || op.code == Opcode::kSeccompLoad)) {
      const auto pid = static_cast<uint32_t>(Sys(__NR_getpid));
      WriteFrame(context, FrameKind::kCheckStands, Ok(), pid, context.check_number);
      stood = true;
    }
    if (last) break;
    if (PartOf(op.code) != Part::kEach) continue;
    const OpResult result = RunOne(context, op);
    if (result.error != 0) FailCheck(context, result);
  }
  AwaitVerdict(context);
  SharedRegion* shared = context.shared;
  const char** envp = shared->pointers + shared->argc + 1;
  const char** argv = envp + shared->envc + 1 + shared->path_count + 1;
  const char** paths = argv + shared->check_argc + 1;
  FailCheck(context, ExecFirst(argv, envp, paths, shared->check_path_count));
}

// A check is the leader of its own group of processes. While it is not reaped its number is no
// other group's.
void KillCheck(long pid) {
  (void)Sys(__NR_kill, -pid, SIGKILL);
  (void)Sys(__NR_kill, pid, SIGKILL);
}

// One read of what a check says: its beginning is kept, the rest is dropped. False: nothing more.
bool Drain(const Context& context, int out) {
  char bytes[4096];
  const long got = Sys(__NR_read, out, bytes, sizeof(bytes));
  SharedRegion* shared = context.shared;
  for (long i = 0; i < got && shared->check_output_size < kCheckOutput; ++i) {
    shared->check_output[shared->check_output_size++] = bytes[i];
  }
  return got > 0 || got == -kEintr;
}

long Poll(PollFd* fds, unsigned count, bool wait) {
  const long now[2] = {0, 0};
  return Sys(__NR_ppoll, fds, count, wait ? nullptr : now, nullptr, 0);
}

// Until the check has ended: empties its pipe, and listens to the supervisor.
void Attend(Context& context, long pid, int pidfd, int out) {
  PollFd fds[3] = {{pidfd, kPollIn, 0}, {kFdControl, kPollIn, 0}, {out, kPollIn, 0}};
  for (;;) {
    const long ready = Poll(fds, 3, true);
    if (ready == -kEintr) continue;
    // The payload may have taken descriptors from this process (prlimit): it cannot do its work.
    if (ready < 0) ExitNow(kNotStarted);
    if (fds[2].revents != 0 && !Drain(context, out)) fds[2].fd = -1;
    if (fds[1].revents != 0) {
      char byte = 0;
      const long got = Sys(__NR_read, kFdControl, &byte, 1);
      if (got == 0) ExitNow(0);  // the supervisor is gone
      if (got == 1 && byte == kByteStopCheck) KillCheck(pid);
    }
    if (fds[0].revents != 0) break;
  }
  KillCheck(pid);  // what it left in its group; it is not reaped yet
  PollFd left = {fds[2].fd, kPollIn, 0};
  for (int i = 0; i < kDrainRounds && left.fd >= 0 && Poll(&left, 1, false) == 1; ++i) {
    if (!Drain(context, out)) break;
  }
}

struct CheckPipes {
  int in[2];
  int out[2];
};

OpResult StartCheck(Context& context, CheckPipes* pipes, long* pid, int* pidfd) {
  long result = Sys(__NR_pipe2, pipes->in, O_CLOEXEC);
  if (result < 0) return Check(KernelCall::k_pipe2, result);
  result = Sys(__NR_pipe2, pipes->out, O_CLOEXEC);
  if (result < 0) return Check(KernelCall::k_pipe2, result);
  *pid = Sys(__NR_clone, SIGCHLD | CLONE_PIDFD, 0, pidfd, nullptr, 0);
  if (*pid == 0) BecomeCheck(context, pipes->in[0], pipes->out[1]);
  return Check(KernelCall::k_clone, *pid);
}

void CloseAll(CheckPipes* pipes, int pidfd) {
  const int all[] = {pipes->in[0], pipes->in[1], pipes->out[0], pipes->out[1], pidfd};
  for (const int fd : all) {
    if (fd >= 0) (void)Sys(__NR_close, fd);
  }
}

void MakeCheck(Context& context) {
  ++context.check_number;
  context.shared->check_output_size = 0;
  CheckPipes pipes = {{-1, -1}, {-1, -1}};
  long pid = 0;
  int pidfd = -1;
  WaitInfo info = {};
  const OpResult started = StartCheck(context, &pipes, &pid, &pidfd);
  if (started.error != 0) {
    WriteFrame(context, FrameKind::kCheckFailed, started, context.check_number, 0);
  } else {
    // Its input is empty, and its output ends with it.
    (void)Sys(__NR_close, pipes.in[1]);
    (void)Sys(__NR_close, pipes.out[1]);
    pipes.in[1] = pipes.out[1] = -1;
    Attend(context, pid, pidfd, pipes.out[0]);
    if (Wait(P_PID, pid, &info, WEXITED | __WALL) < 0) ExitNow(kNotStarted);
  }
  CloseAll(&pipes, pidfd);
  WriteFrame(context, FrameKind::kCheckEnded, Ok(), static_cast<uint32_t>(info.code),
             static_cast<uint32_t>(info.status) | uint64_t{context.check_number} << 32);
}

[[noreturn]] void RunChecker(Context& context, int ready) {
  const uint32_t own_step = context.op_index;
  const OpResult prepared = Prepare(context);
  if (prepared.error != 0) {
    WriteFrame(context, FrameKind::kExecFailed, prepared, 0, 0);
    ExitNow(kNotStarted);
  }
  context.op_index = own_step;
  (void)Sys(__NR_write, ready, "", 1);
  (void)Sys(__NR_close, ready);
  // Until then a word on the control pipe can be for the init (AwaitListener).
  while (__atomic_load_n(&context.shared->init_ready, __ATOMIC_ACQUIRE) == 0) {
    const long nap[2] = {0, 200000};
    (void)Sys(__NR_nanosleep, nap, nullptr);
  }
  for (;;) {
    char byte = 0;
    const long got = Sys(__NR_read, kFdControl, &byte, 1);
    if (got == -kEintr) continue;
    if (got != 1) ExitNow(0);  // the supervisor is gone
    // Anything else is late: it is about a check that has ended.
    if (byte == kByteCheck) MakeCheck(context);
  }
}

}  // namespace

// Order: after SetUndumpable, which the checker keeps for its life, and before the payload exists:
// SetOomScore makes its process dumpable for a moment.
OpResult RunForkChecker(Context& context, const Op&) {
  if (context.shared->check_argc == 0) return Ok();
  int ready[2];
  long result = Sys(__NR_pipe2, ready, O_CLOEXEC);
  if (result < 0) return Check(KernelCall::k_pipe2, result);
  const long pid = Sys(__NR_clone, SIGCHLD, 0, nullptr, nullptr, 0);
  if (pid < 0) return Check(KernelCall::k_clone, pid);
  if (pid == 0) {
    (void)Sys(__NR_close, ready[0]);
    RunChecker(context, ready[1]);
  }
  (void)Sys(__NR_close, ready[1]);
  char byte = 0;
  do {
    result = Sys(__NR_read, ready[0], &byte, 1);
  } while (result == -kEintr);
  (void)Sys(__NR_close, ready[0]);
  if (result != 1) ExitNow(125);  // it has said why
  context.checker_pid = pid;
  WriteFrame(context, FrameKind::kCheckerForked, Ok(), static_cast<uint32_t>(pid), 0);
  return Ok();
}

}  // namespace cordon::child
