// SPDX-License-Identifier: Apache-2.0
// Below a folder whose content a stranger has made: nothing here follows a link or leaves the
// folder, and nothing is as large as the stranger likes.
#ifndef CORDON_SANDBOX_OS_BENEATH_H_
#define CORDON_SANDBOX_OS_BENEATH_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sandbox/os/file.h"

namespace cordon {

// openat2(2): `path` is relative and is resolved without links, without "..", and without leaving
// the file system of `dir_fd` (EXDEV), which may be an O_PATH descriptor. A link at the end is
// opened itself with O_PATH | O_NOFOLLOW.
absl::StatusOr<UniqueFd> OpenBeneath(int dir_fd, const std::string& path, int flags);

// A folder that is there, or that is made with what the umask leaves of 0777.
absl::StatusOr<UniqueFd> OpenFolderBeneath(int dir_fd, const std::string& name);

struct Listing {
  std::vector<std::string> names;  // sorted by their bytes, without "." and ".."
  bool more = false;               // there are more than were asked for
};
absl::StatusOr<Listing> ListAtMost(int dir_fd, size_t most);

// "a symbolic link", "a FIFO", "a socket" ... of FileInfo::mode.
std::string KindOfFile(const FileInfo& info);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_BENEATH_H_
