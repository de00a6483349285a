// SPDX-License-Identifier: Apache-2.0
// The jobs of a batch beside their policies, before they start.
#ifndef CORDON_SANDBOX_API_BATCH_CHECK_H_
#define CORDON_SANDBOX_API_BATCH_CHECK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "policy/base/sha256.h"
#include "policy/batch/jobs.h"
#include "policy/proto/host_facts.pb.h"
#include "sandbox/api/run_job.h"

namespace cordon {

struct CheckedTask {
  BatchTask task;
  uint64_t memory = 0;  // what it may use, in bytes
  std::string digest;   // of the job and the normal forms of its policies
};

class BatchCheck {
 public:
  // Each policy is read once, when the first job names it, and each job compared with it. All
  // errors found; those of a policy are told once.
  absl::StatusOr<std::vector<CheckedTask>> Add(std::vector<BatchTask> tasks);

  // Of all jobs so far.
  std::string digest() const { return all_.Hex(); }

  // The policy of a job that has passed, with its plan. Of one that this host cannot hold there is
  // none, and each job says so itself.
  const ReadyPolicy& Ready(const std::string& policy, const v1::HostFacts& facts);

 private:
  struct Known {
    absl::optional<ReadyPolicy> ready;  // absent: it has errors, which have been told
    std::string digest;
    bool planned = false;
  };
  void AddTask(CheckedTask* task, std::vector<v1::ErrorDetail>* errors);

  std::map<std::string, Known> policies_;  // by the names that the jobs use
  Sha256 all_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_BATCH_CHECK_H_
