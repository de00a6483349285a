// SPDX-License-Identifier: Apache-2.0
// Layer caps: capabilities: all five sets empty, securebits locked, no_new_privs.
#ifndef CORDON_POLICY_LAYERS_CAPS_H_
#define CORDON_POLICY_LAYERS_CAPS_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Fills plan->caps; never fails on a valid policy.
absl::Status CompileCaps(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_CAPS_H_
