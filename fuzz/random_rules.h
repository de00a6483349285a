// SPDX-License-Identifier: Apache-2.0
// Rule sets and calls out of a fuzzer's bytes.
#ifndef CORDON_FUZZ_RANDOM_RULES_H_
#define CORDON_FUZZ_RANDOM_RULES_H_

#include "fuzz/byte_source.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/syscall_table.h"
#include "policy/uapi/uapi.h"

namespace cordon::fuzz {

inline constexpr uint32_t kNumbers = 3;

inline v1::SeccompRules RulesFrom(ByteSource* source) {
  static constexpr v1::Seccomp::Action kActions[] = {v1::Seccomp::KILL, v1::Seccomp::ERRNO,
                                                     v1::Seccomp::ALLOW, v1::Seccomp::LOG,
                                                     v1::Seccomp::NOTIFY};
  v1::SeccompRules rules;
  rules.mutable_default_action()->set_action(kActions[source->Below(2)]);
  if (source->Below(2) == 1) rules.set_unknown_from(400 + source->Below(100));
  for (uint32_t number = 0; number < kNumbers; ++number) {
    for (uint32_t i = source->Below(3); i > 0; --i) {
      v1::SyscallRule& rule = *rules.add_rule();
      rule.set_number(number);
      rule.mutable_action()->set_action(kActions[source->Below(5)]);
      for (uint32_t j = source->Below(3); j > 0; --j) {
        v1::ArgCompare& compare = *rule.add_when();
        compare.set_arg(source->Below(3));
        compare.set_op(static_cast<v1::ArgCompare::Op>(source->Below(7)));
        compare.set_value(source->Value());
        compare.set_mask(source->Value());
      }
    }
  }
  return rules;
}

inline CallSample CallFrom(ByteSource* source) {
  CallSample call;
  call.architecture = source->Below(8) == 1 ? 3 : AuditArchitecture(NativeArchitecture());
  call.number = source->Below(kNumbers + 1);
  if (source->Below(8) == 1) call.number |= uapi::kX32Bit;
  if (source->Below(8) == 1) call.number += 400;
  for (size_t i = 0; i < 3; ++i) call.args[i] = source->Value() + source->Below(3) - 1;
  return call;
}

}  // namespace cordon::fuzz

#endif  // CORDON_FUZZ_RANDOM_RULES_H_
