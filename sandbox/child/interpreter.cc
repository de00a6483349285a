// SPDX-License-Identifier: Apache-2.0
#include "sandbox/child/interpreter.h"

#include <linux/time.h>

#include "sandbox/child/context.h"

namespace cordon::child {
namespace {

using Handler = OpResult (*)(Context&, const Op&);

constexpr Handler kHandlers[] = {
#define OP(name, side, why) Run##name,
#include "sandbox/program/opcode.inc"
#undef OP
};
static_assert(sizeof(kHandlers) / sizeof(kHandlers[0]) == static_cast<size_t>(Opcode::kCount));

}  // namespace

OpResult RunOne(Context& context, const Op& op) {
  const auto code = static_cast<size_t>(op.code);
  if (code >= static_cast<size_t>(Opcode::kCount)) return {KernelCall::k_none, 22};
  return kHandlers[code](context, op);
}

uint64_t MonotonicNow() {
  struct {
    long seconds;
    long nanoseconds;
  } now = {0, 0};
  (void)Sys(__NR_clock_gettime, CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.seconds) * 1000000000u + static_cast<uint64_t>(now.nanoseconds);
}

void WriteFrame(const Context& context, FrameKind kind, OpResult result, uint32_t aux,
                uint64_t aux64) {
  StatusFrame frame = {};
  frame.version = kWireVersion;
  frame.kind = kind;
  frame.op_index = static_cast<uint16_t>(context.op_index);
  frame.opcode = context.op_index < context.program.op_count
                     ? context.program.ops[context.op_index].code
                     : Opcode::kCount;
  frame.call = result.call;
  frame.error = result.error;
  frame.aux = aux;
  frame.aux64 = aux64;
  frame.monotonic_ns = MonotonicNow();
  // The supervisor may be gone; then nobody is left to tell, and PDEATHSIG ends this process.
  (void)Sys(__NR_write, context.fd_status, &frame, sizeof(frame));
}

void ExitNow(int code) {
  for (;;) (void)Sys(__NR_exit_group, code);
}

void RunProgram(const ProgramView& program, SharedRegion* shared, int fd_status_before) {
  Context context = {};
  context.program = program;
  context.shared = shared;
  context.root_fd = -1;
  context.proc_fd = -1;
  context.landlock_fd = -1;
  context.fd_status = fd_status_before;
  context.exec_pipe[0] = context.exec_pipe[1] = -1;
  context.go_fd = -1;
  context.listener_fd = -1;
  context.payload_status = -1;
  for (int& slot : context.slots) slot = -1;
  for (uint32_t i = 0; i < program.op_count; ++i) {
    context.op_index = i;
    const OpResult result = RunOne(context, program.ops[i]);
    if (result.error != 0) {
      WriteFrame(context, FrameKind::kStepFailed, result, 0, 0);
      ExitNow(125);
    }
    if (i < kMaxOps) shared->op_done_ns[i] = MonotonicNow();
    // Reap is init's last step; the operations behind it are the payload's.
    if (program.ops[i].code == Opcode::kReap) ExitNow(0);
  }
  // A program without Reap does not get here: program/check.cc refuses it.
  ExitNow(125);
}

void RunPayload(Context& context, uint32_t from) {
  for (uint32_t i = from; i < context.program.op_count; ++i) {
    context.op_index = i;
    const OpResult result = RunOne(context, context.program.ops[i]);
    if (result.error != 0) {
      context.fd_status = context.exec_pipe[1];
      WriteFrame(context, FrameKind::kExecFailed, result, 0, 0);
      ExitNow(125);
    }
    context.shared->op_done_ns[i] = MonotonicNow();
  }
  ExitNow(125);
}

}  // namespace cordon::child
