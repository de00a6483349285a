// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/check.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/hard_limits.h"
#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "sandbox/api/batch/job_request.h"
#include "sandbox/api/policy_source.h"

namespace cordon {
namespace {

// What runs under a policy of its own: the job, or each of its sandboxes.
std::vector<const v1::BatchJob*> PartsOf(const v1::BatchJob& job) {
  std::vector<const v1::BatchJob*> parts;
  for (const v1::BatchJob& one : job.sandbox()) parts.push_back(&one);
  if (parts.empty()) parts.push_back(&job);
  return parts;
}

// Memory that a part of a job may use under its policy; what is wrong with it there goes to
// `errors`, each error at the job's place.
uint64_t CheckPart(const BatchTask& task, const v1::BatchJob& part, const NormalPolicy& policy,
                   std::vector<v1::ErrorDetail>* errors) {
  const absl::StatusOr<JobPolicy> job = ApplyJob(policy, RequestOf(part).job);
  if (job.ok()) return ParseSizeOrUnlimited(job->policy.proto().limits().memory()).value_or(0);
  for (v1::ErrorDetail& detail : DetailsOf(job.status())) {
    detail.set_source(task.place);
    errors->push_back(std::move(detail));
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::vector<CheckedTask>> BatchCheck::Add(std::vector<BatchTask> tasks) {
  std::vector<v1::ErrorDetail> errors;
  std::vector<CheckedTask> checked;
  checked.reserve(tasks.size());
  for (BatchTask& task : tasks) {
    if (errors.size() >= kMaxErrors) break;
    checked.push_back({std::move(task), 0, ""});
    AddTask(&checked.back(), &errors);
  }
  if (!errors.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors);
  return checked;
}

void BatchCheck::AddTask(CheckedTask* checked, std::vector<v1::ErrorDetail>* errors) {
  // Lengths keep one job's bytes apart from the next one's.
  const std::string bytes = checked->task.job.SerializeAsString();
  std::string one = absl::StrCat(bytes.size(), ":", bytes);
  for (const v1::BatchJob* part : PartsOf(checked->task.job)) {
    const auto [found, fresh] = policies_.try_emplace(part->policy());
    Known& known = found->second;
    if (fresh) {
      absl::StatusOr<NormalPolicy> policy = LoadPolicy(part->policy());
      if (policy.ok()) {
        known.digest = Sha256Hex(policy->proto().SerializeAsString());
        known.ready.emplace(ReadyPolicy{*std::move(policy), absl::nullopt});
      } else {
        for (v1::ErrorDetail& each : DetailsOf(policy.status())) errors->push_back(std::move(each));
      }
    }
    absl::StrAppend(&one, known.digest);
    if (known.ready.has_value()) {
      checked->memory += CheckPart(checked->task, *part, known.ready->policy, errors);
    }
  }
  all_.Update(one);
  checked->digest = Sha256Hex(one);
}

const ReadyPolicy& BatchCheck::Ready(const std::string& policy, const v1::HostFacts& facts) {
  Known& known = policies_.at(policy);
  if (!known.planned) {
    known.planned = true;
    absl::StatusOr<CompiledPlan> plan = CompiledPlan::Make(known.ready->policy, facts);
    if (plan.ok()) known.ready->plan.emplace(*std::move(plan));
  }
  return *known.ready;
}

}  // namespace cordon
