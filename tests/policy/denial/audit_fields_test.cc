// SPDX-License-Identifier: Apache-2.0
// The rest is seen through what reads with it: apparmor_line_test.cc, landlock_line_test.cc.
#include "policy/denial/audit_fields.h"

#include "gtest/gtest.h"

namespace cordon {
namespace {

TEST(AuditFieldsTest, AWordIsNoNameAndNoNumber) {
  AuditFields fields;
  ASSERT_TRUE(fields.Parse("a=x b=\"y\" c=41 d=\"7\" e=7"));
  EXPECT_TRUE(fields.Has("a"));
  EXPECT_FALSE(fields.Has("f"));
  EXPECT_EQ(fields.Word("a"), "x");
  EXPECT_EQ(fields.Word("f"), "");
  EXPECT_EQ(fields.Name("b"), "y");
  EXPECT_EQ(fields.Name("c"), "A");
  EXPECT_EQ(fields.Name("f"), "");
  EXPECT_EQ(fields.Number("e"), 7u);
  EXPECT_FALSE(fields.Number("f").has_value());
  EXPECT_TRUE(fields.good());
  fields.Number("d");
  EXPECT_FALSE(fields.good());
}

TEST(AuditFieldsTest, ANameWithoutQuotesIsHex) {
  AuditFields fields;
  ASSERT_TRUE(fields.Parse("a=x"));
  EXPECT_EQ(fields.Name("a"), "");
  EXPECT_FALSE(fields.good());
}

TEST(AuditFieldsTest, TheStartIsOfOneType) {
  absl::string_view text = "audit: type=1423 audit(1795729743.470:11729): domain=1";
  EXPECT_FALSE(TakeAuditStart("142", &text));
  text = "audit: type=1423 audit(1795729743.470:11729): domain=1";
  ASSERT_TRUE(TakeAuditStart("1423", &text));
  EXPECT_EQ(text, "domain=1");
}

}  // namespace
}  // namespace cordon
