// SPDX-License-Identifier: Apache-2.0
// A job may only tighten: limits are compared as numbers, "unlimited" is the largest.
#ifndef CORDON_POLICY_STRICTNESS_H_
#define CORDON_POLICY_STRICTNESS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "policy/proto/policy.pb.h"

namespace cordon {

// Lowers every limit that `wanted` sets. INVALID_ARGUMENT with one detail per limit that is
// malformed or above that of the policy; `limits` is unchanged then. `limits` must be normal (every
// field set), `policy_name` is for the messages.
absl::Status TightenLimits(const v1::Limits& wanted, absl::string_view policy_name,
                           v1::Limits* limits);

// True when every limit of `a` is at most that of `b`. Both must be normal.
bool LimitsAtMost(const v1::Limits& a, const v1::Limits& b);

}  // namespace cordon

#endif  // CORDON_POLICY_STRICTNESS_H_
