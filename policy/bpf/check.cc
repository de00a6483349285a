// SPDX-License-Identifier: Apache-2.0
// Sweeps of numbers, architectures and boundary values.
#include "policy/bpf/check.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "policy/base/status.h"
#include "policy/bpf/evaluate.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/rules.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

constexpr uint32_t kLastSweptNumber = 1023;
constexpr uint32_t kExtremeNumbers[] = {1024,       4095,       65535,      0x3fffffff, 0x40000000,
                                        0x7fffffff, 0x80000000, 0xbfffffff, 0xfffffffe, 0xffffffff};

// i386, arm, the architecture without its 64-bit mark, big-endian and nonsense; the other supported
// one is added in code.
constexpr uint32_t kForeignArchitectures[] = {
    AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_PPC64, EM_X86_64, 0, UINT32_MAX};

// Combinations tried per call. Beyond it they are sampled evenly, so that the time stays bounded.
constexpr uint64_t kMaxCombinations = 2048;
// Pairs of values are joined only in small sets: the result is squared.
constexpr size_t kMaxPaired = 12;

constexpr uint64_t kHighHalf = 0xffffffff00000000;

constexpr absl::string_view kHint =
    "write the rules on this call in another way, for instance with masked_equals or any_of in "
    "place of several ordering comparisons";

using Values = std::vector<uint64_t>;
using Rules = std::vector<const v1::SyscallRule*>;

std::string AnswerText(uint32_t value) {
  if (value == SECCOMP_RET_ALLOW) return "ALLOW";
  if (value == SECCOMP_RET_LOG) return "LOG";
  if (value == SECCOMP_RET_KILL_PROCESS) return "KILL";
  if ((value & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) {
    return absl::StrCat("ERRNO ", ErrnoName(static_cast<int>(value & SECCOMP_RET_DATA)));
  }
  return absl::StrFormat("0x%08x", value);
}

class Checker {
 public:
  Checker(const v1::SeccompRules& rules, const BpfProgram& program, Architecture architecture)
      : rules_(rules), program_(program), architecture_(architecture) {}

  absl::Status CheckNumbers() const;
  absl::Status CheckForeign() const;
  absl::Status CheckConditions() const;

 private:
  absl::Status Compare(const CallSample& call, absl::string_view hint = "") const;
  absl::Status CheckNumber(uint32_t number) const;
  absl::Status CheckCall(uint32_t number, const Rules& rules) const;

  const v1::SeccompRules& rules_;
  const BpfProgram& program_;
  const Architecture architecture_;
};

absl::Status Checker::Compare(const CallSample& call, absl::string_view hint) const {
  const uint32_t wanted = MeaningOf(rules_, architecture_, call);
  const uint32_t got = Evaluate(program_, call);
  if (wanted == got) return absl::OkStatus();
  const std::string name = SyscallName(call.number, architecture_);
  std::string text =
      absl::StrFormat("%s (number 0x%x, architecture 0x%08x, arguments",
                      name.empty() ? "a call" : name.c_str(), call.number, call.architecture);
  for (uint64_t arg : call.args) absl::StrAppendFormat(&text, " 0x%x", arg);
  return Error(absl::StatusCode::kInternal,
               absl::StrCat("the assembled filter differs from its rules: for ", text,
                            ") it answers ", AnswerText(got), " where the rules say ",
                            AnswerText(wanted)))
      .Hint(hint);
}

absl::Status Checker::CheckNumber(uint32_t number) const {
  CallSample call;
  call.number = number;
  call.architecture = AuditArchitecture(architecture_);
  CORDON_RETURN_IF_ERROR(Compare(call));
  call.args.fill(UINT64_MAX);
  call.instruction_pointer = UINT64_MAX;
  return Compare(call);
}

absl::Status Checker::CheckNumbers() const {
  for (uint32_t number = 0; number <= kLastSweptNumber; ++number) {
    CORDON_RETURN_IF_ERROR(CheckNumber(number));
    CORDON_RETURN_IF_ERROR(CheckNumber(number | uapi::kX32Bit));
  }
  for (uint32_t number : kExtremeNumbers) CORDON_RETURN_IF_ERROR(CheckNumber(number));
  return absl::OkStatus();
}

absl::Status Checker::CheckForeign() const {
  std::vector<uint32_t> foreign(std::begin(kForeignArchitectures), std::end(kForeignArchitectures));
  foreign.push_back(AuditArchitecture(
      architecture_ == Architecture::kX86_64 ? Architecture::kAarch64 : Architecture::kX86_64));
  CallSample call;
  for (uint32_t architecture : foreign) {
    call.architecture = architecture;
    for (call.number = 0; call.number <= kLastSweptNumber; ++call.number) {
      CORDON_RETURN_IF_ERROR(Compare(call));
    }
    for (uint32_t number : kExtremeNumbers) {
      call.number = number;
      CORDON_RETURN_IF_ERROR(Compare(call));
    }
  }
  return absl::OkStatus();
}

absl::Status Checker::CheckConditions() const {
  for (int first = 0; first < rules_.rule_size();) {
    Rules rules;
    const uint32_t number = rules_.rule(first).number();
    int last = first;
    for (; last < rules_.rule_size() && rules_.rule(last).number() == number; ++last) {
      rules.push_back(&rules_.rule(last));
    }
    CORDON_RETURN_IF_ERROR(CheckCall(number, rules));
    first = last;
  }
  return absl::OkStatus();
}

absl::Status Checker::CheckCall(uint32_t number, const Rules& rules) const {
  std::array<Values, 6> values;
  uint64_t combinations = 1;
  for (uint32_t arg = 0; arg < values.size(); ++arg) {
    values[arg] = BoundaryValues(rules, arg);
    // Saturates: no product of six such sets matters beyond the ceiling.
    if (combinations < kMaxCombinations * kMaxCombinations) combinations *= values[arg].size();
  }
  // An odd step through the mixed-radix numbers visits every value of every argument.
  const uint64_t step = combinations <= kMaxCombinations ? 1 : combinations / kMaxCombinations | 1;
  CallSample call;
  call.number = number;
  call.architecture = AuditArchitecture(architecture_);
  for (uint64_t index = 0; index < combinations; index += step) {
    uint64_t rest = index;
    for (uint32_t arg = 0; arg < values.size(); ++arg) {
      call.args[arg] = values[arg][rest % values[arg].size()];
      rest /= values[arg].size();
    }
    CORDON_RETURN_IF_ERROR(Compare(call, kHint));
  }
  return absl::OkStatus();
}

void AddAround(uint64_t value, Values* values) {
  for (uint64_t each : {value - 1, value, value + 1}) {
    values->push_back(each);
    values->push_back(each ^ kHighHalf);
    values->push_back(each ^ (uint64_t{1} << 32));
    values->push_back(each << 32 | each >> 32);
  }
}

void AddMasked(uint64_t mask, uint64_t value, Values* values) {
  values->push_back(value);
  values->push_back(value | ~mask);
  values->push_back(~value);
  for (uint32_t bit = 0; bit < 64; ++bit) {
    const uint64_t one = uint64_t{1} << bit;
    if ((mask & one) != 0) values->push_back(value ^ one);
  }
}

void SortUnique(Values* values) {
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
}

}  // namespace

