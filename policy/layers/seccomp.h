// SPDX-License-Identifier: Apache-2.0
// Layer seccomp: the system call filter.
#ifndef CORDON_POLICY_LAYERS_SECCOMP_H_
#define CORDON_POLICY_LAYERS_SECCOMP_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Fills plan->seccomp: the rules, and the filter that was proven to mean them. A filter that is
// there already is not assembled again, but proven like any other. A filter that does
// not let the job start (execve) is INVALID_ARGUMENT. A kernel without user notification is
// FAILED_PRECONDITION for rules with NOTIFY, whatever the enforcement.
absl::Status CompileSeccomp(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_SECCOMP_H_
