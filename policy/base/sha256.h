// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of bytes in memory: the name of a compiled plan. Not for secrets.
#ifndef CORDON_POLICY_BASE_SHA256_H_
#define CORDON_POLICY_BASE_SHA256_H_

#include <string>

#include "absl/strings/string_view.h"

namespace cordon {

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_SHA256_H_
