// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_section.h"

#include "gmock/gmock.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(ExplainSectionTest, ARowHasThePlaceOfAFieldThatWasWritten) {
  const auto policy = ParseNormal("limits { memory: \"64MiB\" }");
  ASSERT_THAT(policy, IsOk());
  v1::Explanation explanation;
  SectionWriter writer(*policy, "id", "layer", "Title", &explanation);
  writer.Introduce("words");
  writer.Row("memory", "text", "limits.memory", v1::MEMORY_LIMIT);
  writer.Row("swap", "text", "limits.swap");
  writer.Row("nothing", "text", "");
  ASSERT_EQ(explanation.section_size(), 1);
  const v1::ExplainedSection& section = explanation.section(0);
  EXPECT_EQ(section.id(), "id");
  EXPECT_EQ(section.layer(), "layer");
  EXPECT_EQ(section.title(), "Title");
  EXPECT_EQ(section.introduction(), "words");
  ASSERT_EQ(section.row_size(), 3);
  EXPECT_EQ(section.row(0).place(), "test.textproto:1:10");
  EXPECT_EQ(section.row(0).verdict(), v1::MEMORY_LIMIT);
  EXPECT_EQ(section.row(1).field(), "limits.swap");
  EXPECT_EQ(section.row(1).place(), "") << "its default was not written at \"limits\"";
  EXPECT_EQ(section.row(2).place(), "");
}

TEST(ExplainSectionTest, OnlyOptionalLayersAreQualified) {
  EXPECT_EQ(WhereTheHostCan(v1::REQUIRED), "");
  EXPECT_EQ(WhereTheHostCan(v1::IF_AVAILABLE), " (where the host can)");
}

}  // namespace
}  // namespace cordon
