// SPDX-License-Identifier: Apache-2.0
// The reference semantics of a filter. Written for the reader, not for speed beyond a binary
// search for the first rule on a number.
#include "policy/bpf/meaning.h"

#include <algorithm>

namespace cordon {
namespace {

// The x32 calls and all above them. -1 is not one of them: a tracer stores it to skip a call, and
// the kernel answers ENOSYS.
bool IsX32(uint32_t number) {
  if (number >= uapi::kX32OldFirst && number <= uapi::kX32OldLast) return true;
  return number >= uapi::kX32Bit && number != UINT32_MAX;
}

bool IsUnknown(const v1::SeccompRules& rules, uint32_t number) {
  return rules.unknown_from() != 0 && number >= rules.unknown_from();
}

}  // namespace

bool Holds(const v1::ArgCompare& compare, uint64_t value) {
  switch (compare.op()) {
    case v1::ArgCompare::EQ:
      return value == compare.value();
    case v1::ArgCompare::NE:
      return value != compare.value();
    case v1::ArgCompare::LT:
      return value < compare.value();
    case v1::ArgCompare::LE:
      return value <= compare.value();
    case v1::ArgCompare::GT:
      return value > compare.value();
    case v1::ArgCompare::GE:
      return value >= compare.value();
    case v1::ArgCompare::MASKED_EQ:
      return (value & compare.mask()) == compare.value();
    default:
      return false;
  }
}

bool Matches(const v1::SyscallRule& rule, const CallSample& call) {
  return std::all_of(rule.when().begin(), rule.when().end(), [&](const v1::ArgCompare& compare) {
    return compare.arg() < call.args.size() && Holds(compare, call.args[compare.arg()]);
  });
}

uint32_t MeaningOf(const v1::SeccompRules& rules, Architecture architecture,
                   const CallSample& call) {
  if (call.architecture != AuditArchitecture(architecture)) return SECCOMP_RET_KILL_PROCESS;
  if (architecture == Architecture::kX86_64 && IsX32(call.number)) return SECCOMP_RET_KILL_PROCESS;
  if (IsUnknown(rules, call.number)) return kReturnNoSuchCall;
  const v1::SyscallRule* rule = DecidingRule(rules, call);
  return ReturnValue(rule != nullptr ? rule->action() : rules.default_action());
}

const v1::SyscallRule* DecidingRule(const v1::SeccompRules& rules, const CallSample& call) {
  auto rule = std::lower_bound(
      rules.rule().begin(), rules.rule().end(), call.number,
      [](const v1::SyscallRule& each, uint32_t number) { return each.number() < number; });
  for (; rule != rules.rule().end() && rule->number() == call.number; ++rule) {
    if (Matches(*rule, call)) return &*rule;
  }
  return nullptr;
}

v1::SeccompRules WithNamedKills(v1::SeccompRules rules) {
  const auto name = [](v1::SeccompAction* action) {
    if (action->action() == v1::Seccomp::KILL) action->set_action(v1::Seccomp::NOTIFY);
  };
  name(rules.mutable_default_action());
  for (v1::SyscallRule& rule : *rules.mutable_rule()) name(rule.mutable_action());
  return rules;
}

uint32_t ReturnValue(const v1::SeccompAction& action) {
  switch (action.action()) {
    case v1::Seccomp::ALLOW:
      return SECCOMP_RET_ALLOW;
    case v1::Seccomp::LOG:
      return SECCOMP_RET_LOG;
    case v1::Seccomp::NOTIFY:
      return SECCOMP_RET_USER_NOTIF;
    case v1::Seccomp::ERRNO:
      return SECCOMP_RET_ERRNO | (action.errno_value() & SECCOMP_RET_DATA);
    default:
      return SECCOMP_RET_KILL_PROCESS;
  }
}

}  // namespace cordon
