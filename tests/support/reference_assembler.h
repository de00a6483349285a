// SPDX-License-Identifier: Apache-2.0
// A second assembler of filters, as plain as can be, with switches that break it: one fault each
// that a person could make. The prover has to tell the good one from all broken ones.
#ifndef CORDON_TESTS_SUPPORT_REFERENCE_ASSEMBLER_H_
#define CORDON_TESTS_SUPPORT_REFERENCE_ASSEMBLER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "policy/bpf/meaning.h"
#include "policy/bpf/program.h"
#include "policy/uapi/uapi.h"

namespace cordon {

enum class Fault {
  kNone,
  kSwappedHalves,
  kNoArchitectureCheck,
  kForeignAllowed,
  kNoX32Check,
  kX32OffByOne,
  kMinusOneIsX32,
  kNoOldX32Check,
  kOldX32OffByOne,
  kNoUnknownCheck,
  kUnknownOffByOne,
  kUnknownBeforeX32,
  kJumpTooFar,
  kJumpTooShort,
  kSignedCompare,
  kUpperHalfIgnored,
  kLowerHalfIgnored,
  kMaskForgotten,
  kMaskOfLowerHalfOnly,
  kGreaterForAtLeast,
  kAtLeastForGreater,
  kLessForAtMost,
  kNextArgument,
  kFirstConditionOnly,
  kConditionsForgotten,
  kLastRuleForgotten,
  kErrnoForgotten,
  kKillThreadForProcess,
  kNotifyAllows,
  kNotifyTraces,
  kDefaultAllows,
  kNumberMasked,
  kNotEqualNeedsBothHalves,
  kCount,
};

class ReferenceAssembler {
 public:
  explicit ReferenceAssembler(Fault fault = Fault::kNone) : fault_(fault) {}

  BpfProgram Assemble(const v1::SeccompRules& rules, Architecture architecture) {
    code_.clear();
    Head(rules, architecture);
    for (int i = 0; i < rules.rule_size(); ++i) {
      if (fault_ == Fault::kLastRuleForgotten && i + 1 == rules.rule_size()) break;
      AddRule(rules.rule(i));
    }
    Return(fault_ == Fault::kDefaultAllows ? SECCOMP_RET_ALLOW
                                           : ReturnValue(rules.default_action()));
    const absl::string_view bytes(reinterpret_cast<const char*>(code_.data()),
                                  code_.size() * sizeof(sock_filter));
    return BpfProgram::Make(bytes).value();
  }

 private:
  static constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
  static constexpr uint8_t kPass = 254;  // marks of jumps, until the end of a rule is known
  static constexpr uint8_t kFail = 255;

  void Add(uint16_t code, uint8_t yes, uint8_t no, uint32_t k) {
    code_.push_back({code, yes, no, k});
  }
  void Jump(uint16_t operation, uint32_t k, uint8_t yes, uint8_t no) {
    Add(static_cast<uint16_t>(BPF_JMP | BPF_K | operation), yes, no, k);
  }
  void Return(uint32_t value) {
    if (fault_ == Fault::kKillThreadForProcess && value == SECCOMP_RET_KILL_PROCESS) {
      value = SECCOMP_RET_KILL_THREAD;
    }
    if (value == SECCOMP_RET_USER_NOTIF) {
      if (fault_ == Fault::kNotifyAllows) value = SECCOMP_RET_ALLOW;
      if (fault_ == Fault::kNotifyTraces) value = SECCOMP_RET_TRACE;
    }
    if (fault_ == Fault::kErrnoForgotten) value &= SECCOMP_RET_ACTION_FULL;
    Add(BPF_RET | BPF_K, 0, 0, value);
  }
  void LoadNumber() {
    Add(kLoad, 0, 0, 0);
    if (fault_ == Fault::kNumberMasked) Add(BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xff);
  }

  void Head(const v1::SeccompRules& rules, Architecture architecture) {
    CheckArchitecture(architecture);
    if (fault_ == Fault::kUnknownBeforeX32) CheckUnknown(rules);
    if (architecture == Architecture::kX86_64) CheckX32();
    if (fault_ != Fault::kUnknownBeforeX32) CheckUnknown(rules);
  }

  void CheckUnknown(const v1::SeccompRules& rules) {
    if (rules.unknown_from() == 0 || fault_ == Fault::kNoUnknownCheck) return;
    Add(kLoad, 0, 0, 0);
    Jump(fault_ == Fault::kUnknownOffByOne ? BPF_JGT : BPF_JGE, rules.unknown_from(), 0, 1);
    Return(kReturnNoSuchCall);
  }

  void CheckX32() {
    if (fault_ != Fault::kNoOldX32Check) {
      Add(kLoad, 0, 0, 0);
      Jump(BPF_JGE, uapi::kX32OldFirst, 0, 2);
      Jump(fault_ == Fault::kOldX32OffByOne ? BPF_JGE : BPF_JGT, uapi::kX32OldLast, 1, 0);
      Return(SECCOMP_RET_KILL_PROCESS);
    }
    if (fault_ == Fault::kNoX32Check) return;
    Add(kLoad, 0, 0, 0);
    Jump(fault_ == Fault::kX32OffByOne ? BPF_JGT : BPF_JGE, uapi::kX32Bit, 0, 2);
    Jump(BPF_JEQ, fault_ == Fault::kMinusOneIsX32 ? UINT32_MAX - 1 : UINT32_MAX, 1, 0);
    Return(SECCOMP_RET_KILL_PROCESS);
  }

