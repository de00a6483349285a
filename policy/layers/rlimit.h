// SPDX-License-Identifier: Apache-2.0
// Layer rlimit: resource limits of each process of the job.
#ifndef CORDON_POLICY_LAYERS_RLIMIT_H_
#define CORDON_POLICY_LAYERS_RLIMIT_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Reads plan->cgroup: without a control group RLIMIT_NPROC holds the number of processes. A limit
// above the caller's own hard limit is FAILED_PRECONDITION naming the field when the layer is
// REQUIRED; otherwise the caller's limit is taken.
absl::Status CompileRlimit(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_RLIMIT_H_
