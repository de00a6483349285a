// SPDX-License-Identifier: Apache-2.0
#include "policy/base/columns.h"

#include "gmock/gmock.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ColumnsTest, WidthCountsCharacters) {
  EXPECT_EQ(TextWidth(""), 0u);
  EXPECT_EQ(TextWidth("abc"), 3u);
  EXPECT_EQ(TextWidth("\xc3\xa4\xe2\x82\xac"), 2u);
}

TEST(ColumnsTest, BreaksBetweenWords) {
  EXPECT_THAT(WrapText("", 10), IsEmpty());
  EXPECT_THAT(WrapText("   ", 10), IsEmpty());
  EXPECT_THAT(WrapText("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(WrapText("one two three", 6), ElementsAre("one", "two", "three"));
  EXPECT_THAT(WrapText(" a  b ", 80), ElementsAre("a b"));
}

TEST(ColumnsTest, CutsWhatIsLongerThanALine) {
  EXPECT_THAT(WrapText("abcdefgh", 3), ElementsAre("abc", "def", "gh"));
  EXPECT_THAT(WrapText("x abcdef y", 3), ElementsAre("x", "abc", "def", "y"));
  EXPECT_THAT(WrapText("\xc3\xa4\xc3\xb6\xc3\xbc", 2), ElementsAre("\xc3\xa4\xc3\xb6", "\xc3\xbc"));
}

}  // namespace
}  // namespace cordon
