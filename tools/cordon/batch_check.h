// SPDX-License-Identifier: Apache-2.0
// The jobs of a batch beside their policies, before the first one starts. Entry point: CheckBatch.
#ifndef CORDON_TOOLS_CORDON_BATCH_CHECK_H_
#define CORDON_TOOLS_CORDON_BATCH_CHECK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/batch/jobs.h"
#include "sandbox/api/run_job.h"

namespace cordon::cli {

struct CheckedBatch {
  std::string digest;            // of the jobs and the normal forms of their policies
  std::vector<uint64_t> memory;  // what each job may use, in bytes
  std::map<std::string, ReadyPolicy> policies;  // by the names that the jobs use; without plans
};

// Each policy is read once, and each job compared with it. All errors found.
absl::StatusOr<CheckedBatch> CheckBatch(const std::vector<BatchTask>& tasks);

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_BATCH_CHECK_H_
