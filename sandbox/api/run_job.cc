// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/run_job.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "google/protobuf/util/message_differencer.h"
#include "policy/allow_call.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "policy/ceiling.h"
#include "policy/compile.h"
#include "policy/denial/allow_access.h"
#include "policy/layers/layer.h"
#include "policy/normalize.h"
#include "policy/plan_file.h"
#include "sandbox/api/policy_source.h"
#include "sandbox/api/program_path.h"
#include "sandbox/files/copy_in.h"
#include "sandbox/files/copy_out.h"
#include "sandbox/host/probe.h"
#include "sandbox/host/scope.h"
#include "sandbox/os/file.h"
#include "sandbox/sandbox.h"

namespace cordon {
namespace {

absl::StatusOr<ReadyPolicy> SourceOf(const RunRequest& request, ProfileSource& profiles,
                                     const v1::HostFacts& facts) {
  if (request.plan.empty()) {
    CORDON_ASSIGN_OR_RETURN(NormalPolicy policy, LoadPolicy(request.policy, profiles));
    return ReadyPolicy{std::move(policy), absl::nullopt};
  }
  CORDON_ASSIGN_OR_RETURN(const std::string bytes, ReadRegularFile(request.plan, kMaxPlanBytes));
  CORDON_ASSIGN_OR_RETURN(const v1::PlanFile file,
                          DecodePlanFile(bytes, FormOfPlanFile(request.plan), request.plan));
  CORDON_ASSIGN_OR_RETURN(PlanFromFile made, CompilePlanFile(file, facts, request.plan));
  CORDON_RETURN_IF_ERROR(HoldCeilings(made.policy, profiles));
  return ReadyPolicy{std::move(made.policy), std::move(made.plan)};
}

// A plan of a file serves as it is when the job changes nothing, and its filter does in any case:
// a job has no say in system calls.
absl::StatusOr<CompiledPlan> PlanFor(const ReadyPolicy& source, const JobPolicy& job,
                                     const v1::HostFacts& facts) {
  if (!source.plan.has_value()) return CompiledPlan::Make(job.policy, facts);
  using google::protobuf::util::MessageDifferencer;
  if (MessageDifferencer::Equals(source.policy.proto(), job.policy.proto())) return *source.plan;
  return CompiledPlan::Make(job.policy, facts, source.plan->proto().seccomp().filter());
}

// The control group's own sections of a policy may be lower than its limits.
v1::Limits LimitsOf(const NormalPolicy& policy, const v1::Plan& plan) {
  v1::Limits limits = policy.proto().limits();
  limits.clear_enforcement();
  if (plan.cgroup().memory_max_bytes() > 0) {
    limits.set_memory(FormatSize(plan.cgroup().memory_max_bytes()));
  }
  if (plan.cgroup().pids_max() > 0) limits.set_processes(plan.cgroup().pids_max());
  return limits;
}

struct JobFiles {
  CopyInFiles in;
  CopyOutFiles out;
};

// Host paths are relative to the current directory, as that of the program is.
absl::StatusOr<JobFiles> FilesOf(v1::JobSpec job, const CompiledPlan& plan,
                                 const FileStore* store) {
  const std::string here = CurrentDirectory();
  for (v1::CopyIn& copy : *job.mutable_copy_in()) {
    if (copy.has_file()) copy.set_file(LexicalJoin(here, copy.file()));
  }
  for (v1::CopyOut& copy : *job.mutable_copy_out()) {
    if (!copy.to().empty()) copy.set_to(LexicalJoin(here, copy.to()));
  }
  JobFiles files;
  absl::StatusOr<CopyInFiles> in = CopyInFiles::Gather(job.copy_in(), plan.proto(), store);
  if (!in.ok()) return WithStage(in.status(), "prepare");
  files.in = *std::move(in);
  absl::StatusOr<CopyOutFiles> out = CopyOutFiles::Open(job.copy_out(), store);
  if (!out.ok()) return WithStage(out.status(), "prepare");
  files.out = *std::move(out);
  return files;
}

void FillCopiedIn(const CopyInFiles& files, v1::Report* report) {
  for (const CopyInFiles::File& file : files.files()) {
    v1::CopiedIn* row = report->add_copied_in();
    row->set_path(EscapeForPeople(file.target));
    row->set_bytes(file.bytes);
    row->set_sha256(file.sha256);
  }
}

absl::Status RunReady(const ReadyJob& ready, const Streams& streams, const Control& control,
                      v1::Report* report) {
  CORDON_ASSIGN_OR_RETURN(const v1::Report ran,
                          RunJob(*ready.sandbox, ready.launch, streams, control));
  report->MergeFrom(ran);
  return CollectFiles(*ready.sandbox, ready.copy_out, report);
}

// The same, and what the report says of it.
absl::StatusOr<ReadyPolicy> SourceFor(const RunRequest& request, ProfileSource& profiles,
                                      const v1::HostFacts& facts, v1::Report* report) {
  report->set_kernel_release(facts.kernel_release());
  CORDON_ASSIGN_OR_RETURN(ReadyPolicy source, SourceOf(request, profiles, facts));
  report->set_policy(request.plan.empty() ? request.policy : source.policy.name());
  return source;
}

absl::Status Run(const RunRequest& request, ProfileSource& profiles, const Streams& streams,
                 v1::Report* report) {
  CORDON_ASSIGN_OR_RETURN(const v1::HostFacts facts, ReadyHost());
  CORDON_ASSIGN_OR_RETURN(const ReadyPolicy source, SourceFor(request, profiles, facts, report));
  return RunUnder(source, profiles, facts, request.job, streams, {}, report, request.store);
}

}  // namespace

absl::Status CollectFiles(const Sandbox& sandbox, const CopyOutFiles& files, v1::Report* report) {
  if (files.empty()) return absl::OkStatus();
  const absl::StatusOr<const WritablePlaces*> places = sandbox.LeftBehind();
  if (!places.ok()) return WithStage(places.status(), "run");
  files.Collect(**places, report);
  return absl::OkStatus();
}

absl::StatusOr<v1::HostFacts> ReadyHost() {
  const absl::Status scope = EnterOwnScope();
  CORDON_ASSIGN_OR_RETURN(v1::HostFacts facts, ProbeHost());
  ExplainScope(scope, &facts);
  return facts;
}

absl::StatusOr<ReadyJob> PrepareJob(const RunRequest& request, ProfileSource& profiles,
                                    const v1::HostFacts& facts, v1::Report* report) {
  CORDON_ASSIGN_OR_RETURN(const ReadyPolicy source, SourceFor(request, profiles, facts, report));
  return PrepareUnder(source, facts, request.job, report, request.store);
}

v1::Report BeginReport(absl::string_view policy, const v1::HostFacts* facts) {
  v1::Report report;
  report.set_policy(std::string(policy));
  report.set_cordon_version(CORDON_VERSION);
  if (facts != nullptr) report.set_kernel_release(facts->kernel_release());
  return report;
}

// No part of the verdict: without it the report is whole all the same.
void AddAdvice(const NormalPolicy& policy, const v1::HostFacts& facts, const v1::Plan& plan,
               ProfileSource& profiles, v1::Report* report) {
  AccessAdvice advice(policy, facts, plan, profiles);
  for (v1::Denial& denial : *report->mutable_denial()) advice.AddTo(&denial);
  if (report->has_violation()) {
    AddAllowance(policy, profiles, report->mutable_violation()).IgnoreError();
  }
}

absl::Status RunUnder(const ReadyPolicy& source, ProfileSource& profiles,
                      const v1::HostFacts& facts, v1::JobSpec job, const Streams& streams,
                      const Control& control, v1::Report* report, const FileStore* store) {
  absl::StatusOr<ReadyJob> ready = PrepareUnder(source, facts, std::move(job), report, store);
  CORDON_RETURN_IF_ERROR(ready.status());
  const absl::Status ran = RunReady(*ready, streams, control, report);
  AddAdvice(source.policy, facts, ready->sandbox->plan(), profiles, report);
  return ran;
}

absl::StatusOr<ReadyJob> PrepareUnder(const ReadyPolicy& source, const v1::HostFacts& facts,
                                      v1::JobSpec job, v1::Report* report, const FileStore* store) {
  if (job.argv_size() == 0) {
    return Error(absl::StatusCode::kInvalidArgument, "a job needs a program").Field("argv");
  }
  std::string exec_path;
  CORDON_RETURN_IF_ERROR(PlaceProgram(source.policy.proto(), &job, &exec_path));
  CORDON_ASSIGN_OR_RETURN(const JobPolicy job_policy, ApplyJob(source.policy, job));
  for (const std::string& each : job_policy.widened) report->add_widened(each);
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, PlanFor(source, job_policy, facts));
  *report->mutable_limits() = LimitsOf(job_policy.policy, plan.proto());
  CORDON_ASSIGN_OR_RETURN(v1::LaunchPlan launch, CompileLaunch(job, plan));
  if (!exec_path.empty()) {
    launch.clear_exec_path();
    launch.add_exec_path(exec_path);
  }
  CORDON_ASSIGN_OR_RETURN(JobFiles files, FilesOf(job, plan, store));
  absl::StatusOr<std::unique_ptr<Sandbox>> sandbox =
      Sandbox::Prepare(plan, facts, {&files.in, !files.out.empty()});
  // The sandbox knows fields; where they were written is known here.
  if (!sandbox.ok()) return WithPlaces(job_policy.policy, sandbox.status());
  FillCopiedIn(files.in, report);
  return ReadyJob{*std::move(sandbox), std::move(launch), std::move(files.out), source.policy};
}

void FillFailure(const absl::Status& status, v1::Report* report) {
  report->set_verdict(v1::SETUP_FAILED);
  const std::vector<v1::ErrorDetail> details = DetailsOf(status);
  // Stage "run" is after the job's start: it ran, but no verdict could be reached.
  report->set_setup_only(details[0].stage() != "run");
  *report->mutable_error() = details[0];
  for (size_t i = 1; i < details.size(); ++i) *report->add_more_errors() = details[i];
}

v1::Report ReportOfJob(const RunRequest& request, ProfileSource& profiles,
                       const absl::Status& ready, const Streams& streams, absl::Status* failure) {
  v1::Report report = BeginReport(request.policy);
  *failure = ready.ok() ? Run(request, profiles, streams, &report) : ready;
  if (!failure->ok()) FillFailure(*failure, &report);
  return report;
}

}  // namespace cordon
