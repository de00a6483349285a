// SPDX-License-Identifier: Apache-2.0
// Another program of ours, run to its end: arguments in, one text out. No shell, no PATH.
#ifndef CORDON_SANDBOX_OS_COMPANION_H_
#define CORDON_SANDBOX_OS_COMPANION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cordon {

// Runs `program` (a path) with `arguments` and the caller's environment, stdin on /dev/null and
// every signal as at a fresh start, and waits. What it prints is returned, at most 4 KiB. An error:
// it cannot be started, exits with anything but 0 (the message is what it printed), or is not done
// after `timeout_ms` and killed. Where the caller ignores SIGCHLD the kernel keeps no exit status;
// a helper that printed nothing counts as successful then.
absl::StatusOr<std::string> RunCompanion(const std::string& program,
                                         const std::vector<std::string>& arguments, int timeout_ms);

// The path of `name` in the folder of the running program.
absl::StatusOr<std::string> BesideThisProgram(const std::string& name);

// An extended attribute of a file; NOT_FOUND when there is none.
absl::StatusOr<std::string> ReadAttribute(const std::string& path, const std::string& name);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_COMPANION_H_
