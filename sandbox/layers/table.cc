// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/status.h"
#include "sandbox/layers/apparmor.h"
#include "sandbox/layers/layer.h"

namespace cordon {
namespace {

v1::Enforcement Always(const v1::Plan&) { return v1::REQUIRED; }
bool AlwaysOn(const v1::Plan&) { return true; }

std::string CgroupDetail(const VerifyInput& input) {
  return input.lease != nullptr ? input.lease->Describe() : input.plan.cgroup().unavailable_why();
}

std::string LandlockDetail(const VerifyInput& input) {
  const v1::LandlockPlan& landlock = input.plan.landlock();
  if (!landlock.enabled()) return landlock.unavailable_why();
  return absl::StrCat("ABI ", landlock.abi(),
                      landlock.missing().empty() ? "" : "; this kernel cannot guard: ",
                      absl::StrJoin(landlock.missing(), ", "));
}

std::string AppArmorDetail(const VerifyInput& input) {
  const v1::AppArmorPlan& apparmor = input.plan.apparmor();
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

std::string AppArmorCompared(const VerifyInput& input) { return input.profile_compared; }

constexpr LayerRuntime kTable[] = {
    {"namespaces", LowerNamespaces, VerifyNamespaces, v1::ENFORCED_VERIFIED,
     "/proc/PID/ns differ from the supervisor's; host name as the twin was told it", Always,
     AlwaysOn},
    {"userns", LowerUserns, VerifyUserns, v1::ENFORCED_VERIFIED,
     "/proc/PID/uid_map, gid_map, setgroups, status", Always, AlwaysOn, UsernsDetail},
    {"mount", LowerMount, VerifyMount, v1::ENFORCED_VERIFIED,
     "/proc/PID/mountinfo, every entry; where each mount point leads below /proc/PID/root", Always,
     AlwaysOn},
    {"cgroup", LowerCgroup, VerifyCgroup, v1::ENFORCED_VERIFIED,
     "/proc/PID/cgroup and the group's limit files",
     [](const v1::Plan& plan) { return plan.cgroup().enforcement(); },
     [](const v1::Plan& plan) { return plan.cgroup().enabled(); }, CgroupDetail},
    {"net", LowerNet, VerifyNet, v1::ENFORCED_VERIFIED,
     "/proc/PID/ns/net, /proc/PID/net/dev; state of the loopback as the twin was told it",
     [](const v1::Plan& plan) { return plan.net().enforcement(); },
     [](const v1::Plan& plan) { return plan.net().own_namespace(); }},
    {"rlimit", LowerRlimit, VerifyRlimit, v1::ENFORCED_VERIFIED,
     "/proc/PID/limits of init and twin",
     [](const v1::Plan& plan) { return plan.rlimit().enforcement(); },
     [](const v1::Plan& plan) { return plan.rlimit().enabled(); }},
    {"caps", LowerCaps, VerifyCaps, v1::ENFORCED_VERIFIED,
     "/proc/PID/status of init and twin; securebits as the twin was told them",
     [](const v1::Plan& plan) { return plan.caps().enforcement(); },
     [](const v1::Plan& plan) { return plan.caps().enabled(); }},
    {"landlock", LowerLandlock, VerifyLandlock, v1::ENFORCED_PROBED,
     "a twin of the payload: what the rules deny succeeded before them and failed behind them, "
     "what "
     "they allow did not",
     [](const v1::Plan& plan) { return plan.landlock().enforcement(); },
     [](const v1::Plan& plan) { return plan.landlock().enabled(); }, LandlockDetail,
     LandlockProbed},
    {"seccomp", LowerSeccomp, VerifySeccomp, v1::ENFORCED_PROBED,
     "a twin of the payload: Seccomp and Seccomp_filters in its status, denied and allowed calls; "
     "the filter was proven equal to its rules when compiled",
     [](const v1::Plan& plan) { return plan.seccomp().enforcement(); },
     [](const v1::Plan& plan) { return plan.seccomp().enabled(); }, SeccompDetail, SeccompProbed},
    {"apparmor", LowerAppArmor, VerifyAppArmor, v1::ENFORCED_VERIFIED,
     "attr/apparmor/exec of a twin of the payload; the profile's ",
     [](const v1::Plan& plan) { return plan.apparmor().enforcement(); },
     [](const v1::Plan& plan) { return plan.apparmor().enabled(); }, AppArmorDetail, nullptr,
     AppArmorCompared},
    {"process", LowerProcess, VerifyProcess, v1::ENFORCED_VERIFIED,
     "/proc/PID/fd, status, stat, cwd, oom_score_adj of a twin of the payload", Always, AlwaysOn},
};

v1::LayerReport RowOf(const LayerRuntime& layer, const VerifyInput& input) {
  v1::LayerReport row;
  row.set_layer(std::string(layer.name));
  if (layer.enabled(input.plan)) {
    row.set_state(layer.confirmed_state);
    row.set_confirmed_by(absl::StrCat(
        layer.confirmed_by, layer.confirmed_too == nullptr ? "" : layer.confirmed_too(input)));
    if (layer.probed != nullptr && !layer.probed(input)) row.set_state(v1::ENFORCED_UNREADABLE);
  } else if (layer.enforcement(input.plan) == v1::OFF) {
    row.set_state(v1::LAYER_OFF);
    row.set_detail("the policy says OFF");
    return row;
  } else {
    row.set_state(v1::UNAVAILABLE);
  }
  if (layer.detail != nullptr) row.set_detail(layer.detail(input));
  return row;
}

}  // namespace

absl::Span<const LayerRuntime> RuntimeLayers() { return kTable; }

absl::StatusOr<std::vector<v1::LayerReport>> ConfirmLayers(const VerifyInput& input) {
  std::vector<v1::LayerReport> rows;
  for (const LayerRuntime& layer : RuntimeLayers()) {
    const absl::Status verified = layer.verify(input);
    if (!verified.ok()) return WithLayer(WithStage(verified, "verify"), layer.name);
    rows.push_back(RowOf(layer, input));
  }
  return rows;
}

}  // namespace cordon
