// SPDX-License-Identifier: Apache-2.0
#include "policy/addition_cost.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/ceiling.h"
#include "policy/compile.h"
#include "policy/ideal_host.h"
#include "policy/lint/lint.h"
#include "policy/merge.h"
#include "policy/parse.h"

namespace cordon {
namespace {

absl::StatusOr<std::set<std::string>> LintsOf(const NormalPolicy& policy) {
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan,
                          CompiledPlan::Make(policy, IdealHost(NativeArchitecture())));
  CORDON_ASSIGN_OR_RETURN(const std::vector<v1::LintFinding> findings,
                          LintPolicy(policy, plan, NativeArchitecture()));
  std::set<std::string> lines;
  for (const v1::LintFinding& finding : findings) {
    if (finding.severity() < v1::WARNING || !finding.accepted().empty()) continue;
    lines.insert(absl::StrCat(finding.id(), ": ", finding.reason()));
  }
  return lines;
}

}  // namespace

absl::StatusOr<NormalPolicy> WithAddition(const NormalPolicy& policy, absl::string_view text) {
  CORDON_ASSIGN_OR_RETURN(const ParsedPolicy parsed,
                          ParsePolicy(text, PolicyForm::kText, "addition"));
  return NormalPolicy::Make(MergePolicies(policy.parsed(), parsed));
}

absl::StatusOr<AdditionCost> CostOfAddition(const NormalPolicy& policy, absl::string_view text,
                                            ProfileSource& profiles) {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy with, WithAddition(policy, text));
  AdditionCost cost;
  const absl::Status held = HoldCeilings(with, profiles);
  if (!held.ok()) {
    cost.forbidden =
        absl::StrCat("a ceiling of the policy forbids it: ", DetailsOf(held).front().message());
    return cost;
  }
  CORDON_ASSIGN_OR_RETURN(const std::set<std::string> before, LintsOf(policy));
  CORDON_ASSIGN_OR_RETURN(const std::set<std::string> after, LintsOf(with));
  for (const std::string& line : after) {
    if (before.count(line) == 0) cost.notes.push_back(line);
  }
  return cost;
}

}  // namespace cordon
