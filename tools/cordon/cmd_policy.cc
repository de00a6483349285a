// SPDX-License-Identifier: Apache-2.0
// `cordon explain` and `profiles`: what can be said without running anything.
#include <algorithm>
#include <cstdio>
#include <string>

#include "policy/apparmor/profile.h"
#include "policy/base/status.h"
#include "policy/compile.h"
#include "policy/explain.h"
#include "policy/explain_text.h"
#include "policy/ideal_host.h"
#include "policy/layers/layer.h"
#include "profiles/embedded.h"
#include "sandbox/api/json_text.h"
#include "sandbox/api/policy_source.h"
#include "tools/cordon/commands.h"

namespace cordon::cli {
namespace {

absl::StatusOr<std::string> AppArmorText(const std::string& reference, AppArmorAbi abi) {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, LoadPolicy(reference));
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, CompileForAnyHost(policy));
  absl::StatusOr<std::string> text =
      CompileAppArmorProfile(plan.proto(), AppArmorProfileName(policy.name()), abi);
  if (!text.ok()) return WithPlaces(policy, WithStage(text.status(), "compile"));
  return text;
}

int PrintAppArmor(const std::string& reference, const std::string& abi) {
  const absl::StatusOr<std::string> text =
      AppArmorText(reference, abi == "4.0" ? AppArmorAbi::k4_0 : AppArmorAbi::k3_0);
  if (!text.ok()) {
    PrintErrors(text.status());
    return kExitCordon;
  }
  std::printf("%s", text->c_str());
  return 0;
}

}  // namespace

absl::StatusOr<CompiledPlan> CompileForAnyHost(const NormalPolicy& policy) {
  return CompiledPlan::Make(policy, IdealHost(NativeArchitecture()));
}

void PrintErrors(const absl::Status& status) {
  for (const v1::ErrorDetail& detail : DetailsOf(status)) {
    std::fprintf(stderr, "cordon: %s\n", RenderError(detail).c_str());
  }
}

int Explain(const ExplainOptions& options, bool json) {
  if (options.apparmor) return PrintAppArmor(options.policy, options.abi);
  const absl::StatusOr<NormalPolicy> policy = LoadPolicy(options.policy);
  if (!policy.ok()) {
    PrintErrors(policy.status());
    return kExitCordon;
  }
  const absl::StatusOr<CompiledPlan> plan = CompileForAnyHost(*policy);
  if (!plan.ok()) {
    PrintErrors(plan.status());
    return kExitCordon;
  }
  const v1::Explanation explanation = ExplainPlan(*policy, *plan);
  std::printf("%s", json ? JsonText(explanation).c_str() : ExplanationText(explanation).c_str());
  return 0;
}

int Profiles() {
  size_t width = 0;
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    width = std::max(width, profile.name.size());
  }
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    const std::string name(profile.name);
    const absl::StatusOr<NormalPolicy> policy = LoadPolicy(name);
    std::printf("%-*s  %s\n", static_cast<int>(width), name.c_str(),
                policy.ok() ? policy->proto().description().c_str() : "(broken)");
  }
  return 0;
}

}  // namespace cordon::cli
