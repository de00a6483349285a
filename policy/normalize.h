// SPDX-License-Identifier: Apache-2.0
// A valid policy with every default explicit and every value canonical. Idempotent.
#ifndef CORDON_POLICY_NORMALIZE_H_
#define CORDON_POLICY_NORMALIZE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/parse.h"
#include "policy/proto/job.pb.h"

namespace cordon {

// Holding one means that the policy is valid, has no `extends`, no unset default, and canonical
// paths, sizes and durations.
class NormalPolicy {
 public:
  // Validates (validate.h), then normalises. The only way to make one.
  static absl::StatusOr<NormalPolicy> Make(ParsedPolicy policy);

  const v1::Policy& proto() const { return parsed_.policy; }
  const std::string& name() const { return parsed_.name; }
  const SourceMap& places() const { return parsed_.places; }
  const ParsedPolicy& parsed() const { return parsed_; }

 private:
  explicit NormalPolicy(ParsedPolicy parsed) : parsed_(std::move(parsed)) {}
  ParsedPolicy parsed_;
};

struct JobPolicy {
  NormalPolicy policy;
  std::vector<std::string> widened;  // for the report: each extra bind in words
};

// The policy that one job runs under: its limits tightened to those of `job` (a limit above the
// policy's is INVALID_ARGUMENT naming both), its environment and working directory set, its extra
// binds added and listed.
absl::StatusOr<JobPolicy> ApplyJob(const NormalPolicy& policy, const v1::JobSpec& job);

}  // namespace cordon

#endif  // CORDON_POLICY_NORMALIZE_H_
