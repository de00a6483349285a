// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/terminal_text.h"

#include <string>

#include "gtest/gtest.h"

namespace cordon {
namespace {

std::string Shown(absl::string_view bytes) {
  TerminalText text;
  std::string out;
  text.Append(bytes, &out);
  text.Finish(&out);
  return out;
}

TEST(TerminalTextTest, WhatIsReadPasses) {
  EXPECT_EQ(Shown("plain\ttext\n"), "plain\ttext\n");
  EXPECT_EQ(Shown("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
}

TEST(TerminalTextTest, WhatSteersIsShown) {
  EXPECT_EQ(Shown("\x1b[2J\r\x07\x7f"), "\\x1b[2J\\x0d\\x07\\x7f");
  // U+009B (CSI) and U+009D (OSC), as UTF-8 and as the single bytes of older terminals.
  EXPECT_EQ(Shown("\xc2\x9b"
                  "31m"),
            "\\xc2\\x9b31m");
  EXPECT_EQ(Shown("\x9d"
                  "0;title"),
            "\\x9d0;title");
  // Written backwards: right-to-left override.
  EXPECT_EQ(Shown("\xe2\x80\xae"), "\\xe2\\x80\\xae");
}

TEST(TerminalTextTest, WhatIsNoUtf8IsShown) {
  EXPECT_EQ(Shown("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(Shown("\xc0\x9b"), "\\xc0\\x9b");           // overlong
  EXPECT_EQ(Shown("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(Shown("\xe2\x82z"), "\\xe2\\x82z");         // cut off inside
  EXPECT_EQ(Shown("\xe2\x82"), "\\xe2\\x82");           // cut off at the end
}

TEST(TerminalTextTest, APieceMayEndAnywhere) {
  const std::string sent = "a\xc2\x9b\xe2\x82\xac\x1b\xf0\x9f\x98\x80z\xe2\x80\xae\xff";
  const std::string whole = Shown(sent);
  for (size_t cut = 0; cut <= sent.size(); ++cut) {
    TerminalText text;
    std::string out;
    text.Append(sent.substr(0, cut), &out);
    text.Append(sent.substr(cut), &out);
    text.Finish(&out);
    EXPECT_EQ(out, whole) << cut;
  }
  TerminalText text;
  std::string out;
  for (const char byte : sent) text.Append(std::string(1, byte), &out);
  text.Finish(&out);
  EXPECT_EQ(out, whole);
}

}  // namespace
}  // namespace cordon
