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

// The process that gets the lines instead of the log; 0: nobody. Needs CAP_AUDIT_CONTROL.
absl::StatusOr<uint32_t> AuditDaemon();

// Waits until all that was queued before the call is written, for at most `wait_ms`.
absl::Status AwaitAudit(int wait_ms);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_AUDIT_H_