  void CheckArchitecture(Architecture architecture) {
    if (fault_ != Fault::kNoArchitectureCheck) {
      Add(kLoad, 0, 0, 4);
      Jump(BPF_JEQ, AuditArchitecture(architecture), 1, 0);
      Return(fault_ == Fault::kForeignAllowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
    }
  }

  void AddRule(const v1::SyscallRule& rule) {
    const size_t begin = code_.size();
    LoadNumber();
    Jump(BPF_JEQ, rule.number(), 0, kFail);
    for (const v1::ArgCompare& compare : rule.when()) {
      if (fault_ == Fault::kConditionsForgotten) break;
      AddCompare(compare);
      if (fault_ == Fault::kFirstConditionOnly) break;
    }
    Return(ReturnValue(rule.action()));
    for (size_t at = begin; at < code_.size(); ++at) Patch(at);
  }

  // Jumps to the end of the rule become distances.
  void Patch(size_t at) {
    sock_filter& op = code_[at];
    if (BPF_CLASS(op.code) != BPF_JMP) return;
    size_t away = code_.size() - at - 1;
    if (fault_ == Fault::kJumpTooShort) --away;
    if (op.jt == kFail) op.jt = static_cast<uint8_t>(away);
    if (op.jf == kFail) op.jf = static_cast<uint8_t>(away);
  }

  void AddCompare(const v1::ArgCompare& compare) {
    const size_t begin = code_.size();
    const bool swap = fault_ == Fault::kSwappedHalves;
    const uint32_t arg = compare.arg() + (fault_ == Fault::kNextArgument ? 1 : 0);
    const uint32_t low = 16 + arg % 6 * 8 + (swap ? 4 : 0);
    const uint32_t high = 16 + arg % 6 * 8 + (swap ? 0 : 4);
    const auto value_low = static_cast<uint32_t>(compare.value());
    const auto value_high = static_cast<uint32_t>(compare.value() >> 32);
    switch (compare.op()) {
      case v1::ArgCompare::EQ:
      case v1::ArgCompare::MASKED_EQ:
        AddMasked(compare, low, high);
        break;
      case v1::ArgCompare::NE:
        Add(kLoad, 0, 0, high);
        Jump(BPF_JEQ, value_high, 0, fault_ == Fault::kNotEqualNeedsBothHalves ? kFail : kPass);
        Add(kLoad, 0, 0, low);
        Jump(BPF_JEQ, value_low, kFail, 0);
        break;
      case v1::ArgCompare::GT:
      case v1::ArgCompare::GE:
        AddUpperHalf(high, value_high, kPass, kFail);
        Add(kLoad, 0, 0, low);
        Jump(OrderOf(compare.op()), value_low, 0, kFail);
        break;
      default:
        AddUpperHalf(high, value_high, kFail, kPass);
        Add(kLoad, 0, 0, low);
        Jump(OrderOf(compare.op()), value_low, kFail, 0);
    }
    for (size_t at = begin; at < code_.size(); ++at) {
      sock_filter& op = code_[at];
      const auto away =
          static_cast<uint8_t>(code_.size() - at - 1 + (fault_ == Fault::kJumpTooFar ? 1 : 0));
      if (BPF_CLASS(op.code) != BPF_JMP) continue;
      if (op.jt == kPass) op.jt = away;
      if (op.jf == kPass) op.jf = away;
    }
  }

  void AddMasked(const v1::ArgCompare& compare, uint32_t low, uint32_t high) {
    uint64_t mask = compare.op() == v1::ArgCompare::EQ ? UINT64_MAX : compare.mask();
    if (fault_ == Fault::kMaskForgotten) mask = UINT64_MAX;
    if (fault_ == Fault::kMaskOfLowerHalfOnly) mask |= uint64_t{UINT32_MAX} << 32;
    if (fault_ != Fault::kUpperHalfIgnored) {
      Add(kLoad, 0, 0, high);
      Add(BPF_ALU | BPF_AND | BPF_K, 0, 0, static_cast<uint32_t>(mask >> 32));
      Jump(BPF_JEQ, static_cast<uint32_t>(compare.value() >> 32), 0, kFail);
    }
    if (fault_ == Fault::kLowerHalfIgnored) return;
    Add(kLoad, 0, 0, low);
    Add(BPF_ALU | BPF_AND | BPF_K, 0, 0, static_cast<uint32_t>(mask));
    Jump(BPF_JEQ, static_cast<uint32_t>(compare.value()), 0, kFail);
  }

  void AddUpperHalf(uint32_t high, uint32_t value, uint8_t above, uint8_t below) {
    Add(kLoad, 0, 0, high);
    if (fault_ == Fault::kSignedCompare) {
      // What a signed comparison would do for a value without sign: negative is below.
      Jump(BPF_JSET, uint32_t{1} << 31, below, 0);
    }
    Jump(BPF_JGT, value, above, 0);
    Jump(BPF_JEQ, value, 0, below);
  }

  uint16_t OrderOf(v1::ArgCompare::Op op) const {
    const bool strict = op == v1::ArgCompare::GT || op == v1::ArgCompare::LE;
    if (op == v1::ArgCompare::GE && fault_ == Fault::kGreaterForAtLeast) return BPF_JGT;
    if (op == v1::ArgCompare::GT && fault_ == Fault::kAtLeastForGreater) return BPF_JGE;
    if (op == v1::ArgCompare::LE && fault_ == Fault::kLessForAtMost) return BPF_JGE;
    return strict ? BPF_JGT : BPF_JGE;
  }

  const Fault fault_;
  std::vector<sock_filter> code_;
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_REFERENCE_ASSEMBLER_H_
