// SPDX-License-Identifier: Apache-2.0
#include "policy/base/sha1.h"

#include <string>

#include "gtest/gtest.h"

namespace cordon {
namespace {

// FIPS 180-4's own examples, and the empty text.
TEST(Sha1Test, KnownAnswers) {
  EXPECT_EQ(Sha1Hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(Sha1Hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(Sha1Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(Sha1Hex(std::string(1000000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

// Lengths around the border of a block, where the padding needs one block more.
TEST(Sha1Test, EveryLengthHasItsOwnDigest) {
  std::string text;
  std::string last;
  for (int i = 0; i < 130; ++i) {
    const std::string digest = Sha1Hex(text);
    EXPECT_EQ(digest.size(), 40u);
    EXPECT_NE(digest, last);
    last = digest;
    text.push_back('\xff');
  }
  EXPECT_EQ(Sha1Hex(std::string(55, '\0')), "8e8832c642a6a38c74c17fc92ccedc266c108e6c");
  EXPECT_EQ(Sha1Hex(std::string(64, '\0')), "c8d7d0ef0eedfa82d2ea1aa592845b9a6d4b02b7");
}

}  // namespace
}  // namespace cordon
