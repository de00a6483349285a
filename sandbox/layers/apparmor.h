// SPDX-License-Identifier: Apache-2.0
// Layer apparmor on the side of the supervisor: the profile that a plan names is looked up, loaded
// when it is our own and missing, and compared with what was meant, before anything is cloned.
#ifndef CORDON_SANDBOX_LAYERS_APPARMOR_H_
#define CORDON_SANDBOX_LAYERS_APPARMOR_H_

#include <string>

#include "absl/status/statusor.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// The profile as a process names it that wants to enter it ("exec" + a blank before it), and as the
// kernel shows it afterwards, without the mode.
std::string AppArmorTarget(const v1::AppArmorPlan& plan);
std::string AppArmorShown(const v1::AppArmorPlan& plan);

// OK: the profile of an enabled plan is loaded in enforce mode, and one of our own has the very
// bytes that apparmor_parser makes of the plan's text. It stays loaded as long as the descriptor is
// open (which is not valid for a profile of the administrator's; see apparmor_memory.h).
absl::StatusOr<UniqueFd> EnsureAppArmorProfile(const v1::AppArmorPlan& plan);

// What this host and this caller can do.
v1::AppArmorFacts ProbeAppArmor();

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_APPARMOR_H_
