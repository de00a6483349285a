// SPDX-License-Identifier: Apache-2.0
// Named sets of system calls. Promises are what a job may be allowed, ordered from least risky;
// the dangers behind them are what a profile may answer with a kill. Entry point: FindGroup. Each
// entry says why the calls are in the set; conditions narrow a call to what the set's name says.
#ifndef CORDON_POLICY_BPF_SYSCALL_GROUPS_H_
#define CORDON_POLICY_BPF_SYSCALL_GROUPS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cordon {

struct GroupEntry {
  absl::string_view calls;   // names, separated by spaces
  absl::string_view when;    // see ParseConditions; "" means always
  absl::string_view reason;  // why the calls belong to the group
};

struct SyscallGroup {
  absl::string_view name;
  absl::string_view summary;  // what a job with this promise may do, in one line
  absl::Span<const GroupEntry> entries;
  absl::Span<const absl::string_view> includes;  // names of groups that are part of this one
  bool danger = false;                           // no job needs these calls; meant for `kill`
};

// All groups, from least risky to most.
absl::Span<const SyscallGroup> SyscallGroups();

// INVALID_ARGUMENT with the nearest name as hint when there is no such group.
absl::StatusOr<const SyscallGroup*> FindGroup(absl::string_view name);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_SYSCALL_GROUPS_H_
