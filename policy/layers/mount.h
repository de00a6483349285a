// SPDX-License-Identifier: Apache-2.0
// Layer mount: everything that exists below the job's root.
#ifndef CORDON_POLICY_LAYERS_MOUNT_H_
#define CORDON_POLICY_LAYERS_MOUNT_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Fills plan->mount: entries sorted by target, parents before children, masks behind all others.
// Parent directories are not listed, the set-up makes them; the working directory is, when no
// entry contains it.
absl::Status CompileMount(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_MOUNT_H_
