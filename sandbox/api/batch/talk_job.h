// SPDX-License-Identifier: Apache-2.0
// One job of several sandboxes that talk, from its specification to its report: what `talk` and
// `batch` have in common.
#ifndef CORDON_SANDBOX_API_BATCH_TALK_JOB_H_
#define CORDON_SANDBOX_API_BATCH_TALK_JOB_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "policy/proto/batch.pb.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/report.pb.h"
#include "policy/resolve.h"
#include "sandbox/api/run_job.h"

namespace cordon {

// Where the streams of a sandbox lead that are neither connected nor have a file; "" is the
// command's own.
struct TalkDefaults {
  std::string out;
  std::string err;
};

// `job` has passed ReadJobs, `requests` are those of its sandboxes. Host paths are taken from the
// current directory. `ready`: an error that keeps the job from running; `facts` are those of this
// host. Nothing runs before every sandbox stands at its gate. `failure` is the error of the first
// one that could not be run.
v1::Report ReportOfTalkJob(const v1::BatchJob& job, const std::vector<RunRequest>& requests,
                           const absl::Status& ready, const v1::HostFacts& facts,
                           ProfileSource& profiles, const TalkDefaults& defaults,
                           absl::Status* failure);

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_BATCH_TALK_JOB_H_
