// SPDX-License-Identifier: Apache-2.0
// Layer net: the network namespace.
#ifndef CORDON_POLICY_LAYERS_NET_H_
#define CORDON_POLICY_LAYERS_NET_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Fills plan->net; never fails on a valid policy.
absl::Status CompileNet(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_NET_H_
