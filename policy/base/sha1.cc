// SPDX-License-Identifier: Apache-2.0
// Straight from the standard.
#include "policy/base/sha1.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "absl/strings/escaping.h"

namespace cordon {
namespace {

constexpr size_t kBlock = 64;
constexpr size_t kLengthBytes = 8;

using State = std::array<uint32_t, 5>;
constexpr State kStart = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

uint32_t WordAt(absl::string_view block, size_t index) {
  uint32_t word = 0;
  for (size_t i = 0; i < 4; ++i) word = word << 8 | static_cast<uint8_t>(block[index * 4 + i]);
  return word;
}

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
  for (size_t i = 0; i < 16; ++i) w[i] = WordAt(block, i);
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

std::string Sha1Hex(absl::string_view bytes) {
  State state = kStart;
  const uint64_t bits = uint64_t{bytes.size()} * 8;
  for (; bytes.size() >= kBlock; bytes.remove_prefix(kBlock)) {
    Absorb(bytes.substr(0, kBlock), &state);
  }
  // The rest, one set bit, zeros, and the length in bits.
  std::string tail(bytes);
  tail.push_back('\x80');
  while (tail.size() % kBlock != kBlock - kLengthBytes) tail.push_back('\0');
  for (size_t i = kLengthBytes; i-- > 0;) tail.push_back(static_cast<char>(bits >> (8 * i) & 0xff));
  for (size_t at = 0; at < tail.size(); at += kBlock) {
    Absorb(absl::string_view(tail).substr(at, kBlock), &state);
  }
  std::string digest;
  for (const uint32_t word : state) {
    for (size_t i = 4; i-- > 0;) digest.push_back(static_cast<char>(word >> (8 * i) & 0xff));
  }
  return absl::BytesToHexString(digest);
}

}  // namespace cordon
