// SPDX-License-Identifier: Apache-2.0
// What a job used. The group's counters are exact; without a group the init's rusage of all that it
// reaped is a lower bound, and the report says so field by field.
#ifndef CORDON_SANDBOX_SUPERVISE_USAGE_H_
#define CORDON_SANDBOX_SUPERVISE_USAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/proto/report.pb.h"
#include "sandbox/layers/cgroup.h"

namespace cordon {

// getrusage(RUSAGE_CHILDREN) of the sandbox's init at its end.
struct InitUsage {
  bool known = false;
  uint64_t user_ns = 0;
  uint64_t system_ns = 0;
  uint64_t max_rss_bytes = 0;  // of the largest single process
};

struct JobUsage {
  uint64_t cpu_ns = 0;
  uint64_t user_ns = 0;
  uint64_t system_ns = 0;
  uint64_t memory_peak_bytes = 0;
  uint64_t pids_peak = 0;
  uint64_t oom_kills = 0;
  std::string oom_source;
  uint64_t forks_denied = 0;
  std::string forks_source;
  std::vector<std::string> lower_bound;
};

// `lease` may be null. `cpu_baseline_ns` is what the group had used when the gate was opened.
absl::StatusOr<JobUsage> CollectUsage(CgroupLease* lease, uint64_t cpu_baseline_ns,
                                      const InitUsage& init);

void FillUsage(const JobUsage& usage, uint64_t wall_ns, uint64_t output_bytes, v1::Usage* out);

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_USAGE_H_
