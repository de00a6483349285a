// SPDX-License-Identifier: Apache-2.0
// What the system call filter of a plan leaves within reach, as far as AppArmor has a word for it:
// a profile grants nothing that the filter never lets through.
#ifndef CORDON_POLICY_APPARMOR_FILTER_REACH_H_
#define CORDON_POLICY_APPARMOR_FILTER_REACH_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// True unless every call of the name is stopped whatever its arguments are.
bool FilterMayAllow(const v1::SeccompPlan& plan, absl::string_view call);

// The same for calls whose first argument is `first`: "socket" with a family.
bool FilterMayAllow(const v1::SeccompPlan& plan, absl::string_view call, uint64_t first);

}  // namespace cordon

#endif  // CORDON_POLICY_APPARMOR_FILTER_REACH_H_