std::vector<uint64_t> BoundaryValues(const std::vector<const v1::SyscallRule*>& rules,
                                     uint32_t arg) {
  Values values;
  Values compared;
  for (const v1::SyscallRule* rule : rules) {
    for (const v1::ArgCompare& compare : rule->when()) {
      if (compare.arg() != arg) continue;
      compared.push_back(compare.value());
      AddAround(compare.value(), &values);
      if (compare.op() == v1::ArgCompare::MASKED_EQ) {
        AddMasked(compare.mask(), compare.value(), &values);
      }
    }
  }
  // An argument that no rule looks at needs one value; the sweep of numbers tried another.
  if (compared.empty()) return {0};
  SortUnique(&compared);
  for (size_t i = 0; i < std::min(compared.size(), kMaxPaired); ++i) {
    for (size_t j = 0; j < i; ++j) values.push_back(compared[i] | compared[j]);
  }
  values.push_back(0);
  values.push_back(UINT64_MAX);
  SortUnique(&values);
  return values;
}

absl::Status CheckFilter(const v1::SeccompRules& rules, const BpfProgram& program,
                         Architecture architecture) {
  const Checker checker(rules, program, architecture);
  CORDON_RETURN_IF_ERROR(checker.CheckNumbers());
  CORDON_RETURN_IF_ERROR(checker.CheckForeign());
  return checker.CheckConditions();
}

}  // namespace cordon
