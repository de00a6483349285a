// SPDX-License-Identifier: Apache-2.0
// What SHA-1 and SHA-256 have in common (FIPS 180-4): 64-byte blocks of big-endian words, padding,
// and a state of words that each block is mixed into. Only for sha1.cc and sha256.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace cordon {

inline constexpr size_t kShaBlock = 64;

// The first words of a message schedule; the rest of `w` is the algorithm's.
template <size_t kRounds>
void ShaLoad(absl::string_view block, std::array<uint32_t, kRounds>* w) {
  for (size_t i = 0; i < kShaBlock; ++i) {
    (*w)[i / 4] = (*w)[i / 4] << 8 | static_cast<uint8_t>(block[i]);
  }
}

// Lower-case hexadecimal digest of `bytes`, beginning with `state`, which `before` bytes in whole
// blocks have been mixed into.
template <size_t kWords>
std::string ShaHex(absl::string_view bytes, std::array<uint32_t, kWords> state,
                   void (*absorb)(absl::string_view block, std::array<uint32_t, kWords>* state),
                   uint64_t before = 0) {
  constexpr size_t kLengthBytes = 8;
  const uint64_t bits = (before + bytes.size()) * 8;
  for (; bytes.size() >= kShaBlock; bytes.remove_prefix(kShaBlock)) {
    absorb(bytes.substr(0, kShaBlock), &state);
  }
  // The rest, one set bit, zeros, and the length in bits.
  std::string tail(bytes);
  tail.push_back('\x80');
  while (tail.size() % kShaBlock != kShaBlock - kLengthBytes) tail.push_back('\0');
  for (size_t i = kLengthBytes; i-- > 0;) tail.push_back(static_cast<char>(bits >> (8 * i) & 0xff));
  for (size_t at = 0; at < tail.size(); at += kShaBlock) {
    absorb(absl::string_view(tail).substr(at, kShaBlock), &state);
  }
  std::string digest;
  for (const uint32_t word : state) {
    for (size_t i = 4; i-- > 0;) digest.push_back(static_cast<char>(word >> (8 * i) & 0xff));
  }
  return absl::BytesToHexString(digest);
}

}  // namespace cordon
