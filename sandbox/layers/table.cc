// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "sandbox/layers/apparmor.h"
#include "sandbox/layers/layer.h"

namespace cordon {
namespace {

v1::Enforcement Always(const v1::Plan&) { return v1::REQUIRED; }
bool AlwaysOn(const v1::Plan&) { return true; }

std::string CgroupDetail(const v1::Plan& plan, const CgroupLease* lease) {
  return lease != nullptr ? lease->Describe() : plan.cgroup().unavailable_why();
}

std::string LandlockDetail(const v1::Plan& plan, const CgroupLease*) {
  const v1::LandlockPlan& landlock = plan.landlock();
  if (!landlock.enabled()) return landlock.unavailable_why();
  return absl::StrCat("ABI ", landlock.abi(),
                      landlock.missing().empty() ? "" : "; this kernel cannot guard: ",
                      absl::StrJoin(landlock.missing(), ", "));
}

std::string AppArmorDetail(const v1::Plan& plan, const CgroupLease*) {
  const v1::AppArmorPlan& apparmor = plan.apparmor();
  if (!apparmor.enabled()) return apparmor.unavailable_why();
  const std::string label = AppArmorShown(apparmor);
  switch (apparmor.source()) {
    case v1::AppArmorPlan::COMPILED:
      return absl::StrCat(label, ", compiled from the policy");
    case v1::AppArmorPlan::FAMILY:
      return absl::StrCat(label, ", one for every job");
    default:
      return absl::StrCat(label, ", of the administrator");
  }
}

constexpr LayerRuntime kTable[] = {
    {"namespaces", LowerNamespaces, VerifyNamespaces, v1::ENFORCED_VERIFIED,
     "/proc/PID/ns differ from the supervisor's", Always, AlwaysOn},
    {"userns", LowerUserns, VerifyUserns, v1::ENFORCED_VERIFIED,
     "/proc/PID/uid_map, gid_map, setgroups, status", Always, AlwaysOn},
    {"mount", LowerMount, VerifyMount, v1::ENFORCED_VERIFIED, "/proc/PID/mountinfo, every entry",
     Always, AlwaysOn},
    {"cgroup", LowerCgroup, VerifyCgroup, v1::ENFORCED_VERIFIED,
     "/proc/PID/cgroup and the group's limit files",
     [](const v1::Plan& plan) { return plan.cgroup().enforcement(); },
     [](const v1::Plan& plan) { return plan.cgroup().enabled(); }, CgroupDetail},
    {"net", LowerNet, VerifyNet, v1::ENFORCED_VERIFIED, "/proc/PID/ns/net, /proc/PID/net/dev",
     [](const v1::Plan& plan) { return plan.net().enforcement(); },
     [](const v1::Plan& plan) { return plan.net().own_namespace(); }},
    {"rlimit", LowerRlimit, VerifyRlimit, v1::ENFORCED_VERIFIED, "/proc/PID/limits",
     [](const v1::Plan& plan) { return plan.rlimit().enforcement(); },
     [](const v1::Plan& plan) { return plan.rlimit().enabled(); }},
    {"caps", LowerCaps, VerifyCaps, v1::ENFORCED_VERIFIED,
     "/proc/PID/status; securebits read back by the step itself",
     [](const v1::Plan& plan) { return plan.caps().enforcement(); },
     [](const v1::Plan& plan) { return plan.caps().enabled(); }},
    {"landlock", LowerLandlock, VerifyLandlock, v1::ENFORCED_UNREADABLE,
     "landlock_restrict_self(2) accepted the rules",
     [](const v1::Plan& plan) { return plan.landlock().enforcement(); },
     [](const v1::Plan& plan) { return plan.landlock().enabled(); }, LandlockDetail},
    {"seccomp", LowerSeccomp, VerifySeccomp, v1::ENFORCED_UNREADABLE,
     "seccomp(2) accepted the filter; its content was checked against the rules when compiled",
     [](const v1::Plan& plan) { return plan.seccomp().enforcement(); },
     [](const v1::Plan& plan) { return plan.seccomp().enabled(); }},
    {"apparmor", LowerAppArmor, VerifyAppArmor, v1::ENFORCED_VERIFIED,
     "attr/apparmor/exec, read back by the payload before its exec; mode and hash in securityfs",
     [](const v1::Plan& plan) { return plan.apparmor().enforcement(); },
     [](const v1::Plan& plan) { return plan.apparmor().enabled(); }, AppArmorDetail},
    {"process", LowerProcess, VerifyProcess, v1::ENFORCED_VERIFIED, "/proc/PID/fd, status", Always,
     AlwaysOn},
};

}  // namespace

absl::Span<const LayerRuntime> RuntimeLayers() { return kTable; }

}  // namespace cordon
