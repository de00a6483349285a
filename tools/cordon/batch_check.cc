// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/batch_check.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/hard_limits.h"
#include "policy/base/sha256.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "sandbox/api/policy_source.h"
#include "tools/cordon/job_request.h"

namespace cordon::cli {
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
uint64_t CheckPart(const BatchTask& task, const v1::BatchJob& part,
                   const absl::StatusOr<NormalPolicy>& policy,
                   std::vector<v1::ErrorDetail>* errors) {
  absl::Status status = policy.status();
  if (policy.ok()) {
    const absl::StatusOr<JobPolicy> job = ApplyJob(*policy, RequestOf(part).job);
    if (job.ok()) return ParseSizeOrUnlimited(job->policy.proto().limits().memory()).value_or(0);
    status = job.status();
  }
  for (v1::ErrorDetail& detail : DetailsOf(status)) {
    if (policy.ok()) detail.set_source(task.place);  // else the error is of the policy's own
    errors->push_back(std::move(detail));
  }
  return 0;
}

}  // namespace

absl::StatusOr<CheckedBatch> CheckBatch(const std::vector<BatchTask>& tasks) {
  struct Known {
    absl::StatusOr<NormalPolicy> policy;
    std::string digest;
  };
  std::map<std::string, Known> policies;
  std::vector<v1::ErrorDetail> errors;
  CheckedBatch checked;
  std::string all;
  for (const BatchTask& task : tasks) {
    if (errors.size() >= kMaxErrors) break;
    // Lengths keep one job's bytes apart from the next one's.
    const std::string bytes = task.job.SerializeAsString();
    absl::StrAppend(&all, bytes.size(), ":", bytes);
    checked.memory.push_back(0);
    for (const v1::BatchJob* part : PartsOf(task.job)) {
      auto found = policies.find(part->policy());
      const bool fresh = found == policies.end();
      if (fresh) {
        absl::StatusOr<NormalPolicy> policy = LoadPolicy(part->policy());
        const std::string digest =
            policy.ok() ? Sha256Hex(policy->proto().SerializeAsString()) : "";
        found = policies.emplace(part->policy(), Known{std::move(policy), digest}).first;
      }
      const Known& known = found->second;
      absl::StrAppend(&all, known.digest);
      // Errors of a policy are told once.
      if (!fresh && !known.policy.ok()) continue;
      checked.memory.back() += CheckPart(task, *part, known.policy, &errors);
    }
  }
  if (!errors.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors);
  checked.digest = Sha256Hex(all);
  for (auto& [name, known] : policies) {
    checked.policies.emplace(name, ReadyPolicy{*std::move(known.policy), absl::nullopt});
  }
  return checked;
}

}  // namespace cordon::cli
