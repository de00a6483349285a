// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4): the name of a compiled plan, of a file's content. Not for secrets.
#ifndef CORDON_POLICY_BASE_SHA256_H_
#define CORDON_POLICY_BASE_SHA256_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace cordon {

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

// The same of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  void Update(absl::string_view bytes);
  // Of everything so far; more may come afterwards.
  std::string Hex() const;

 private:
  std::array<uint32_t, 8> state_;
  uint64_t mixed_ = 0;  // bytes that are in `state_`
  std::string rest_;    // less than a block
};

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_SHA256_H_
