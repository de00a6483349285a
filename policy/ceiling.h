// SPDX-License-Identifier: Apache-2.0
// A policy that names a ceiling may tighten it and nothing else. Entry point: HoldCeilings.
#ifndef CORDON_POLICY_CEILING_H_
#define CORDON_POLICY_CEILING_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/resolve.h"

namespace cordon {

// Compares the policy with each of its ceilings (compare.h), both compiled for the ideal host.
// INVALID_ARGUMENT with one detail per thing that it allows and a ceiling does not, at the line of
// the policy that allows it. A ceiling that cannot be loaded or compiled is an error of its own.
// A ceiling's own ceilings are not looked at: it is a bound, not a policy that runs.
absl::Status HoldCeilings(const NormalPolicy& policy, ProfileSource& source);

}  // namespace cordon

#endif  // CORDON_POLICY_CEILING_H_
