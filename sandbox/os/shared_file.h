// SPDX-License-Identifier: Apache-2.0
// Small files that processes of one user share by locks. The lock is flock(2): it belongs to the
// open file and goes with the last descriptor of it, however its holder ends.
#ifndef CORDON_SANDBOX_OS_SHARED_FILE_H_
#define CORDON_SANDBOX_OS_SHARED_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cordon {

// flock(LOCK_SH), tried for at most `wait_ms`. LockFile (file.h) is the exclusive one.
bool LockShared(int fd, int wait_ms);

// False when the file has been removed since it was opened.
bool HasName(int fd);

// Since it was written or touched last.
uint64_t AgeNs(int fd);
void Touch(int fd);

// All of its content, from the start.
absl::Status ReplaceContent(int fd, absl::string_view name, absl::string_view content);

absl::Status RemoveFileAt(int dir_fd, const std::string& name);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_SHARED_FILE_H_
