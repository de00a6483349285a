// SPDX-License-Identifier: Apache-2.0
// JSON inside a script element: no bytes can end the element, and none are shown otherwise than
// they are.
#include "policy/batch/script_json.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/utf8.h"

namespace cordon {
namespace {

std::string OneText(absl::string_view text) { return ScriptJson().Text(text).json(); }

TEST(ScriptJsonTest, ValuesAreKeptApart) {
  ScriptJson json;
  json.Open('{').Key("a").Open('[').Number(1).Text("x").Null().Open('[').Close(']').Close(']');
  json.Key("b").Open('{').Key("c").Raw("true").Close('}').Key("d").Number(2).Close('}');
  EXPECT_EQ(json.json(), R"({"a":[1,"x",null,[]],"b":{"c":true},"d":2})");
}

TEST(ScriptJsonTest, MarkupAndQuotesAreEscaped) {
  EXPECT_EQ(OneText("</script>&"), R"("\u003c/script\u003e\u0026")");
  EXPECT_EQ(OneText("<!--"), R"("\u003c!--")");
  EXPECT_EQ(OneText("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(OneText("grün 日本"), "\"grün 日本\"");
}

TEST(ScriptJsonTest, WhatSteersAReaderIsShownAsAnEscape) {
  EXPECT_EQ(ShownText("a\nb\tc\r\x1b[31m", 99), R"(a\nb\tc\x0d\x1b[31m)");
  EXPECT_EQ(ShownText(absl::string_view("\0\x7f\xc2\x9b", 4), 99), R"(\x00\x7f\x9b)");
  EXPECT_EQ(ShownText("\xe2\x80\xae\xe2\x80\xa8\xef\xbb\xbf", 99), R"(\u202e\u2028\ufeff)");
  EXPECT_EQ(ShownText("\xff\xc3(\xe2\x80", 99), R"(\xff\xc3(\xe2\x80)");
}

TEST(ScriptJsonTest, LongTextIsCutBetweenCharactersAndSaysSo) {
  EXPECT_EQ(ShownText("abcdef", 6), "abcdef");
  EXPECT_EQ(ShownText("abcdefg", 6), "abcdef… (1 more bytes)");
  EXPECT_EQ(ShownText("äöü", 3), "ä… (4 more bytes)");
  EXPECT_EQ(ShownText("a\nb", 2), "a… (2 more bytes)");
}

TEST(ScriptJsonTest, NoBytesLeaveTheirString) {
  std::mt19937 random(5);
  const std::string alphabet(
      "<>&\"\\/!-\n\0\x1b\x7f\x80\xe2\xa8\xff"
      "a",
      17);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t length = random() % 12; length > 0; --length) {
      text += alphabet[random() % alphabet.size()];
    }
    const std::string json = OneText(text);
    ASSERT_EQ(FindInvalidUtf8(json), std::string::npos) << json;
    for (size_t i = 0; i < json.size(); ++i) {
      ASSERT_GE(static_cast<unsigned char>(json[i]), 0x20) << json;
      ASSERT_EQ(std::string("<>&").find(json[i]), std::string::npos) << json;
      if (json[i] == '\\') {
        ++i;
        ASSERT_NE(std::string("\"\\u").find(json[i]), std::string::npos) << json;
      } else if (json[i] == '"') {
        ASSERT_TRUE(i == 0 || i + 1 == json.size()) << json;
      }
    }
  }
}

}  // namespace
}  // namespace cordon
