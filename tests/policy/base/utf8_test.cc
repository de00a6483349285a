// SPDX-License-Identifier: Apache-2.0
// The decoder must agree with an own encoder on every code point and refuse everything else.
#include "policy/base/utf8.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace cordon {
namespace {

TEST(Utf8Test, EveryCodePointRoundTrips) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string bytes;
    AppendUtf8(code, &bytes);
    const Utf8Char decoded = DecodeUtf8(bytes, 0);
    ASSERT_EQ(decoded.code, code);
    ASSERT_EQ(decoded.length, bytes.size());
  }
}

TEST(Utf8Test, RefusesOverlongSurrogateTruncatedAndTooLarge) {
  for (const absl::string_view bad :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF", "\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC3(", "\xE2\x82("}) {
    EXPECT_EQ(DecodeUtf8(bad, 0).length, 0u) << bad.size();
    EXPECT_EQ(FindInvalidUtf8(bad), 0u);
  }
}

TEST(Utf8Test, FindsTheFirstInvalidByte) {
  EXPECT_EQ(FindInvalidUtf8("plain"), absl::string_view::npos);
  EXPECT_EQ(FindInvalidUtf8("\xC3\xA4\xE2\x82\xAC"), absl::string_view::npos);
  EXPECT_EQ(FindInvalidUtf8("\xC3\xA4x\xFFy"), 3u);
}

TEST(Utf8Test, NamesWhatSteersATerminalOrAReader) {
  EXPECT_TRUE(IsControl(0));
  EXPECT_TRUE(IsControl(0x1B));
  EXPECT_TRUE(IsControl(0x7F));
  EXPECT_TRUE(IsControl(0x9B));
  EXPECT_FALSE(IsControl(' '));
  EXPECT_FALSE(IsControl(0xA0));
  EXPECT_TRUE(IsDeceptive(0x202E));
  EXPECT_TRUE(IsDeceptive(0x2066));
  EXPECT_TRUE(IsDeceptive(0xFEFF));
  EXPECT_FALSE(IsDeceptive(0x05D0));
}

}  // namespace
}  // namespace cordon
