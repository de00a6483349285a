// SPDX-License-Identifier: Apache-2.0
// Groups, rules and defaults of a policy -> SeccompRules: the meaning of the filter, as a list
// without overlaps. Entry point: BuildRules.
#ifndef CORDON_POLICY_BPF_RULES_H_
#define CORDON_POLICY_BPF_RULES_H_

#include <string>

#include "absl/status/statusor.h"
#include "policy/bpf/syscall_table.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/policy.pb.h"

namespace cordon {

// A rule on a call takes the call out of its groups. Several rules on one call are alternatives;
// where two of them have different actions, no call may satisfy both, since the order of rules
// must not decide what a filter does. A call without a number on this architecture cannot be made
// and is left out. clone3 answers ENOSYS unless the policy names it: its flags lie in memory, where
// a filter cannot see them, and only ENOSYS makes the C library fall back to clone.
// For the same reason calls younger than the table (unknown_from) answer ENOSYS wherever the
// default action refuses.
//
// All errors found are in the status, each with its field ("seccomp.rule[2].when[0]").
absl::StatusOr<v1::SeccompRules> BuildRules(const v1::Seccomp& policy, Architecture architecture);

// "KILL", "ERRNO EPERM", "NOTIFY EPERM", "ALLOW", "LOG".
std::string ActionText(const v1::SeccompAction& action);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_RULES_H_
