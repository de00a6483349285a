// SPDX-License-Identifier: Apache-2.0
// Layer userns: the ids shown inside. The host side of the map is chosen when the sandbox
// is made and is never root.
#ifndef CORDON_POLICY_LAYERS_USERNS_H_
#define CORDON_POLICY_LAYERS_USERNS_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Fills plan->userns; never fails on a valid policy.
absl::Status CompileUserns(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_USERNS_H_
