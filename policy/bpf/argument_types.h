// SPDX-License-Identifier: Apache-2.0
// How many bits of an argument of a system call the kernel reads. Entry point: ArgumentBits.
// A filter sees 64-bit registers, of which the kernel ignores the upper half for an int argument:
// comparing all 64 bits would let a job slip past a rule by setting a bit that nobody reads.
#ifndef CORDON_POLICY_BPF_ARGUMENT_TYPES_H_
#define CORDON_POLICY_BPF_ARGUMENT_TYPES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cordon {

// 32 for int, unsigned int and the types made of them (pid_t, clockid_t ...), 16 for umode_t, 64
// for long, size_t, off_t and pointers. INVALID_ARGUMENT when the call has no such argument, or
// when its argument types are not in the table: a condition could not be compiled safely.
absl::StatusOr<uint32_t> ArgumentBits(absl::string_view call, uint32_t argument);

}  // namespace cordon

#endif  // CORDON_POLICY_BPF_ARGUMENT_TYPES_H_
