// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/apparmor_label.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

// "NAMESPACE:PROFILE ... MODE", as the parser understood it.
std::string Understood(absl::string_view text) {
  const auto label = ParseAppArmorLabel(text);
  if (!label.ok()) return "refused";
  std::string out;
  for (const AppArmorLabel::Part& part : label->parts) {
    absl::StrAppend(&out, "[", part.policy_namespace, "|", part.profile, "]");
  }
  return absl::StrCat(out, label->mode);
}

TEST(AppArmorLabelTest, ReadsWhatTheKernelWrites) {
  EXPECT_EQ(Understood("unconfined\n"), "[|unconfined]");
  EXPECT_EQ(Understood("cordon-job (enforce)\n"), "[|cordon-job]enforce");
  EXPECT_EQ(Understood("cordon-job (complain)"), "[|cordon-job]complain");
  EXPECT_EQ(Understood("cordon (unconfined)\n"), "[|cordon]unconfined");
  EXPECT_EQ(Understood(":cordon-1000:cordon-x (enforce)\n"), "[cordon-1000|cordon-x]enforce");
  EXPECT_EQ(Understood(":a//b:x (enforce)"), "[a//b|x]enforce");
  EXPECT_EQ(Understood(":cordon-1000://unconfined"), "[cordon-1000|unconfined]");
}

TEST(AppArmorLabelTest, StackedPartsAreAllThere) {
  EXPECT_EQ(Understood("A//&B (enforce)\n"), "[|A][|B]enforce");
  EXPECT_EQ(Understood("cordon-job//&:cordon-7:inner (mixed)"),
            "[|cordon-job][cordon-7|inner]mixed");
  EXPECT_EQ(Understood("A//&unconfined (enforce)"), "[|A][|unconfined]enforce");
  EXPECT_EQ(Understood("parent//child//&B (enforce)"), "[|parent//child][|B]enforce");
}

// Profiles of paths may hold blanks and parentheses.
TEST(AppArmorLabelTest, OnlyAKnownWordAtTheEndIsAMode) {
  EXPECT_EQ(Understood("/opt/a b (x86)/run (enforce)"), "[|/opt/a b (x86)/run]enforce");
  EXPECT_EQ(Understood("/opt/a (x86)"), "[|/opt/a (x86)]");
  EXPECT_EQ(Understood("x(enforce)"), "[|x(enforce)]");
}

TEST(AppArmorLabelTest, RefusesWhatIsNone) {
  for (const std::string text : {"", "\n", "a\nb", "a\n\n", ":ns", "::a", ":ns:", "A//&", "//&A",
                                 "A//&//&B", " (enforce)"}) {
    EXPECT_EQ(Understood(text), "refused") << text;
  }
  EXPECT_EQ(Understood(absl::string_view("a\0b", 3)), "refused");
  EXPECT_THAT(ParseAppArmorLabel("a\x1b\n\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, "\"a\\033\\n\\n\" is no label"));
}

TEST(AppArmorLabelTest, UnconfinedIsOnlyWhatHoldsNobody) {
  const auto unconfined = [](absl::string_view text) {
    return IsUnconfined(ParseAppArmorLabel(text).value());
  };
  EXPECT_TRUE(unconfined("unconfined"));
  EXPECT_TRUE(unconfined(":cordon-7:unconfined"));
  EXPECT_TRUE(unconfined("unconfined//&:cordon-7:unconfined"));
  EXPECT_TRUE(unconfined("cordon (unconfined)"));
  EXPECT_FALSE(unconfined("A (enforce)"));
  EXPECT_FALSE(unconfined("A (complain)"));
  EXPECT_FALSE(unconfined("A//&unconfined (enforce)"));
  EXPECT_FALSE(unconfined("A//&B (unconfined)")) << "the kernel shows no such thing";
}

}  // namespace
}  // namespace cordon
