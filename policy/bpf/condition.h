// SPDX-License-Identifier: Apache-2.0
// Conditions of seccomp rules -> comparisons of 64-bit registers that mean the same to the kernel.
// Entry points: LowerCondition, ParseConditions.
#ifndef CORDON_POLICY_BPF_CONDITION_H_
#define CORDON_POLICY_BPF_CONDITION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/policy.pb.h"

namespace cordon {

// The comparisons of which at least one holds exactly when `condition` holds.
//
// An argument that the kernel reads as 32 (or 16) bits is compared in those bits only: "equals"
// becomes MASKED_EQ, and "not_equals" one MASKED_EQ per bit that may differ, because neither BPF
// nor libseccomp has a masked inequality and a 64-bit one would answer differently for registers
// whose upper half is garbage. Ordering such arguments is refused, since the table does not say
// whether they are signed. A condition that always or never holds is refused as a mistake.
absl::StatusOr<std::vector<v1::ArgCompare>> LowerCondition(absl::string_view call,
                                                           const v1::Condition& condition);

// The conditions of the tables of syscall_groups, as text: parts joined by ", ", each
// "ARG = VALUE", "ARG in VALUE VALUE ..." or "ARG & MASK = VALUE". "" gives none.
absl::StatusOr<std::vector<v1::Condition>> ParseConditions(absl::string_view text);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_CONDITION_H_
