// SPDX-License-Identifier: Apache-2.0
// A path of the host as the caller means it, in places where strangers may write.
#ifndef CORDON_SANDBOX_OS_TRUSTED_PATH_H_
#define CORDON_SANDBOX_OS_TRUSTED_PATH_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "sandbox/os/file.h"

namespace cordon {

struct TrustedPath {
  std::string path;  // absolute, without links, "." and ".."
  FileInfo info;
  uint64_t file_system = 0;  // f_type of statfs(2)
};

// Walks `path` (absolute) by descriptors. Links of root are followed. A link of anybody else is
// PERMISSION_DENIED with its owner and where it leads: also one of the caller's own, because a job
// without root behind it has the caller's uid outside, and so have the links that it left.
absl::StatusOr<TrustedPath> ResolveTrusted(const std::string& path);

// Whether its error is that of a link; any other one has the errno of a call.
bool IsRefusedLink(const absl::Status& status);

// What was found, opened with O_NOFOLLOW, O_NONBLOCK and O_NOCTTY beside `flags`. For who has
// looked at its kind: to open a FIFO or a device can be an act. ABORTED when something else is
// there now.
absl::StatusOr<UniqueFd> OpenTrusted(const TrustedPath& found, int flags);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_TRUSTED_PATH_H_
