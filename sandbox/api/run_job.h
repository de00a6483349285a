// SPDX-License-Identifier: Apache-2.0
// One job under one policy, from its specification to its report: what the command's verbs and the
// library (cordon.h) have in common.
#ifndef CORDON_SANDBOX_API_RUN_JOB_H_
#define CORDON_SANDBOX_API_RUN_JOB_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "policy/compile.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/job.pb.h"
#include "policy/proto/report.pb.h"
#include "policy/resolve.h"
#include "sandbox/files/copy_out.h"
#include "sandbox/sandbox.h"
#include "sandbox/supervise/supervisor.h"

namespace cordon {

// A policy that a job can run under, and its plan for this host when that was made before.
struct ReadyPolicy {
  NormalPolicy policy;
  absl::optional<CompiledPlan> plan;
};

// What a report says whatever becomes of its job: under which policy, by which Cordon and, once it
// is known, on which kernel.
v1::Report BeginReport(absl::string_view policy, const v1::HostFacts* facts = nullptr);

// Runs one job. `report` gets what is known before the job begins, in any case, and all the rest
// when this is OK, with what would allow what was denied. `profiles` are where the policy's
// ceilings are found for that; `facts` are those of this host. `store`: of artifacts; null: there
// is none.
absl::Status RunUnder(const ReadyPolicy& source, ProfileSource& profiles,
                      const v1::HostFacts& facts, v1::JobSpec job, const Streams& streams,
                      const Control& control, v1::Report* report, const FileStore* store = nullptr);

// The two halves of it, for a caller with several sandboxes: the sandbox at its gate.
struct ReadyJob {
  std::unique_ptr<Sandbox> sandbox;
  v1::LaunchPlan launch;
  CopyOutFiles copy_out;  // to be collected when the job is over
  NormalPolicy policy;    // it runs under, before what the job has changed
};
absl::StatusOr<ReadyJob> PrepareUnder(const ReadyPolicy& source, const v1::HostFacts& facts,
                                      v1::JobSpec job, v1::Report* report,
                                      const FileStore* store = nullptr);

// What the job has left behind, taken when `sandbox` is dead; the rows go into the report.
absl::Status CollectFiles(const Sandbox& sandbox, const CopyOutFiles& files, v1::Report* report);

// What would allow what was denied; `policy` and `plan` are those that the job ran under.
void AddAdvice(const NormalPolicy& policy, const v1::HostFacts& facts, const v1::Plan& plan,
               ProfileSource& profiles, v1::Report* report);

// Makes `report` that of a job that has not run, or without a verdict, because of `status`.
void FillFailure(const absl::Status& status, v1::Report* report);

struct RunRequest {
  std::string policy = "base/strict";  // profile name or file
  std::string plan;                    // a file of `compile` in place of a policy
  v1::JobSpec job;  // binds are absolute; a program that is a host file is found and bound
  const FileStore* store = nullptr;  // of artifacts; null: there is none
};

// Once in a process: the group in which it may make others, and what the host can do.
absl::StatusOr<v1::HostFacts> ReadyHost();
// A request's sandbox at its gate; `report` gets what is known of it then.
absl::StatusOr<ReadyJob> PrepareJob(const RunRequest& request, ProfileSource& profiles,
                                    const v1::HostFacts& facts, v1::Report* report);

// The one report of the run, of a failed set-up too; then `failure` is the whole error. `ready`: an
// error of what came before (stdio files); then nothing is run.
v1::Report ReportOfJob(const RunRequest& request, ProfileSource& profiles,
                       const absl::Status& ready, const Streams& streams, absl::Status* failure);

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_RUN_JOB_H_
