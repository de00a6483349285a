// SPDX-License-Identifier: Apache-2.0
// Finding one process of a sandbox from the host.
#ifndef CORDON_SANDBOX_OS_CHILDREN_H_
#define CORDON_SANDBOX_OS_CHILDREN_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

struct FoundChild {
  pid_t pid = 0;
  UniqueFd pidfd;
};

// The child of `parent` whose id in its own pid namespace is `inside`; NOT_FOUND when it has none.
// Either may be reaped meanwhile; then the pidfd reaches nobody.
absl::StatusOr<FoundChild> FindChild(pid_t parent, uint32_t inside);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_CHILDREN_H_
