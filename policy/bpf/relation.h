// SPDX-License-Identifier: Apache-2.0
// Relations between comparisons and between rules on one call: can both hold, does one imply the
// other. Entry points: ProvablyDisjoint, Implies. Comparisons are those that LowerCondition makes,
// EQ and MASKED_EQ; nothing is claimed about others (false means "not proven").
#ifndef CORDON_POLICY_BPF_RELATION_H_
#define CORDON_POLICY_BPF_RELATION_H_

#include "policy/proto/plan.pb.h"

namespace cordon {

// No value of the argument satisfies both. The comparisons must be on the same argument.
bool ProvablyDisjoint(const v1::ArgCompare& a, const v1::ArgCompare& b);

// No call satisfies both rules: some argument has disjoint comparisons.
bool ProvablyDisjoint(const v1::SyscallRule& a, const v1::SyscallRule& b);

// Every value that satisfies `a` satisfies `b`. The comparisons must be on the same argument.
bool Implies(const v1::ArgCompare& a, const v1::ArgCompare& b);

// Every call that satisfies `a` satisfies `b`.
bool Implies(const v1::SyscallRule& a, const v1::SyscallRule& b);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_RELATION_H_
