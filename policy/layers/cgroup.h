// SPDX-License-Identifier: Apache-2.0
// Layer cgroup: limits of a control group: memory, swap, processes, cpu, io.
#ifndef CORDON_POLICY_LAYERS_CGROUP_H_
#define CORDON_POLICY_LAYERS_CGROUP_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Where `limits` and `cgroup` both name a quantity the lower one is taken. A host without the
// controllers is FAILED_PRECONDITION when the layer is REQUIRED; with IF_AVAILABLE the plan says
// why it is not enabled.
absl::Status CompileCgroup(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_CGROUP_H_
