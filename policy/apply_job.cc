// SPDX-License-Identifier: Apache-2.0
// ApplyJob of normalize.h: one job's wishes laid on a policy. Limits may only fall; what widens
// the sandbox (extra binds) is said aloud in the result. The combined policy is validated as a
// whole again, so that a job reaches nothing that a policy could not write.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/cpu_list.h"
#include "policy/base/field_path.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/job_files.h"
#include "policy/job_watch.h"
#include "policy/message_check.h"
#include "policy/normalize.h"
#include "policy/strictness.h"
#include "policy/validate_environment.h"
#include "policy/validate_mounts.h"
#include "policy/violations.h"

namespace cordon {
namespace {

constexpr absl::string_view kJob = "job";  // stands where a policy has its file name

// Everything about the job that can be judged without the policy.
absl::Status CheckJob(const v1::JobSpec& job) {
  const SourceMap places(kJob);
  std::vector<v1::ErrorDetail> malformed;
  CheckMessage(job, places, &malformed);
  if (!malformed.empty()) {
    return ErrorFromDetails(absl::StatusCode::kInvalidArgument, malformed);
  }
  Violations violations(places);
  CheckEnvironment(job.environment(), "environment", &violations);
  for (int i = 0; i < job.extra_bind_size(); ++i) {
    const std::string path = IndexedField("extra_bind", static_cast<size_t>(i));
    CheckBind(job.extra_bind(i), path, &violations);
    const std::string& target = job.extra_bind(i).target().empty() ? job.extra_bind(i).source()
                                                                   : job.extra_bind(i).target();
    violations.AddIfError(ChildField(path, "target"), CanonicalAbsolutePath(target).status());
  }
  CheckCopyIns(job.copy_in(), "copy_in", &violations);
  CheckCopyOuts(job.copy_out(), "copy_out", &violations);
  if (!job.cpuset_cpus().empty()) {
    violations.AddIfError("cpuset_cpus", CanonicalCpuList(job.cpuset_cpus()).status());
  }
  if (job.program_source().empty() != job.program_target().empty()) {
    violations.Add("program_source", "needs program_target, and the other way round");
  }
  CheckWatch(job, "", &violations);
  return violations.ToStatus();
}

absl::Status TightenCpus(const v1::JobSpec& job, const std::string& policy, v1::Cgroup* cgroup) {
  if (job.cpuset_cpus().empty()) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(const std::string cpus, CanonicalCpuList(job.cpuset_cpus()));
  std::string why;
  if (cgroup->enforcement() == v1::OFF) {
    why = absl::StrCat("the policy \"", policy,
                       "\" makes no cgroup: nothing would hold the job there");
  } else if (!CpusWithin(cpus, cgroup->cpuset_cpus())) {
    why = absl::StrCat("the job asks for ", cpus, ", the policy \"", policy, "\" allows ",
                       cgroup->cpuset_cpus());
  }
  if (!why.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, why).Source(kJob).Field("cpuset_cpus");
  }
  cgroup->set_cpuset_cpus(cpus);
  return absl::OkStatus();
}

void ReplaceVariables(const v1::JobSpec& job, v1::Policy* policy) {
  for (const v1::Variable& wanted : job.environment()) {
    v1::Variable* entry = nullptr;
    for (v1::Variable& variable : *policy->mutable_environment()) {
      if (variable.name() == wanted.name()) entry = &variable;
    }
    if (entry == nullptr) entry = policy->add_environment();
    *entry = wanted;
  }
}

std::string Describe(const v1::Bind& bind) {
  const std::string& target = bind.target().empty() ? bind.source() : bind.target();
  const bool read_only = !bind.has_read_only() || bind.read_only();
  return absl::StrCat("bind ", EscapeForPeople(bind.source()), " -> ", EscapeForPeople(target),
                      read_only ? " (read-only)" : " (read-write)");
}

void AddBind(const v1::Bind& bind, ParsedPolicy* parsed) {
  v1::Mounts* mounts = parsed->policy.mutable_mounts();
  const std::string path = IndexedField("mounts.bind", static_cast<size_t>(mounts->bind_size()));
  parsed->places.SetFrom(path, SourceMap(kJob), path);
  *mounts->add_bind() = bind;
}

}  // namespace

absl::StatusOr<JobPolicy> ApplyJob(const NormalPolicy& policy, const v1::JobSpec& job) {
  CORDON_RETURN_IF_ERROR(CheckJob(job));
  ParsedPolicy parsed = policy.parsed();
  CORDON_RETURN_IF_ERROR(
      TightenLimits(job.limits(), policy.name(), parsed.policy.mutable_limits()));
  CORDON_RETURN_IF_ERROR(TightenCpus(job, policy.name(), parsed.policy.mutable_cgroup()));
  ReplaceVariables(job, &parsed.policy);
  if (!job.working_directory().empty()) {
    parsed.policy.set_working_directory(job.working_directory());
    parsed.places.SetFrom("working_directory", SourceMap(kJob), "");
  }
  std::vector<std::string> widened;
  for (const v1::Bind& bind : job.extra_bind()) {
    AddBind(bind, &parsed);
    widened.push_back(Describe(bind));
  }
  if (!job.program_source().empty()) {
    v1::Bind program;
    program.set_source(job.program_source());
    program.set_target(job.program_target());
    program.set_read_only(true);
    program.set_executable(true);
    AddBind(program, &parsed);
  }
  CORDON_ASSIGN_OR_RETURN(NormalPolicy normal, NormalPolicy::Make(std::move(parsed)));
  const SourceMap places(kJob);
  Violations violations(places);
  CheckCopyPlaces(job, normal.proto(), &violations);
  CORDON_RETURN_IF_ERROR(violations.ToStatus());
  return JobPolicy{std::move(normal), std::move(widened)};
}

}  // namespace cordon
