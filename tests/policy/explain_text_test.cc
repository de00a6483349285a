// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "policy/base/columns.h"
#include "tests/support/explained.h"

namespace cordon {
namespace {

using testing::HasSubstr;

v1::Explanation OneRow(const std::string& label, const std::string& text, const std::string& field,
                       const std::string& place) {
  v1::Explanation explanation;
  explanation.set_policy("p");
  v1::ExplainedSection& section = *explanation.add_section();
  section.set_title("Title");
  v1::ExplainedRow& row = *section.add_row();
  row.set_label(label);
  row.set_text(text);
  row.set_field(field);
  row.set_place(place);
  return explanation;
}

TEST(ExplainTextTest, PlacesStandInAColumnAtTheRight) {
  v1::Explanation explanation = OneRow("label", "text", "f", "p:1:2");
  explanation.set_description("what it is");
  explanation.add_bases("b");
  explanation.add_bases("c");
  explanation.mutable_section(0)->mutable_row(0)->set_verdict(v1::CPU_LIMIT);
  v1::ExplainedRow& other = *explanation.mutable_section(0)->add_row();
  other.set_label("other");
  other.set_text("text");
  other.set_field("g");
  explanation.mutable_section(0)->add_row()->set_label("no field");
  EXPECT_EQ(
      ExplanationText(explanation),
      absl::StrCat("p: what it is\nextends b, which extends c\n"
                   "At the right stands the line of the policy that says so; \"default\" is "
                   "the language's own.\n\nTitle\n",
                   "  label         text [CPU_LIMIT]", std::string(61, ' '), "p:1:2\n",
                   "  other         text", std::string(73, ' '), "default\n", "  no field\n"));
}

TEST(ExplainTextTest, LongPlacesGetALineOfTheirOwn) {
  const std::string place = absl::StrCat("/a/very/long/path/of/some/policy.textproto:12:34");
  const std::string text = ExplanationText(OneRow("label", "text", "f", place));
  EXPECT_THAT(text,
              HasSubstr(absl::StrCat("\n  label         text\n                ", place, "\n")));
}

TEST(ExplainTextTest, LongLabelsAreNotCut) {
  const std::string label(150, 'l');
  const std::string text = ExplanationText(OneRow(label, "text", "", ""));
  EXPECT_THAT(
      text, HasSubstr(absl::StrCat("\n  ", std::string(98, 'l'), "\n  ", std::string(52, 'l'), "\n",
                                   std::string(28, ' '), "text\n")));
}

TEST(ExplainTextTest, NoLineIsLongerThanAHundredColumns) {
  std::string text = ExplanationText(Explained(
      absl::StrCat("mounts { bind { source: \"/", std::string(200, 's'), "\" target: \"/",
                   std::string(250, 't'), "\" } } environment { name: \"LONG\" value: \"",
                   std::string(500, 'v'), "\" } description: \"", std::string(190, 'd'), "\" ")));
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    text += ExplanationText(Explained(Shipped(profile.name)));
  }
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    EXPECT_LE(TextWidth(line), 100u) << line;
    EXPECT_FALSE(!line.empty() && line.back() == ' ') << line;
  }
  EXPECT_EQ(text.back(), '\n');
}

// What a person sees who never saw a filter; the words of each section are tested beside it.
TEST(ExplainTextTest, TheProfileOfJudgesReadsWell) {
  const std::string text = ExplanationText(Explained(Shipped("judge/cpp")));
  for (const char* line : {
           "judge/cpp: runs a compiled C++ program\n",
           "extends base/compute, which extends base/strict\n",
           "\nIn short\n",
           "  it may write  /dev/shm, /tmp, /work (in memory, gone afterwards)\n",
           "  it reaches    no network, and no process but its own\n",
           "\nSystem calls\n  Whatever a program wants of the kernel it asks for by a system call.",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text,
              testing::ContainsRegex("\n  memory        512MiB in all.* base/compute:[0-9]+:3\n"));
}

}  // namespace
}  // namespace cordon
