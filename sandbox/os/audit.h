// SPDX-License-Identifier: Apache-2.0
// What the kernel's audit does with the lines of security modules (audit(7), linux/audit.h): it
// queues them, and a thread of its own gives them to an audit daemon, or to the kernel's log when
// there is none.
#ifndef CORDON_SANDBOX_OS_AUDIT_H_
#define CORDON_SANDBOX_OS_AUDIT_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace cordon {

// Whether ids in those lines are ids as this process knows them: it is in the first pid and user
// namespace.
bool InFirstNamespaces();

struct AuditState {
  bool on = false;      // off, the kernel still says what AppArmor denies, and nothing of Landlock
  uint32_t daemon = 0;  // the process that gets the lines instead of the log; 0: nobody
};

// Needs CAP_AUDIT_CONTROL (EPERM). ECONNREFUSED and EPROTONOSUPPORT: not for this namespace, no
// audit in the kernel.
absl::StatusOr<AuditState> ReadAudit();

// Waits until all that was queued before the call is written, for at most `wait_ms`.
absl::Status AwaitAudit(int wait_ms);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_AUDIT_H_
