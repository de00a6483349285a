// SPDX-License-Identifier: Apache-2.0
// The checks of seccomp_check_filter and bpf_check_classic, without the kernel.
#include "policy/bpf/program.h"

#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

static_assert(sizeof(BpfInstruction) == sizeof(sock_filter));
static_assert(offsetof(BpfInstruction, k) == offsetof(sock_filter, k));

enum class Kind { kPlain, kLoadWord, kScratch, kShift, kDivide, kJump, kBranch, kReturn, kUnknown };

// The opcodes that seccomp takes, by what must be checked about their operands.
Kind KindOf(uint16_t code) {
  switch (code) {
    case BPF_LD | BPF_W | BPF_ABS:
      return Kind::kLoadWord;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return Kind::kScratch;
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
      return Kind::kShift;
    case BPF_ALU | BPF_DIV | BPF_K:
      return Kind::kDivide;
    case BPF_JMP | BPF_JA:
      return Kind::kJump;
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X:
      return Kind::kBranch;
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
      return Kind::kReturn;
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_ALU | BPF_ADD | BPF_K:  // NOLINT(misc-redundant-expression): both are 0, by design
    case BPF_ALU | BPF_ADD | BPF_X:
    case BPF_ALU | BPF_SUB | BPF_K:
    case BPF_ALU | BPF_SUB | BPF_X:
    case BPF_ALU | BPF_MUL | BPF_K:
    case BPF_ALU | BPF_MUL | BPF_X:
    case BPF_ALU | BPF_DIV | BPF_X:
    case BPF_ALU | BPF_AND | BPF_K:
    case BPF_ALU | BPF_AND | BPF_X:
    case BPF_ALU | BPF_OR | BPF_K:
    case BPF_ALU | BPF_OR | BPF_X:
    case BPF_ALU | BPF_XOR | BPF_K:
    case BPF_ALU | BPF_XOR | BPF_X:
    case BPF_ALU | BPF_LSH | BPF_X:
    case BPF_ALU | BPF_RSH | BPF_X:
    case BPF_ALU | BPF_NEG:
      return Kind::kPlain;
    default:
      return Kind::kUnknown;
  }
}

// What is wrong with the instruction at `index` of a program of `length`; "" when nothing is.
absl::string_view Fault(const BpfInstruction& instruction, size_t index, size_t length) {
  const size_t left = length - index - 1;  // instructions behind this one
  switch (KindOf(instruction.code)) {
    case Kind::kUnknown:
      return "opcode that seccomp does not take";
    case Kind::kLoadWord:
      return instruction.k % 4 != 0 || instruction.k >= uapi::kSeccompDataSize
                 ? "load outside the call's data"
                 : "";
    case Kind::kScratch:
      return instruction.k >= BPF_MEMWORDS ? "scratch memory out of range" : "";
    case Kind::kShift:
      return instruction.k >= 32 ? "shift of 32 or more" : "";
    case Kind::kDivide:
      return instruction.k == 0 ? "division by zero" : "";
    case Kind::kJump:
      return instruction.k >= left ? "jump behind the end" : "";
    case Kind::kBranch:
      return instruction.jump_true >= left || instruction.jump_false >= left ? "jump behind the end"
                                                                             : "";
    case Kind::kPlain:
    case Kind::kReturn:
      return "";
  }
  return "";
}

Error Malformed(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, absl::StrCat("BPF program: ", message));
}

}  // namespace

absl::StatusOr<BpfProgram> BpfProgram::Make(absl::string_view bytes) {
  if (bytes.empty() || bytes.size() % sizeof(BpfInstruction) != 0) {
    return Malformed(absl::StrCat(bytes.size(), " bytes are no whole number of instructions"));
  }
  const size_t length = bytes.size() / sizeof(BpfInstruction);
  if (length > uapi::kMaxFilterInstructions) {
    return Malformed(absl::StrCat(length, " instructions; the kernel loads at most ",
                                  uapi::kMaxFilterInstructions));
  }
  std::vector<BpfInstruction> instructions(length);
  std::memcpy(instructions.data(), bytes.data(), bytes.size());
  for (size_t i = 0; i < length; ++i) {
    const absl::string_view fault = Fault(instructions[i], i, length);
    if (!fault.empty()) return Malformed(absl::StrCat("instruction ", i, ": ", fault));
  }
  if (KindOf(instructions.back().code) != Kind::kReturn) {
    return Malformed("the last instruction does not return");
  }
  return BpfProgram(std::move(instructions));
}

}  // namespace cordon
