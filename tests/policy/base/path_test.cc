// SPDX-License-Identifier: Apache-2.0
// The grammar of paths inside the sandbox, and lexical joining.
#include "policy/base/path.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(PathTest, CanonicalFormHasNothingSuperfluous) {
  EXPECT_EQ(*CanonicalAbsolutePath("/"), "/");
  EXPECT_EQ(*CanonicalAbsolutePath("//"), "/");
  EXPECT_EQ(*CanonicalAbsolutePath("/./"), "/");
  EXPECT_EQ(*CanonicalAbsolutePath("/usr/lib"), "/usr/lib");
  EXPECT_EQ(*CanonicalAbsolutePath("/usr//lib/./x/"), "/usr/lib/x");
  EXPECT_EQ(*CanonicalAbsolutePath("/a/..b/c.."), "/a/..b/c..");
  EXPECT_EQ(*CanonicalAbsolutePath("/a b"), "/a b");
}

TEST(PathTest, RefusesWhatIsNotAnAbsolutePath) {
  const absl::StatusCode invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(CanonicalAbsolutePath(""), StatusIs(invalid, "the path is empty"));
  EXPECT_THAT(CanonicalAbsolutePath("relative"), StatusIs(invalid, "\"relative\" is not absolute"));
  EXPECT_THAT(CanonicalAbsolutePath("./x"), StatusIs(invalid, "is not absolute"));
  EXPECT_THAT(CanonicalAbsolutePath("/a/../b"), StatusIs(invalid, "holds \"..\""));
  EXPECT_THAT(CanonicalAbsolutePath("/.."), StatusIs(invalid, "holds \"..\""));
  EXPECT_THAT(CanonicalAbsolutePath("/a\nb"), StatusIs(invalid, "holds a control byte"));
  EXPECT_THAT(CanonicalAbsolutePath(absl::string_view("/a\0b", 4)),
              StatusIs(invalid, "\"/a\\000b\" holds a control byte"));
  EXPECT_THAT(CanonicalAbsolutePath("/a\x7F"), StatusIs(invalid, "holds a control byte"));
}

TEST(PathTest, LengthsAreThoseOfTheKernel) {
  EXPECT_THAT(CanonicalAbsolutePath(absl::StrCat("/", std::string(255, 'a'))), IsOk());
  EXPECT_THAT(
      CanonicalAbsolutePath(absl::StrCat("/", std::string(256, 'a'))),
      StatusIs(absl::StatusCode::kInvalidArgument, "a component of 256 bytes; at most 255"));
  std::string deep;
  while (deep.size() < 4095 - 4) absl::StrAppend(&deep, "/abc");
  deep.append("/ab");
  EXPECT_EQ(deep.size(), 4095u);
  EXPECT_THAT(CanonicalAbsolutePath(deep), IsOk());
  EXPECT_THAT(CanonicalAbsolutePath(deep + "c"),
              StatusIs(absl::StatusCode::kInvalidArgument, "is 4096 bytes long; at most 4095"));
}

TEST(PathTest, JoinsLexically) {
  EXPECT_EQ(LexicalJoin("/etc/cordon", "tests/07"), "/etc/cordon/tests/07");
  EXPECT_EQ(LexicalJoin("/etc/cordon", "./tests//07/"), "/etc/cordon/tests/07");
  EXPECT_EQ(LexicalJoin("/etc/cordon", "../x"), "/etc/x");
  EXPECT_EQ(LexicalJoin("/etc", "../../.."), "/");
  EXPECT_EQ(LexicalJoin("/etc", "/usr/../lib"), "/lib");
  EXPECT_EQ(LexicalJoin("rel", "x"), "rel/x");
  EXPECT_EQ(LexicalJoin("rel", "../../x"), "../x");
  EXPECT_EQ(LexicalJoin("rel", ".."), ".");
  EXPECT_EQ(LexicalJoin("", "x"), "x");
  EXPECT_EQ(LexicalJoin("", ""), ".");
  EXPECT_EQ(LexicalJoin("/a", ""), "/a");
  EXPECT_EQ(LexicalJoin("/a", "."), "/a");
}

TEST(PathTest, BelowMeansComponentsNotLetters) {
  EXPECT_TRUE(PathIsBelow("/usr", "/usr"));
  EXPECT_TRUE(PathIsBelow("/usr/lib", "/usr"));
  EXPECT_TRUE(PathIsBelow("/usr", "/"));
  EXPECT_TRUE(PathIsBelow("/", "/"));
  EXPECT_FALSE(PathIsBelow("/usr2", "/usr"));
  EXPECT_FALSE(PathIsBelow("/us", "/usr"));
  EXPECT_FALSE(PathIsBelow("/", "/usr"));
  EXPECT_FALSE(PathIsBelow("", "/"));
}

TEST(PathTest, ParentAndLastComponent) {
  EXPECT_EQ(ParentPath("/a/b/c"), "/a/b");
  EXPECT_EQ(ParentPath("/a"), "/");
  EXPECT_EQ(ParentPath("/"), "/");
  EXPECT_EQ(LastComponent("/a/b/c"), "c");
  EXPECT_EQ(LastComponent("/a"), "a");
  EXPECT_EQ(LastComponent("/"), "");
}

}  // namespace
}  // namespace cordon
