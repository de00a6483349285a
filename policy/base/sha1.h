// SPDX-License-Identifier: Apache-2.0
// SHA-1 (FIPS 180-4) of bytes in memory: what kernels before 6.8 show of a loaded AppArmor profile.
// For nothing else: it is broken where somebody can choose both of two texts.
#ifndef CORDON_POLICY_BASE_SHA1_H_
#define CORDON_POLICY_BASE_SHA1_H_

#include <string>

#include "absl/strings/string_view.h"

namespace cordon {

// 40 lower-case hexadecimal digits.
std::string Sha1Hex(absl::string_view bytes);

}  // namespace cordon

#endif  // CORDON_POLICY_BASE_SHA1_H_
