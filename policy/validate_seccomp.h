// SPDX-License-Identifier: Apache-2.0
// Checks of the `seccomp` block that need no table of system calls: names of calls, groups and
// constants are resolved, and refused, by the compiler of filters (policy/bpf).
#ifndef CORDON_POLICY_VALIDATE_SECCOMP_H_
#define CORDON_POLICY_VALIDATE_SECCOMP_H_

#include "policy/proto/policy.pb.h"
#include "policy/violations.h"

namespace cordon {

void CheckSeccomp(const v1::Seccomp& seccomp, Violations* violations);

}  // namespace cordon

#endif  // CORDON_POLICY_VALIDATE_SECCOMP_H_
