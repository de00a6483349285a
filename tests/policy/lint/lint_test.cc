// SPDX-License-Identifier: Apache-2.0
// The engine: the table as a whole, acceptances, order. What each lint finds is tested beside its
// table.
#include "policy/lint/lint.h"

#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/lint_cases.h"

namespace cordon {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Policies by name, for chains of `extends`.
class Texts : public ProfileSource {
 public:
  explicit Texts(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {}
  absl::StatusOr<PolicyBytes> Load(absl::string_view reference, absl::string_view) override {
    return PolicyBytes{std::string(reference), texts_.at(std::string(reference)), PolicyForm::kText,
                       ""};
  }

 private:
  std::map<std::string, std::string> texts_;
};

std::vector<v1::LintFinding> LintsOfChain(const std::string& base, const std::string& over) {
  Texts texts({{"base", absl::StrCat(kStartable, base)},
               {"over", absl::StrCat("extends: \"base\" ", over)}});
  auto parsed = ResolvePolicy("over", "", texts);
  EXPECT_THAT(parsed, IsOk());
  const auto policy = NormalPolicy::Make(*std::move(parsed));
  EXPECT_THAT(policy, IsOk());
  return policy.ok() ? LintsOf(*policy) : std::vector<v1::LintFinding>{};
}

TEST(LintTest, TheTableIsWellFormed) {
  std::set<absl::string_view> ids;
  for (const Lint& lint : Lints()) {
    EXPECT_TRUE(ids.insert(lint.id).second) << lint.id << " is there twice";
    for (const char c : lint.id)
      EXPECT_TRUE(absl::ascii_islower(static_cast<unsigned char>(c)) || c == '-' || c == '3' ||
                  c == '2')
          << lint.id;
    EXPECT_NE(lint.severity, v1::LINT_SEVERITY_UNSPECIFIED) << lint.id;
    // A source: a CVE, a page of the manual, or a document.
    EXPECT_TRUE(absl::StrContains(lint.reason, "CVE-") || absl::StrContains(lint.reason, "("))
        << lint.id;
    EXPECT_FALSE(lint.fix.empty()) << lint.id;
    EXPECT_FALSE(absl::EndsWith(lint.reason, ".")) << lint.id << ": printed behind a colon";
    EXPECT_NE(lint.check, nullptr) << lint.id;
  }
  EXPECT_EQ(Lints().size(),
            CallLints().size() + MountLints().size() + LimitLints().size() + LayerLints().size());
}

TEST(LintTest, UnknownIdsAreErrorsWithAHint) {
  EXPECT_THAT(FindLint("network-off"), IsOk());
  const auto wrong = FindLint("netwrok-off");
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(RenderError(DetailsOf(wrong.status())[0]), HasSubstr("network-off"));
  EXPECT_FALSE(ParseNormal("accept_lint { id: \"netwrok-off\" reason: \"x\" }").ok());
  EXPECT_FALSE(ParseNormal("accept_lint { id: \"network-off\" }").ok());
  EXPECT_FALSE(ParseNormal("accept_lint { id: \"network-off\" reason: \"  \" }").ok());
  EXPECT_FALSE(ParseNormal("accept_lint { id: \"network-off\" reason: \"x\" } "
                           "accept_lint { id: \"network-off\" reason: \"y\" }")
                   .ok());
}

TEST(LintTest, TheGravestComesFirst) {
  const auto findings = LintsOfText("limits { swap: \"1MiB\" } network { enforcement: OFF }");
  ASSERT_THAT(findings, SizeIs(3));
  EXPECT_EQ(findings[0].id(), "network-off");
  EXPECT_EQ(findings[1].id(), "swap-allowed");
  EXPECT_EQ(findings[2].id(), "nothing-kills");
}

TEST(LintTest, AnAcceptanceKeepsTheFindingAndItsReason) {
  const auto found = Only("network-off", LintsOfText("network { enforcement: OFF } "
                                                     "accept_lint { id: \"network-off\" "
                                                     "reason: \"as agreed\" }"));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].accepted(), "as agreed");
}

TEST(LintTest, ABaseAcceptsForItselfAndNotForWhatExtendsIt) {
  const std::string accept = "accept_lint { id: \"swap-allowed\" reason: \"as agreed\" } ";
  const std::string swap = "limits { swap: \"1MiB\" } ";
  const auto accepted = [](const std::vector<v1::LintFinding>& findings) {
    const auto found = Only("swap-allowed", findings);
    EXPECT_THAT(found, SizeIs(1));
    return found.size() == 1 && !found[0].accepted().empty();
  };
  EXPECT_TRUE(accepted(LintsOfChain(accept + swap, "")));
  EXPECT_FALSE(accepted(LintsOfChain(accept + swap, "limits { swap: \"2MiB\" }")));
  EXPECT_FALSE(accepted(LintsOfChain(accept, swap)));
  EXPECT_TRUE(accepted(LintsOfChain(swap, accept)));
  EXPECT_TRUE(accepted(LintsOfChain(accept, accept + swap)));
}

TEST(LintTest, AnInheritedAcceptanceMayBecomeNeedless) {
  const std::string base =
      "accept_lint { id: \"swap-allowed\" reason: \"as agreed\" } "
      "limits { swap: \"1MiB\" }";
  EXPECT_THAT(Only("unused-acceptance", LintsOfChain(base, "limits { swap: \"0\" }")), IsEmpty());
  const auto own = Only("unused-acceptance",
                        LintsOfChain("", "accept_lint { id: \"swap-allowed\" reason: \"r\" }"));
  ASSERT_THAT(own, SizeIs(1));
  EXPECT_EQ(own[0].field(), "accept_lint[0]");
  EXPECT_EQ(own[0].place(), "over:1:17");
}

TEST(LintTest, ShippedProfilesHaveNoOpenFinding) {
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    const auto policy = Shipped(profile.name);
    ASSERT_THAT(policy, IsOk()) << profile.name;
    for (const v1::LintFinding& finding : LintsOf(*policy)) {
      EXPECT_FALSE(finding.accepted().empty())
          << profile.name << ": " << finding.id() << ": " << finding.message();
    }
  }
}

// A name that no table knows, or a constant with a typing mistake, would be an error of `check`.
TEST(LintTest, EveryQuestionCanBeAskedOnEveryArchitecture) {
  v1::SeccompRules everything;
  everything.mutable_default_action()->set_action(v1::Seccomp::ALLOW);
  for (const Architecture architecture : {Architecture::kX86_64, Architecture::kAarch64}) {
    FilterView view(everything, architecture);
    for (const Lint& lint : Lints()) {
      for (const CallQuestion& question : lint.questions) {
        for (absl::string_view call : absl::StrSplit(question.calls, ' ')) {
          const auto found = view.FirstPassing(call, question.when);
          ASSERT_THAT(found, IsOk()) << lint.id << " " << call;
          EXPECT_EQ(found->has_value(), FindSyscall(call, architecture)->has_value())
              << lint.id << " " << call;
        }
      }
    }
  }
}

TEST(LintTest, SeveritiesHaveNames) {
  EXPECT_EQ(SeverityName(v1::NOTE), "note");
  EXPECT_EQ(SeverityName(v1::WARNING), "warning");
  EXPECT_EQ(SeverityName(v1::DANGER), "danger");
}

}  // namespace
}  // namespace cordon
