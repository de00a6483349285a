// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/apparmor.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "policy/apparmor/profile.h"
#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "policy/layers/layer.h"

namespace cordon {
namespace {

constexpr char kField[] = "apparmor.enforcement";
constexpr size_t kHashDigits = 16;
// Of the 128 that a profile's name may have, without "-" and the hash.
constexpr size_t kLongestStem = 128 - 1 - kHashDigits;

// The name ends with the hash of the text as it would be under a name without it: a profile of that
// name is this profile, whoever loads it again, as far as its loader is trusted.
absl::Status FillCompiled(const NormalPolicy& policy, const v1::AppArmorFacts& facts,
                          v1::Plan* plan) {
  v1::AppArmorPlan& apparmor = *plan->mutable_apparmor();
  const AppArmorAbi abi = facts.abi_4_0() ? AppArmorAbi::k4_0 : AppArmorAbi::k3_0;
  const std::string stem = AppArmorProfileName(policy.name()).substr(0, kLongestStem);
  CORDON_ASSIGN_OR_RETURN(const std::string draft, CompileAppArmorProfile(*plan, stem, abi));
  const std::string name = absl::StrCat(stem, "-", Sha256Hex(draft).substr(0, kHashDigits));
  CORDON_ASSIGN_OR_RETURN(std::string text, CompileAppArmorProfile(*plan, name, abi));
  apparmor.set_source(v1::AppArmorPlan::COMPILED);
  apparmor.set_name(name);
  apparmor.set_policy_namespace(facts.policy_namespace());
  apparmor.set_stacked(facts.family() && !facts.policy_namespace().empty());
  apparmor.set_text_sha256(Sha256Hex(text));
  apparmor.set_text(std::move(text));
  return absl::OkStatus();
}

absl::Status Choose(const NormalPolicy& policy, const v1::AppArmorFacts& facts, v1::Plan* plan) {
  v1::AppArmorPlan& apparmor = *plan->mutable_apparmor();
  if (!facts.present()) {
    return FieldError(policy, absl::StatusCode::kFailedPrecondition, kField,
                      "AppArmor cannot be used on this host")
        .Hint(facts.why());
  }
  if (policy.proto().apparmor().has_profile()) {
    apparmor.set_source(v1::AppArmorPlan::ADMINISTRATOR);
    apparmor.set_name(policy.proto().apparmor().profile());
    return absl::OkStatus();
  }
  if (facts.may_load()) {
    absl::Status compiled = FillCompiled(policy, facts, plan);
    const bool required = apparmor.enforcement() != v1::IF_AVAILABLE;
    if (compiled.ok() || required || !facts.family()) return compiled;
  } else if (!facts.family()) {
    return FieldError(
               policy, absl::StatusCode::kFailedPrecondition, kField,
               absl::StrCat("no profile can be loaded, and ", kAppArmorFamily, " is not there"))
        .Hint(facts.load_why());
  }
  apparmor.set_source(v1::AppArmorPlan::FAMILY);
  apparmor.set_name(std::string(kAppArmorFamily));
  return absl::OkStatus();
}

}  // namespace

absl::Status CompileAppArmor(const NormalPolicy& policy, const v1::HostFacts& facts,
                             v1::Plan* plan) {
  v1::AppArmorPlan& apparmor = *plan->mutable_apparmor();
  apparmor.set_enforcement(Resolve(policy.proto().apparmor().enforcement()));
  if (plan->landlock().enforcement() != v1::OFF) {
    *apparmor.mutable_file() = policy.proto().landlock().file();
  }
  if (apparmor.enforcement() == v1::OFF) return absl::OkStatus();
  const absl::Status able = Choose(policy, facts.apparmor(), plan);
  if (able.ok()) {
    apparmor.set_enabled(true);
    return absl::OkStatus();
  }
  if (apparmor.enforcement() != v1::IF_AVAILABLE) return WithPlaces(policy, able);
  const v1::ErrorDetail detail = DetailsOf(able).front();
  apparmor.set_unavailable_why(
      absl::StrCat(detail.message(), detail.hint().empty() ? "" : "; ", detail.hint()));
  return absl::OkStatus();
}

}  // namespace cordon
