// SPDX-License-Identifier: Apache-2.0
// The machine: accumulator A, index register X, 16 scratch words. BpfProgram has been checked, so
// every jump and every operand is in range.
#include "policy/bpf/evaluate.h"

#include <array>
#include <cstddef>

#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

// struct seccomp_data as 32-bit words; both supported architectures are little endian.
std::array<uint32_t, uapi::kSeccompDataSize / 4> Words(const CallSample& call) {
  std::array<uint32_t, uapi::kSeccompDataSize / 4> words = {};
  words[0] = call.number;
  words[1] = call.architecture;
  words[2] = static_cast<uint32_t>(call.instruction_pointer);
  words[3] = static_cast<uint32_t>(call.instruction_pointer >> 32);
  for (size_t i = 0; i < call.args.size(); ++i) {
    words[4 + 2 * i] = static_cast<uint32_t>(call.args[i]);
    words[5 + 2 * i] = static_cast<uint32_t>(call.args[i] >> 32);
  }
  return words;
}

// Shifts by a register use its lower five bits and division by a register of zero ends the program
// with 0, as in the kernel's runtime.
uint32_t Arithmetic(uint16_t operation, uint32_t a, uint32_t operand) {
  switch (operation) {
    case BPF_ADD:
      return a + operand;
    case BPF_SUB:
      return a - operand;
    case BPF_MUL:
      return a * operand;
    case BPF_DIV:
      return a / operand;
    case BPF_AND:
      return a & operand;
    case BPF_OR:
      return a | operand;
    case BPF_XOR:
      return a ^ operand;
    case BPF_LSH:
      return a << (operand & 31);
    case BPF_RSH:
      return a >> (operand & 31);
    default:
      return 0 - a;  // BPF_NEG
  }
}

bool Compare(uint16_t operation, uint32_t a, uint32_t operand) {
  switch (operation) {
    case BPF_JEQ:
      return a == operand;
    case BPF_JGT:
      return a > operand;
    case BPF_JGE:
      return a >= operand;
    default:
      return (a & operand) != 0;  // BPF_JSET
  }
}

}  // namespace

uint32_t Evaluate(const BpfProgram& program, const CallSample& call) {
  const auto words = Words(call);
  const absl::Span<const BpfInstruction> code = program.instructions();
  std::array<uint32_t, BPF_MEMWORDS> scratch = {};
  uint32_t a = 0;
  uint32_t x = 0;
  for (size_t at = 0; at < code.size(); ++at) {
    const BpfInstruction& op = code[at];
    const uint32_t operand = BPF_SRC(op.code) == BPF_X ? x : op.k;
    switch (BPF_CLASS(op.code)) {
      case BPF_LD:
      case BPF_LDX: {
        uint32_t value = op.k;  // BPF_IMM
        if (BPF_MODE(op.code) == BPF_ABS) value = words[op.k / 4];
        if (BPF_MODE(op.code) == BPF_MEM) value = scratch[op.k];
        if (BPF_MODE(op.code) == BPF_LEN) value = uapi::kSeccompDataSize;
        (BPF_CLASS(op.code) == BPF_LD ? a : x) = value;
        break;
      }
      case BPF_ST:
        scratch[op.k] = a;
        break;
      case BPF_STX:
        scratch[op.k] = x;
        break;
      case BPF_ALU:
        if (BPF_OP(op.code) == BPF_DIV && operand == 0) return 0;
        a = Arithmetic(BPF_OP(op.code), a, operand);
        break;
      case BPF_JMP:
        if (BPF_OP(op.code) == BPF_JA) {
          at += op.k;
        } else {
          at += Compare(BPF_OP(op.code), a, operand) ? op.jump_true : op.jump_false;
        }
        break;
      case BPF_RET:
        return BPF_RVAL(op.code) == BPF_A ? a : op.k;
      default:  // BPF_MISC
        if (BPF_MISCOP(op.code) == BPF_TAX) {
          x = a;
        } else {
          a = x;
        }
    }
  }
  return 0;
}

}  // namespace cordon
