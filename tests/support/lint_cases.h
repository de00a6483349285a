// SPDX-License-Identifier: Apache-2.0
// Tests of lints: each lint of a table with a policy that it finds and a near miss that it does
// not. A lint without its case, or a case without its lint, fails.
#ifndef CORDON_TESTS_SUPPORT_LINT_CASES_H_
#define CORDON_TESTS_SUPPORT_LINT_CASES_H_

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "policy/compile.h"
#include "policy/lint/context.h"
#include "policy/lint/lint.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {

struct LintCase {
  const char* id;
  const char* bad;  // policies; where they say nothing of seccomp, kStartable is added
  const char* fine;
};

inline std::vector<v1::LintFinding> LintsOf(const NormalPolicy& policy) {
  const auto plan = CompiledPlan::Make(policy, FullHost());
  EXPECT_THAT(plan, IsOk());
  if (!plan.ok()) return {};
  const auto findings = LintPolicy(policy, *plan, Architecture::kX86_64);
  EXPECT_THAT(findings, IsOk());
  return findings.ok() ? *findings : std::vector<v1::LintFinding>{};
}

inline std::vector<v1::LintFinding> LintsOfText(absl::string_view text) {
  const std::string whole =
      absl::StrContains(text, "seccomp {") ? std::string(text) : absl::StrCat(kStartable, text);
  const auto policy = ParseNormal(whole);
  EXPECT_THAT(policy, IsOk()) << whole;
  return policy.ok() ? LintsOf(*policy) : std::vector<v1::LintFinding>{};
}

// The findings of one lint.
inline std::vector<v1::LintFinding> Only(absl::string_view id,
                                         const std::vector<v1::LintFinding>& all) {
  std::vector<v1::LintFinding> found;
  for (const v1::LintFinding& finding : all) {
    if (finding.id() == id) found.push_back(finding);
  }
  return found;
}

inline void ExpectCases(absl::Span<const Lint> table, absl::Span<const LintCase> cases) {
  std::vector<std::string> ids;
  std::vector<std::string> tested;
  for (const Lint& lint : table) ids.emplace_back(lint.id);
  for (const LintCase& each : cases) {
    tested.emplace_back(each.id);
    const auto found = Only(each.id, LintsOfText(each.bad));
    EXPECT_FALSE(found.empty()) << each.id << " does not find: " << each.bad;
    for (const v1::LintFinding& finding : found) {
      EXPECT_THAT(finding.place(), testing::StartsWith("test.textproto:")) << each.id;
      EXPECT_FALSE(finding.field().empty()) << each.id;
      EXPECT_EQ(finding.accepted(), "") << each.id;
    }
    const auto missed = Only(each.id, LintsOfText(each.fine));
    EXPECT_TRUE(missed.empty()) << each.id << " finds: " << each.fine << ": "
                                << missed.front().message();
  }
  EXPECT_THAT(tested, testing::UnorderedElementsAreArray(ids)) << "each lint has one case";
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_LINT_CASES_H_
