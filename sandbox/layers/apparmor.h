// SPDX-License-Identifier: Apache-2.0
// Layer apparmor on the side of the supervisor: the profile that a plan names is looked up, loaded
// when it is our own and missing, and compared with what was meant, before anything is cloned.
#ifndef CORDON_SANDBOX_LAYERS_APPARMOR_H_
#define CORDON_SANDBOX_LAYERS_APPARMOR_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// The profile as a process names it that wants to enter it ("exec" + a blank before it), and as the
// kernel shows it afterwards, without the mode.
std::string AppArmorTarget(const v1::AppArmorPlan& plan);
std::string AppArmorShown(const v1::AppArmorPlan& plan);

struct AppArmorUse {
  // The profile stays loaded as long as it is open (not valid for a profile of the administrator's;
  // see apparmor_memory.h).
  UniqueFd lock;
  std::string compared;  // with what is loaded, in words for the report
};

// OK: the profile of an enabled plan is loaded in enforce mode, and one of our own has the very
// bytes that apparmor_parser makes of the plan's text. `cordon-job`, alone or above one of our own,
// has the hash that cordon-setup recorded when it loaded it; where it recorded none (somebody else
// loaded it) only its mode is known, and so it is with a profile that the policy names.
absl::StatusOr<AppArmorUse> EnsureAppArmorProfile(const v1::AppArmorPlan& plan);

// The kernel's hash of the profile in the file of that name in /etc/apparmor.d, of the text of
// cordon-setup's record; "" where it has none.
std::string RecordedAppArmorHash(absl::string_view record, absl::string_view name);

// What this host and this caller can do.
v1::AppArmorFacts ProbeAppArmor();

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_APPARMOR_H_
