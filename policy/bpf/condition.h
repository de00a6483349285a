// SPDX-License-Identifier: Apache-2.0
// Conditions of seccomp rules -> comparisons of 64-bit registers that mean the same to the kernel.
// Entry points: LowerCondition, ParseConditions.
#ifndef CORDON_POLICY_BPF_CONDITION_H_
#define CORDON_POLICY_BPF_CONDITION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/bpf/syscall_table.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/policy.pb.h"

namespace cordon {

// The comparisons of which at least one holds exactly when `condition` holds, in the bits and with
// the sign that the kernel reads (syscall_table.h). All of them are EQ (64 bits) or MASKED_EQ:
// inequality becomes one comparison per bit that may differ, an order one per bit in which the
// argument may first differ from the value. Two reasons for this one shape:
//   - libseccomp 2.5.4 assembles several ordering comparisons or inequalities on one argument
//     wrongly, and does not end for some; with masks alone neither has been seen.
//   - An argument that the kernel reads as 32 (or 16) bits must be compared in those bits only, and
//     BPF has a mask for equality alone. A 64-bit comparison would answer differently for registers
//     whose upper half is garbage.
// INVALID_ARGUMENT: a condition that always or never holds; a value outside the argument's range;
// a comparison of a pointer with anything but 0, because what it points to can change and a filter
// cannot see it (prlimit64 with no new limit, "2 = 0", is why 0 is possible).
absl::StatusOr<std::vector<v1::ArgCompare>> LowerCondition(absl::string_view call,
                                                           const v1::Condition& condition,
                                                           Architecture architecture);

// The conditions of the tables of syscall_groups, as text: parts joined by ", ", each
// "ARG = VALUE", "ARG in VALUE VALUE ..." or "ARG & MASK = VALUE". "" gives none.
absl::StatusOr<std::vector<v1::Condition>> ParseConditions(absl::string_view text);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_CONDITION_H_
