// SPDX-License-Identifier: Apache-2.0
// Explanations of policies, for tests: Explained (text -> explanation), RowOf (one row of it).
#ifndef CORDON_TESTS_SUPPORT_EXPLAINED_H_
#define CORDON_TESTS_SUPPORT_EXPLAINED_H_

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "policy/explain.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {

inline v1::Explanation Explained(const absl::StatusOr<NormalPolicy>& policy,
                                 const v1::HostFacts& facts = FullHost()) {
  EXPECT_THAT(policy, IsOk());
  if (!policy.ok()) return {};
  const auto plan = CompiledPlan::Make(*policy, facts);
  EXPECT_THAT(plan, IsOk());
  return plan.ok() ? ExplainPlan(*policy, *plan) : v1::Explanation();
}

// Of a policy as text; where it says nothing of seccomp, kStartable is put behind it.
inline v1::Explanation Explained(const std::string& text, const v1::HostFacts& facts = FullHost()) {
  return Explained(
      ParseNormal(absl::StrContains(text, "seccomp {") ? text
                                                       : absl::StrCat(text, " ", kStartable)),
      facts);
}

// The row with the label, the `skip`th of several; an empty one when there is none.
inline v1::ExplainedRow RowOf(const v1::Explanation& explanation, absl::string_view section,
                              absl::string_view label, int skip = 0) {
  for (const v1::ExplainedSection& each : explanation.section()) {
    if (each.id() != section) continue;
    for (const v1::ExplainedRow& row : each.row()) {
      if (row.label() == label && skip-- == 0) return row;
    }
  }
  return {};
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_EXPLAINED_H_
