// SPDX-License-Identifier: Apache-2.0
// One record of the kernel's log as /dev/kmsg gives it (Documentation/ABI/testing/dev-kmsg):
// "PREFIX,SEQUENCE,MICROSECONDS,FLAGS[,more];TEXT", then lines of a dictionary. Pure.
#ifndef CORDON_POLICY_DENIAL_KERNEL_LINE_H_
#define CORDON_POLICY_DENIAL_KERNEL_LINE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cordon {

struct KernelLine {
  // Written by the kernel itself. What a process writes to /dev/kmsg always has another facility.
  bool by_kernel = false;
  uint64_t sequence = 0;
  std::string text;  // any bytes: its escapes are undone
};

// INVALID_ARGUMENT for what the kernel never gives.
absl::StatusOr<KernelLine> ParseKernelLine(absl::string_view record);

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_KERNEL_LINE_H_
