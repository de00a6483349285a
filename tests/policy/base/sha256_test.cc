// SPDX-License-Identifier: Apache-2.0
#include "policy/base/sha256.h"

#include "gtest/gtest.h"

namespace cordon {
namespace {

// Examples of FIPS 180-2, appendix B, and of NIST's test vectors.
TEST(Sha256Test, KnownAnswers) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Lengths around the border of a block, where the padding needs one block more.
TEST(Sha256Test, EveryLengthHasItsOwnDigest) {
  std::string text;
  std::string last;
  for (int i = 0; i < 130; ++i) {
    const std::string digest = Sha256Hex(text);
    EXPECT_EQ(digest.size(), 64u);
    EXPECT_NE(digest, last);
    last = digest;
    text.push_back('\xff');
  }
  EXPECT_EQ(Sha256Hex(std::string(55, '\0')),
            "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7");
  EXPECT_EQ(Sha256Hex(std::string(64, '\0')),
            "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b");
}

TEST(Sha256Test, PiecesOfAnySizeGiveTheSame) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text.push_back(static_cast<char>(i * 31));
  for (const size_t piece : {1u, 3u, 63u, 64u, 65u, 128u, 200u, 1000u}) {
    Sha256 hash;
    for (size_t at = 0; at < text.size(); at += piece) {
      hash.Update(absl::string_view(text).substr(at, piece));
      ASSERT_EQ(hash.Hex(), Sha256Hex(text.substr(0, at + piece))) << piece << " " << at;
    }
  }
  EXPECT_EQ(Sha256().Hex(), Sha256Hex(""));
}

}  // namespace
}  // namespace cordon
