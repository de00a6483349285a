// SPDX-License-Identifier: Apache-2.0
// Layer process: environment and working directory of the job, and what the supervisor
// watches.
#ifndef CORDON_POLICY_LAYERS_PROCESS_H_
#define CORDON_POLICY_LAYERS_PROCESS_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Fills plan->process and plan->watch.
absl::Status CompileProcess(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_PROCESS_H_
