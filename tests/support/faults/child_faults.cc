// SPDX-License-Identifier: Apache-2.0
// Stands between the interpreter and its handlers: every operation of the child passes here.
// Runs after clone3, so it is built like the child: no libc, no sanitizer.
#include "sandbox/child/context.h"
#include "tests/support/faults/state.h"

namespace cordon::faults {

State* state = nullptr;

}  // namespace cordon::faults

namespace cordon::child {
namespace {

enum class Side { kInit, kPayload };

// About a minute: nothing may turn for ever when the observer is gone.
constexpr uint64_t kTurns = uint64_t{1} << 31;

// In no order but that of the opcodes.
constexpr bool kIsOfPayload[] = {
#define OP(name, side, why) Side::side == Side::kPayload,
#include "sandbox/program/opcode.inc"
#undef OP
};

// Init knows its checker before it forks the payload, the checker knows of none.
faults::Maker MakerOf(const Context& context, const Op& op) {
  if (context.is_twin) return faults::kTwin;
  const bool checked = context.shared->check_argc != 0 && context.checker_pid == 0;
  if (!checked || !kIsOfPayload[static_cast<size_t>(op.code)]) return faults::kItself;
  return context.check_number != 0 ? faults::kCheck : faults::kChecker;
}

OpResult Fault(const Context& context, const Op& op) {
  faults::State* state = faults::state;
  if (state == nullptr || state->op != static_cast<int32_t>(context.op_index)) return Ok();
  if (MakerOf(context, op) != state->maker) return Ok();
  const int error = state->op_error;
  state->op_calls = __atomic_load_n(&state->calls, __ATOMIC_SEQ_CST) - state->clone_call;
  __atomic_store_n(&state->op_reached, 1, __ATOMIC_SEQ_CST);
  if (error != 0) return {KernelCall::k_none, error};
  // Without a call: the filters are in force by now, and pid 1 cannot kill itself.
  for (uint64_t turn = 0; turn < kTurns; ++turn) {
    if (__atomic_load_n(&state->op_released, __ATOMIC_SEQ_CST) != 0) return Ok();
    __builtin_ia32_pause();
  }
  ExitNow(125);
}

}  // namespace

// WRAPPED(operation, name of its handler for the linker)
#define WRAPPED(name, symbol)                                        \
  OpResult Real##name(Context&, const Op&) asm("__real_" symbol);    \
  OpResult Wrapped##name(Context&, const Op&) asm("__wrap_" symbol); \
  OpResult Wrapped##name(Context& context, const Op& op) {           \
    const OpResult fault = Fault(context, op);                       \
    return fault.error != 0 ? fault : Real##name(context, op);       \
  }
#include "faults/wrapped_ops.inc"
#undef WRAPPED

}  // namespace cordon::child
