// SPDX-License-Identifier: Apache-2.0
// Finding one process of a sandbox from the host.
#ifndef CORDON_SANDBOX_OS_CHILDREN_H_
#define CORDON_SANDBOX_OS_CHILDREN_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// Whether an error of a process' file or of pidfd_open(2) means that the process is gone. Any other
// one must not: to take a process that cannot be reached for one that has ended would be to let it
// run unseen.
bool SaysGone(const absl::Status& status);

struct FoundChild {
  pid_t pid = 0;
  UniqueFd pidfd;
};

// The child of `parent` whose id in its own pid namespace is `inside`; NOT_FOUND when it has none.
// Either may be reaped meanwhile; then the pidfd reaches nobody.
absl::StatusOr<FoundChild> FindChild(pid_t parent, uint32_t inside);

// Whether the process `pid`, which `pidfd` holds, has ended or is certain to: none of its threads
// returns to its program. That is so before its end closes any descriptor, and long before a parent
// can wait for it. One that is stopped or frozen goes on some time, and so is not ending. An error
// when it is there and cannot be looked at; nothing is known of it then.
absl::StatusOr<bool> IsEnding(pid_t pid, int pidfd);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_CHILDREN_H_
