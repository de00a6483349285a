// SPDX-License-Identifier: Apache-2.0
// Bytes as a file that has no name (memfd).
#ifndef CORDON_SANDBOX_OS_MEMORY_FILE_H_
#define CORDON_SANDBOX_OS_MEMORY_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// Holds `content`, stands at its start, closes on exec, and has a number above the stdio of a
// child. `name` is for messages and /proc.
absl::StatusOr<UniqueFd> MemoryFile(const std::string& name, absl::string_view content);

// All of such a file, from its start; RESOURCE_EXHAUSTED above `limit` bytes.
absl::StatusOr<std::string> ContentOfFile(int fd, absl::string_view name, size_t limit);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_MEMORY_FILE_H_
