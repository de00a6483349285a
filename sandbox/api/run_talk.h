// SPDX-License-Identifier: Apache-2.0
// Several sandboxes that talk, from their specifications to the one report: what the command's
// verbs and the library (cordon.h) have in common. Entry point: ReportOfTalk.
#ifndef CORDON_SANDBOX_API_RUN_TALK_H_
#define CORDON_SANDBOX_API_RUN_TALK_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/batch/talk.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/report.pb.h"
#include "policy/resolve.h"
#include "sandbox/api/run_job.h"
#include "sandbox/supervise/supervisor.h"

namespace cordon {

struct TalkPart {
  std::string name;
  std::string policy;                    // for the report, also when it cannot be had
  absl::Status ready;                    // an error of what came before (stdio files)
  Streams streams;                       // the caller's ends; those that are connected are not used
  const v1::HostFacts* facts = nullptr;  // of this host; outlives the run, set when `ready` is OK
  // Its sandbox at its gate; `report` gets what is known of it then.
  std::function<absl::StatusOr<ReadyJob>(v1::Report* report)> prepare;
};

// No program runs before all parts are at their gates. `links` and `decider` are positions of
// parts. `failure` is the error of the first part that could not be run, or that the host has made;
// the report, whose sandboxes are in the order of the parts, says of which. `profiles`: as in
// RunUnder.
v1::Report ReportOfTalk(const std::vector<TalkPart>& parts, const std::vector<SandboxLink>& links,
                        size_t decider, ProfileSource& profiles, const Control& control,
                        absl::Status* failure);

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_RUN_TALK_H_
