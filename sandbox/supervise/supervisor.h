// SPDX-License-Identifier: Apache-2.0
// Watches one launched sandbox to its end: pidfd, deadlines, status frames, streams, the memory
// event of its group; no tick. Entry point: RunJob.
#ifndef CORDON_SANDBOX_SUPERVISE_SUPERVISOR_H_
#define CORDON_SANDBOX_SUPERVISE_SUPERVISOR_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/sandbox.h"

namespace cordon {

// The caller's ends; not owned. They are relayed, never handed to the job.
struct Streams {
  int in = 0;
  int out = 1;
  int err = 2;
  bool escape_out = false;  // show control bytes as \xNN (a terminal)
  bool escape_err = false;
};

// Who may cancel the job (verdict CANCELLED).
struct Control {
  bool signals =
      true;  // SIGINT, SIGTERM and SIGHUP to the caller; this thread blocks them meanwhile
  // Not owned: cancels when it becomes readable (an eventfd, a pipe). Nothing is read from it, so
  // that one descriptor can cancel many jobs.
  int cancel_fd = -1;
};

// Launches the job in a prepared sandbox, enforces wall, CPU, memory and output limits, kills the
// whole tree at the end and proves it gone. An error means that no verdict could be reached: the
// job is dead then, too. A job whose exec failed gives an error of stage "launch" with the errno.
absl::StatusOr<v1::Report> RunJob(Sandbox& sandbox, const v1::LaunchPlan& launch,
                                  const Streams& streams, const Control& control = {});

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_SUPERVISOR_H_
