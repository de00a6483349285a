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

// The comparisons of which at least one holds exactly when `condition` holds. All of them are EQ
// (64 bits) or MASKED_EQ: inequality becomes one comparison per bit that may differ, an order one
// per bit in which the argument may first differ from the value. Two reasons for this one shape:
//   - libseccomp 2.5.4 assembles several ordering comparisons or inequalities on one argument
//     wrongly, and does not end for some; with masks alone neither has been seen.
//   - An argument that the kernel reads as 32 (or 16) bits must be compared in those bits only, and
//     BPF has a mask for equality alone. A 64-bit comparison would answer differently for registers
//     whose upper half is garbage.
// Ordering a 32-bit argument is refused, since the table does not say whether it is signed. A
// condition that always or never holds is refused as a mistake.
absl::StatusOr<std::vector<v1::ArgCompare>> LowerCondition(absl::string_view call,
                                                           const v1::Condition& condition);

// The conditions of the tables of syscall_groups, as text: parts joined by ", ", each
// "ARG = VALUE", "ARG in VALUE VALUE ..." or "ARG & MASK = VALUE". "" gives none.
absl::StatusOr<std::vector<v1::Condition>> ParseConditions(absl::string_view text);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_CONDITION_H_
