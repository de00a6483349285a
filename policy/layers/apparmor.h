// SPDX-License-Identifier: Apache-2.0
// Layer apparmor: which profile a job enters, and its text where it is our own.
//
// In this order: the profile that the policy names; one compiled from the plan, where the host lets
// us load it (as root, or in the policy namespace `cordon-UID` that cordon-setup made for an
// ordinary user); the administrator's `cordon-job`, which is one for every job and wider. A plan
// that AppArmor cannot express (apparmor/file_rules.h) gets `cordon-job`; where the policy says
// REQUIRED it is an error, since that profile would not hold what was asked for.
#ifndef CORDON_POLICY_LAYERS_APPARMOR_H_
#define CORDON_POLICY_LAYERS_APPARMOR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// The static profile, of profiles/apparmor/cordon-job.
inline constexpr absl::string_view kAppArmorFamily = "cordon-job";

// Fills plan->apparmor from all that it depends on: mounts, network, capabilities, filter.
absl::Status CompileAppArmor(const NormalPolicy& policy, const v1::HostFacts& facts,
                             v1::Plan* plan);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_APPARMOR_H_
