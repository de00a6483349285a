// SPDX-License-Identifier: Apache-2.0
// How a job is known in the kernel's log.
#ifndef CORDON_POLICY_DENIAL_JOB_IN_LOG_H_
#define CORDON_POLICY_DENIAL_JOB_IN_LOG_H_

#include <cstdint>

#include "absl/types/optional.h"

namespace cordon {

// Ids are those of the first namespaces.
struct JobInLog {
  absl::optional<uint32_t> own_user;  // one that no other process of the host has
  uint32_t main_pid = 0;              // of its main process; 0: not known
};

}  // namespace cordon

#endif  // CORDON_POLICY_DENIAL_JOB_IN_LOG_H_
