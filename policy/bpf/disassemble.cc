// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/disassemble.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "policy/bpf/prove.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

constexpr uint32_t kNumberOffset = 0;
constexpr uint32_t kFirstArgument = 16;

// The word at an offset of struct seccomp_data.
std::string WordName(uint32_t offset) {
  switch (offset) {
    case kNumberOffset:
      return "number";
    case 4:
      return "architecture";
    case 8:
      return "ip.low";
    case 12:
      return "ip.high";
    default:
      return absl::StrCat("arg", (offset - kFirstArgument) / 8, offset % 8 == 0 ? ".low" : ".high");
  }
}

absl::string_view Operator(uint16_t code) {
  switch (BPF_OP(code)) {
    case BPF_JEQ:
      return "==";
    case BPF_JGT:
      return ">";
    case BPF_JGE:
      return ">=";
    default:
      return "&";
  }
}

class Listing {
 public:
  Listing(const BpfProgram& program, Architecture architecture)
      : code_(program.instructions()), architecture_(architecture) {}

  std::string Text() {
    std::string text;
    for (at_ = 0; at_ < code_.size(); ++at_) {
      absl::StrAppendFormat(&text, "%04d: %s\n", at_, Line(code_[at_]));
    }
    return text;
  }

 private:
  std::string Line(const BpfInstruction& op) {
    switch (op.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        loaded_ = op.k;
        return absl::StrCat("a = ", WordName(op.k));
      case BPF_ALU | BPF_AND | BPF_K:
        return absl::StrFormat("a &= 0x%x", op.k);
      case BPF_JMP | BPF_JA:
        return absl::StrCat("goto ", at_ + 1 + op.k);
      case BPF_RET | BPF_K:
        return absl::StrCat("return ", AnswerText(op.k));
      case BPF_JMP | BPF_JEQ | BPF_K:
      case BPF_JMP | BPF_JGT | BPF_K:
      case BPF_JMP | BPF_JGE | BPF_K:
      case BPF_JMP | BPF_JSET | BPF_K:
        return Branch(op);
      default:
        return absl::StrFormat("code 0x%02x, jt %d, jf %d, k 0x%x", op.code, op.jump_true,
                               op.jump_false, op.k);
    }
  }

  // What was loaded last in the order of the text: jumps of a filter go forward only, and none of
  // ours lands between a load and its comparisons, so that it names the word in nearly all lines.
  std::string Branch(const BpfInstruction& op) const {
    std::string text = absl::StrFormat("if (a %s 0x%x) goto %d else goto %d", Operator(op.code),
                                       op.k, at_ + 1 + op.jump_true, at_ + 1 + op.jump_false);
    if (loaded_ != kNumberOffset) return text;
    const std::string name = SyscallName(op.k, architecture_);
    return name.empty() ? text : absl::StrCat(text, "  ; ", name);
  }

  const absl::Span<const BpfInstruction> code_;
  const Architecture architecture_;
  size_t at_ = 0;
  uint32_t loaded_ = UINT32_MAX;
};

}  // namespace

std::string Disassemble(const BpfProgram& program, Architecture architecture) {
  return Listing(program, architecture).Text();
}

}  // namespace cordon
