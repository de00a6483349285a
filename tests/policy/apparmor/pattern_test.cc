// SPDX-License-Identifier: Apache-2.0
#include "policy/apparmor/pattern.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/support/apparmor_parser.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;

std::string ProfileOf(const std::vector<std::string>& patterns) {
  std::string text = "profile t {\n";
  for (const std::string& pattern : patterns) absl::StrAppend(&text, "  \"", pattern, "\" r,\n");
  return text + "}\n";
}

TEST(PatternTest, OrdinaryPathsStayReadable) {
  EXPECT_EQ(EscapedPath("/usr/lib/x86_64-linux-gnu/libc++.so.6"),
            "/usr/lib/x86_64-linux-gnu/libc++.so.6");
  EXPECT_EQ(EscapedPath("/a:b=c%d~"), "/a:b=c%d~");
}

TEST(PatternTest, EveryOtherByteIsOctal) {
  EXPECT_EQ(EscapedPath("/a b"), "/a\\040b");
  EXPECT_EQ(EscapedPath("/\"\\,\n"), "/\\042\\134\\054\\012");
  EXPECT_EQ(EscapedPath("/{a,b}[c]*?^@{HOME}"),
            "/\\173a\\054b\\175\\133c\\135\\052\\077\\136\\100\\173HOME\\175");
  EXPECT_EQ(EscapedPath("/\xff#!$&'();<>|`"),
            "/\\377\\043\\041\\044\\046\\047\\050\\051\\073\\074"
            "\\076\\174\\140");
}

TEST(PatternTest, OnlyCanonicalPathsCanStandInARule) {
  for (const char* good : {"/a", "/a/b", "/a b", "/\n", "/\xff", "/..a", "/.../b"}) {
    EXPECT_TRUE(IsRulePath(good)) << good;
  }
  for (const char* bad : {"", "/", "a", "/a/", "//a", "/a//b", "/./a", "/a/..", "/../a"}) {
    EXPECT_FALSE(IsRulePath(bad)) << bad;
  }
  EXPECT_FALSE(IsRulePath(absl::string_view("/a\0b", 4)));
}

TEST(PatternTest, ASubtreeIsOnePattern) {
  EXPECT_THAT(SubtreeWithout("/a b", {}).value(), ElementsAre("/a\\040b{,/,/**}"));
}

TEST(PatternTest, AHoleTakesOnePatternPerByte) {
  EXPECT_THAT(SubtreeWithout("/w", {"/w/ab"}).value(),
              ElementsAre("/w", "/w/{,[^a]**}", "/w/a{,[^b]**}", "/w/ab[^/]**"));
  // A hole whose path begins as another one's does.
  EXPECT_THAT(SubtreeWithout("/w", {"/w/a", "/w/a,"}).value(),
              ElementsAre("/w", "/w/{,[^a]**}", "/w/a[^,/]**", "/w/a\\054[^/]**"));
}

TEST(PatternTest, LongHolesAreRefused) {
  EXPECT_THAT(SubtreeWithout("/w", {"/w/" + std::string(3000, 'a')}),
              StatusIs(absl::StatusCode::kInvalidArgument, "too long"));
}

// The parser's automaton, asked about each byte at each place of a name. All bytes go into one
// profile, each below a folder of its own.
TEST(PatternTest, TheParserTakesEveryByteForItself) {
  CORDON_NEEDS_APPARMOR_PARSER();
  const std::pair<std::string, std::string> places[] = {{"", ""},    {"", "z"},    {"a", ""},
                                                        {"a", "z"},  {"\\", "\\"}, {"{", "}"},
                                                        {"[^", "]"}, {"@{", "}"}};
  for (const auto& [before, after] : places) {
    const auto path = [&, b = before, a = after](int folder, int byte) {
      return absl::StrCat("/", folder, "/", b, std::string(1, static_cast<char>(byte)), a);
    };
    std::vector<std::string> patterns;
    for (int byte = 1; byte < 256; ++byte) {
      if (byte != '/') patterns.push_back(EscapedPath(path(byte, byte)));
    }
    const auto profile = CompileWithParser(ProfileOf(patterns));
    ASSERT_THAT(profile, IsOk()) << before << after;
    for (int byte = 1; byte < 256; ++byte) {
      for (int other = 1; other < 256; ++other) {
        const uint32_t wanted = other == byte && byte != '/' ? kAaRead : 0;
        ASSERT_EQ(profile->Allowed(path(byte, other)), wanted)
            << before << byte << after << " asked about " << other;
      }
    }
  }
}

TEST(PatternTest, TheParserLeavesOutEveryByteOfAHole) {
  CORDON_NEEDS_APPARMOR_PARSER();
  const auto path = [](int folder, int byte, absl::string_view behind) {
    return absl::StrCat("/", folder, "/", std::string(1, static_cast<char>(byte)), behind);
  };
  std::vector<std::string> patterns;
  for (int byte = 1; byte < 256; ++byte) {
    if (byte == '/') continue;
    const auto some = SubtreeWithout(absl::StrCat("/", byte), {path(byte, byte, "")});
    ASSERT_THAT(some, IsOk());
    patterns.insert(patterns.end(), some->begin(), some->end());
  }
  const auto profile = CompileWithParser(ProfileOf(patterns));
  ASSERT_THAT(profile, IsOk());
  for (int byte = 1; byte < 256; ++byte) {
    if (byte == '/') continue;
    for (int other = 1; other < 256; ++other) {
      if (other == '/') continue;
      const uint32_t wanted = other == byte ? 0 : kAaRead;
      for (const char* behind : {"", "/", "/x", "/x/y"}) {
        ASSERT_EQ(profile->Allowed(path(byte, other, behind)), wanted)
            << byte << " asked about " << other << behind;
      }
      ASSERT_EQ(profile->Allowed(path(byte, other, "x")), kAaRead) << byte << other;
    }
    EXPECT_EQ(profile->Allowed(absl::StrCat("/", byte)), kAaRead);
    EXPECT_EQ(profile->Allowed(absl::StrCat("/", byte, "/")), kAaRead);
    EXPECT_EQ(profile->Allowed(absl::StrCat("/", byte, "x")), 0U);
  }
}

}  // namespace
}  // namespace cordon
