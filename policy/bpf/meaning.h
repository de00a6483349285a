// SPDX-License-Identifier: Apache-2.0
// What SeccompRules mean, defined once and apart from any assembler. Entry point: MeaningOf. The
// filter that runs is proven equal to this (prove.h), so it must stay small enough to be checked
// by eye.
#ifndef CORDON_POLICY_BPF_MEANING_H_
#define CORDON_POLICY_BPF_MEANING_H_

#include <array>
#include <cerrno>
#include <cstdint>

#include "policy/bpf/syscall_table.h"
#include "policy/proto/plan.pb.h"
#include "policy/uapi/uapi.h"

namespace cordon {

// One system call as a filter sees it (struct seccomp_data).
struct CallSample {
  uint32_t number = 0;
  uint32_t architecture = 0;  // AUDIT_ARCH_ value
  uint64_t instruction_pointer = 0;
  std::array<uint64_t, 6> args = {};
};

// ENOSYS: what a kernel answers to a call that it does not have, and C libraries fall back on.
inline constexpr uint32_t kReturnNoSuchCall = SECCOMP_RET_ERRNO | uint32_t{ENOSYS};

// True when the comparison holds for the value of its argument.
bool Holds(const v1::ArgCompare& compare, uint64_t value);

// True when all conditions of the rule hold (the call's number is not looked at).
bool Matches(const v1::SyscallRule& rule, const CallSample& call);

// The SECCOMP_RET_ value that the kernel must get for `call`:
//   a foreign architecture, or a number of the x32 ABI (512 to 547; 2^30 and up, except -1): kill
//   the process;
//   otherwise a number from rules.unknown_from on, if that is not 0: the call does not exist;
//   otherwise the action of the first rule on the number whose conditions all hold;
//   otherwise the default action.
uint32_t MeaningOf(const v1::SeccompRules& rules, Architecture architecture,
                   const CallSample& call);

// The first rule on the call's number whose conditions all hold; null: the default action decides.
// Looks at number and arguments only.
const v1::SyscallRule* DecidingRule(const v1::SeccompRules& rules, const CallSample& call);

// The rules of a filter whose kills are named: KILL becomes NOTIFY, so that the call waits for the
// supervisor, which ends the job; everything else stays, foreign ABIs too, which the kernel kills.
// What a policy means is said by the rules without this; only the filter is made from these.
v1::SeccompRules WithNamedKills(v1::SeccompRules rules);

// The SECCOMP_RET_ value of an action. NOTIFY has one value whatever its errno: the kernel carries
// no data to the supervisor, which answers with the errno of the rule that decides.
uint32_t ReturnValue(const v1::SeccompAction& action);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_MEANING_H_
