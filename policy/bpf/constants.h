// SPDX-License-Identifier: Apache-2.0
// Kernel constants by name, for the conditions of seccomp rules. Entry point: ParseConstant. Only
// constants with one value on every supported architecture are here.
#ifndef CORDON_POLICY_BPF_CONSTANTS_H_
#define CORDON_POLICY_BPF_CONSTANTS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cordon {

struct NamedConstant {
  absl::string_view name;
  uint64_t value;
};

// Every constant that has a name here.
absl::Span<const NamedConstant> NamedConstants();

// "AF_UNIX", "CLONE_VM|CLONE_FS", "0x1f", "42", "-1": names, hexadecimal and decimal numbers,
// joined by "|" (white space around a part does not count). Negative ones, AT_FDCWD too, are sign
// extended to 64 bits. INVALID_ARGUMENT for anything else, with the nearest name as hint.
absl::StatusOr<uint64_t> ParseConstant(absl::string_view text);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_CONSTANTS_H_
