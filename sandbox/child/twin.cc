// SPDX-License-Identifier: Apache-2.0
// The twin: a child of init that lives before the gate. It makes every step of the payload but
// exec, stops once so that the supervisor can read it, loads the filter, makes its probes and dies.
// Init reaps it before anything hostile exists.
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/wait.h>

#include "sandbox/child/context.h"

namespace cordon::child {
namespace {

constexpr int kEproto = 71;
constexpr int kTwinFailed = 125;
constexpr long kInet = 2;               // AF_INET
constexpr long kStream = 1 | 02000000;  // SOCK_STREAM | SOCK_CLOEXEC

void MakeProbe(const Context& context, const Probe& probe, uint32_t index, int point) {
  uint64_t args[6];
  __builtin_memcpy(args, probe.args, sizeof(args));
  if (probe.text_arg >= 0) {
    args[probe.text_arg] =
        reinterpret_cast<uint64_t>(Text(context, static_cast<uint32_t>(args[probe.text_arg])));
  }
  if (probe.buffer_arg >= 0) {
    char* const buffer = context.shared->probe_buffer + probe.buffer_at;
    if ((probe.flags & kProbeNames) != 0) {
      const char* text = Text(context, static_cast<uint32_t>(args[probe.buffer_arg]));
      for (uint32_t i = probe.buffer_at; i < kProbeBuffer && *text != '\0'; ++i, ++text) {
        context.shared->probe_buffer[i] = *text;
      }
    }
    args[probe.buffer_arg] = reinterpret_cast<uint64_t>(buffer);
  }
  long socket = -1;
  if ((probe.flags & kProbeSocket) != 0) {
    socket = Sys(__NR_socket, kInet, kStream, 0);
    args[0] = static_cast<uint64_t>(socket);
  }
  // Before the call: one that ends this process has been made all the same.
  context.shared->probes_made[index] |= 1u << point;
  const long result = Sys(probe.number, args[0], args[1], args[2], args[3], args[4], args[5]);
  context.shared->probe_result[index][point] = result;
  if ((probe.flags & kProbeCloses) != 0 && result >= 0) (void)Sys(__NR_close, result);
  if (socket >= 0) (void)Sys(__NR_close, socket);
}

// Under the filter nothing is sure to be allowed, so the answers go to memory.
void MakeProbes(const Context& context, const Op& twin, int point) {
  const uint32_t count = twin.size2 / sizeof(Probe);
  for (uint32_t i = 0; i < count && i < kMaxProbes; ++i) {
    Probe probe;
    __builtin_memcpy(&probe, context.program.arena + twin.data2 + i * sizeof(probe), sizeof(probe));
    if ((probe.when & (1u << point)) != 0) MakeProbe(context, probe, i, point);
  }
}

[[noreturn]] void Fail(Context& context, OpResult result) {
  context.fd_status = context.exec_pipe[1];
  WriteFrame(context, FrameKind::kStepFailed, result, 0, 0);
  ExitNow(kTwinFailed);
}

// Order: stops where the payload would load its filter, because afterwards the call that stops it
// may be denied. A filter changes nothing but what `status` shows of a dead process too.
void Stand(Context& context, const Op& twin) {
  MakeProbes(context, twin, 1);
  const long pid = Sys(__NR_getpid);
  const long result = Sys(__NR_kill, pid, SIGSTOP);
  if (result < 0) Fail(context, Check(KernelCall::k_kill, result));
  MakeProbes(context, twin, 2);
  // As the payload is then; a death by the filter must not write a core file.
  (void)Sys(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// Order: just before SetOomScore, which closes the procfs. Only a process itself can read this
// file.
void NoteOnExec(const Context& context) {
  const long fd = Sys(__NR_openat, context.proc_fd, "self/attr/apparmor/exec",
                      O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  constexpr size_t kRoom = sizeof(context.shared->twin_onexec) - 1;
  (void)Sys(__NR_pread64, fd, context.shared->twin_onexec, kRoom, 0);
  (void)Sys(__NR_close, fd);
}

[[noreturn]] void RunTwin(Context& context, const Op& twin) {
  // Readable for an unprivileged supervisor, whatever the change of ids did.
  (void)Sys(__NR_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
  context.is_twin = true;
  MakeProbes(context, twin, 0);
  bool stood = false;
  for (uint32_t i = FirstOfPayload(context); i < context.program.op_count; ++i) {
    context.op_index = i;
    const Op& op = context.program.ops[i];
    const bool last = op.code == Opcode::kExec;
    if (!stood && (last || op.code == Opcode::kSeccompLoad)) {
      Stand(context, twin);
      stood = true;
    }
    if (last) break;
    if (op.code == Opcode::kSetOomScore) NoteOnExec(context);
    const OpResult result = RunOne(context, op);
    if (result.error != 0) Fail(context, result);
  }
  MakeProbes(context, twin, 3);
  if ((twin.flags & kFlagTwinExits) != 0) ExitNow(0);
  __builtin_trap();  // exit_group(2) may be denied, a fault cannot be
}

// The twin ended before it stood: its frame says why.
[[noreturn]] void ForwardFailure(Context& context) {
  StatusFrame frame = {};
  long got;
  do {
    got = Sys(__NR_read, context.exec_pipe[0], &frame, sizeof(frame));
  } while (got == -kEintr);
  if (got == static_cast<long>(sizeof(frame))) {
    (void)Sys(__NR_write, kFdStatus, &frame, sizeof(frame));
  } else {
    WriteFrame(context, FrameKind::kStepFailed, {KernelCall::k_waitid, kEproto}, 0, 0);
  }
  ExitNow(125);
}

OpResult AwaitByte(Context& context, char byte) {
  Op op = {};
  op.a = static_cast<uint64_t>(byte);
  return RunAwaitParent(context, op);
}

}  // namespace

// Order: after everything that the payload inherits from init is in place.
OpResult RunForkTwin(Context& context, const Op& op) {
  const long result = Sys(__NR_pipe2, context.exec_pipe, O_CLOEXEC);
  if (result < 0) return Check(KernelCall::k_pipe2, result);
  const long pid = Sys(__NR_clone, SIGCHLD, 0, nullptr, nullptr, 0);
  if (pid < 0) return Check(KernelCall::k_clone, pid);
  if (pid == 0) RunTwin(context, op);
  context.twin_pid = pid;
  (void)Sys(__NR_close, context.exec_pipe[1]);
  WriteFrame(context, FrameKind::kTwinForked, Ok(), static_cast<uint32_t>(pid), 0);
  return Ok();
}

// Order: after ForkTwin, before the gate. The supervisor reads the twin twice: when it stands, and
// when it is dead and not yet reaped (its status file still shows credentials and filters then).
OpResult RunReapTwin(Context& context, const Op&) {
  WaitInfo info = {};
  long result = Wait(P_PID, context.twin_pid, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL);
  if (result < 0) return Check(KernelCall::k_waitid, result);
  if (info.code != CLD_STOPPED) ForwardFailure(context);
  WriteFrame(context, FrameKind::kTwinStands, Ok(), 0, 0);
  OpResult told = AwaitByte(context, kByteTwinRead);
  if (told.error != 0) return told;
  result = Sys(__NR_kill, context.twin_pid, SIGCONT);
  if (result < 0) return Check(KernelCall::k_kill, result);
  result = Wait(P_PID, context.twin_pid, &info, WEXITED | WNOWAIT | __WALL);
  if (result < 0) return Check(KernelCall::k_waitid, result);
  // A step behind the stop (the filter) can fail too.
  if (info.code == CLD_EXITED && info.status == kTwinFailed) ForwardFailure(context);
  WriteFrame(context, FrameKind::kTwinEnded, Ok(), static_cast<uint32_t>(info.code),
             static_cast<uint64_t>(static_cast<uint32_t>(info.status)));
  told = AwaitByte(context, kByteTwinDone);
  if (told.error != 0) return told;
  result = Wait(P_PID, context.twin_pid, &info, WEXITED | __WALL);
  if (result < 0) return Check(KernelCall::k_waitid, result);
  (void)Sys(__NR_close, context.exec_pipe[0]);
  context.exec_pipe[0] = context.exec_pipe[1] = -1;
  context.twin = UsageOfChildren();
  return Ok();
}

}  // namespace cordon::child
