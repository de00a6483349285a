// SPDX-License-Identifier: Apache-2.0
// Whether what holds a job is there when it begins, and still there when it is over: a process that
// waits in front of its program has what the gate has seen of the payload's twin, and the control
// group is the job's with its limits. Entry points: LookAtHeld, PayloadWaits, GroupAtEnd.
#ifndef CORDON_SANDBOX_SUPERVISE_HELD_H_
#define CORDON_SANDBOX_SUPERVISE_HELD_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sandbox/layers/check_back.h"
#include "sandbox/os/children.h"
#include "sandbox/sandbox.h"

namespace cordon {

enum class Held {
  kYes,
  kNotYet,  // its filter is not in force
  kEnds,    // it, or its init, is on its way out, and comes to its program in no case
};

using HeldRule = absl::Status(const ProcessLook& wanted, const ProcessLook& found);

// Reads `process` and the control groups of its init, whom the host may have moved. `rule` is
// VerifyPayload or VerifyCheck; its error when the process is held otherwise.
absl::StatusOr<Held> LookAtHeld(const Sandbox& sandbox, const FoundChild& process, HeldRule* rule);

// Whether the payload, whose id in the sandbox is `inside`, waits behind its filter, held exactly
// as its twin was. False when it has ended, and then its init says why.
absl::StatusOr<bool> PayloadWaits(const Sandbox& sandbox, uint32_t inside);

// Whether the init, before it is reaped, is still in the job's group, and the group's limits are
// those of the plan. FAILED_PRECONDITION otherwise: what the group counted and limited was not the
// job, and no verdict stands on it. On cgroup v1 the membership of an init that has ended is not
// known, and not looked at. Looks once: when the job is over, or, where the dead are shown in their
// group, when its init is.
class GroupAtEnd {
 public:
  void Look(const Sandbox& sandbox, bool init_ended);
  const absl::Status& status() const { return status_; }

 private:
  bool looked_ = false;
  absl::Status status_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_HELD_H_
