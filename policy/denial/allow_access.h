// SPDX-License-Identifier: Apache-2.0
// Which part of a policy forbids what a security module denied, and the smallest text that would
// allow it. Entry point: AddAccessAdvice. Pure.
#ifndef CORDON_POLICY_DENIAL_ALLOW_ACCESS_H_
#define CORDON_POLICY_DENIAL_ALLOW_ACCESS_H_

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "policy/resolve.h"

namespace cordon {

// Fills decided_by and the allow_ fields of a denial of AppArmor. `plan` is what the job
// ran under on the host of `facts`, compiled from `policy` and what the job itself asked for. A
// text is only offered when a policy with it compiles, has the right, and no ceiling forbids it;
// `profiles` are where ceilings are found.
absl::Status AddAccessAdvice(const NormalPolicy& policy, const v1::HostFacts& facts,
                             const v1::Plan& plan, ProfileSource& profiles, v1::Denial* denial);

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_ALLOW_ACCESS_H_
