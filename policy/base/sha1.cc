// SPDX-License-Identifier: Apache-2.0
// Straight from the standard.
#include "policy/base/sha1.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "policy/base/sha_blocks.h"

namespace cordon {
namespace {

using State = std::array<uint32_t, 5>;
constexpr State kStart = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

// The function and the constant of a round.
struct Round {
  uint32_t f;
  uint32_t k;
};
Round RoundOf(size_t t, uint32_t b, uint32_t c, uint32_t d) {
  if (t < 20) return {(b & c) | (~b & d), 0x5a827999};
  if (t < 40) return {b ^ c ^ d, 0x6ed9eba1};
  if (t < 60) return {(b & c) | (b & d) | (c & d), 0x8f1bbcdc};
  return {b ^ c ^ d, 0xca62c1d6};
}

void Absorb(absl::string_view block, State* state) {
  std::array<uint32_t, 80> w = {};
  ShaLoad(block, &w);
  for (size_t i = 16; i < w.size(); ++i) {
    w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  }
  auto [a, b, c, d, e] = *state;
  for (size_t t = 0; t < w.size(); ++t) {
    const Round round = RoundOf(t, b, c, d);
    const uint32_t next = std::rotl(a, 5) + round.f + e + round.k + w[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  const State mixed = {a, b, c, d, e};
  for (size_t i = 0; i < mixed.size(); ++i) (*state)[i] += mixed[i];
}

}  // namespace

std::string Sha1Hex(absl::string_view bytes) { return ShaHex(bytes, kStart, Absorb); }

}  // namespace cordon
