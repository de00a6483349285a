// SPDX-License-Identifier: Apache-2.0
// Layer namespaces: which namespaces the sandbox gets, and the host name shown inside.
// The set is fixed: user, mount, pid, ipc, uts and cgroup always, net by layer net.
#ifndef CORDON_POLICY_LAYERS_NAMESPACES_H_
#define CORDON_POLICY_LAYERS_NAMESPACES_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// FAILED_PRECONDITION when the host lets the caller make no user namespace.
absl::Status CompileNamespaces(const NormalPolicy& policy, const v1::HostFacts& facts,
                               v1::Plan* plan);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_NAMESPACES_H_
