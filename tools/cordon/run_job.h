// SPDX-License-Identifier: Apache-2.0
// One job under one policy, from its specification to its report: what `run`, `batch` and `doctor`
// have in common.
#ifndef CORDON_TOOLS_CORDON_RUN_JOB_H_
#define CORDON_TOOLS_CORDON_RUN_JOB_H_

#include <string>

#include "absl/status/status.h"
#include "policy/proto/job.pb.h"
#include "policy/proto/report.pb.h"
#include "policy/resolve.h"
#include "sandbox/supervise/supervisor.h"

namespace cordon::cli {

struct RunRequest {
  std::string policy = "base/strict";  // profile name or file
  std::string plan;                    // a file of `compile` in place of a policy
  v1::JobSpec job;  // binds are absolute; a program that is a host file is found and bound
};

// The one report of the run, of a failed set-up too; then `failure` is the whole error. `ready`: an
// error of what came before (stdio files); then nothing is run.
v1::Report ReportOfJob(const RunRequest& request, ProfileSource& profiles,
                       const absl::Status& ready, const Streams& streams, absl::Status* failure);

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_RUN_JOB_H_
