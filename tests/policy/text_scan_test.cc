// SPDX-License-Identifier: Apache-2.0
// The grammar of text format as the first reading sees it.
#include "policy/text_scan.h"

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/proto/policy.pb.h"

namespace cordon {
namespace {

bool Reads(absl::string_view text, FieldScan* scan, Place* broken_at) {
  return ScanText(text, v1::Policy::descriptor(), scan, broken_at);
}

TEST(TextScanTest, ReadsAllSpellingsOfAValue) {
  for (const absl::string_view text :
       {"limits { processes: 1 }", "limits: { processes: 0x10 }", "limits < processes: 010 >",
        "limits { processes : - 1 };", "limits{processes:1,}", "mounts { masked: [] }",
        "mounts { masked: [ 'a' , \"b\" \"c\" ] bind: [ {}, < > ] }", "extends: 'it\\'s'",
        "extends: \"a\" # comment { [ \"\n 'b'", "", "#", "\r\n\t"}) {
    FieldScan scan("f");
    Place broken_at;
    EXPECT_TRUE(Reads(text, &scan, &broken_at)) << text;
    EXPECT_TRUE(scan.errors().empty()) << text;
  }
}

TEST(TextScanTest, SaysWhereTheGrammarBreaks) {
  struct Case {
    absl::string_view text;
    int line;
    int column;
  };
  for (const Case& c :
       {Case{"limits {", 1, 9}, Case{"limits {\n }}", 2, 3}, Case{"limits { >", 1, 10},
        Case{"extends: \"a", 1, 12}, Case{"extends: \"a\n\"", 1, 12}, Case{"extends:", 1, 9},
        Case{"mounts { masked: [ \"a\" \n; ] }", 2, 1}, Case{"mounts { masked: [ \"a\",", 1, 24},
        Case{"extends: \"\\", 1, 12}, Case{"[a.b]: 1", 1, 1}, Case{"=", 1, 1}}) {
    FieldScan scan("f");
    Place broken_at;
    EXPECT_FALSE(Reads(c.text, &scan, &broken_at)) << c.text;
    EXPECT_EQ(broken_at.line, c.line) << c.text;
    EXPECT_EQ(broken_at.column, c.column) << c.text;
  }
}

TEST(TextScanTest, PassesOverTheContentsOfUnknownFields) {
  FieldScan scan("f");
  Place broken_at;
  EXPECT_TRUE(Reads("nope { a { b: [ { c: 1 }, 2 ] } } extends: \"x\"", &scan, &broken_at));
  EXPECT_EQ(scan.errors().size(), 1u);
  EXPECT_EQ(scan.places().Find("extends"), "f:1:35");
}

TEST(TextScanTest, NumbersElementsAcrossListsAndRepeats) {
  FieldScan scan("f");
  Place broken_at;
  EXPECT_TRUE(Reads("mounts { masked: \"a\" masked: [\"b\", \"c\"] }", &scan, &broken_at));
  EXPECT_EQ(scan.places().Find("mounts.masked[0]"), "f:1:10");
  EXPECT_EQ(scan.places().Find("mounts.masked[2]"), "f:1:36");
}

}  // namespace
}  // namespace cordon
