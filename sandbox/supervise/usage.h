// SPDX-License-Identifier: Apache-2.0
// What a job used, and of which of it that is only a lower bound or nothing is known: field by
// field, by the names of the report. The group's counters are exact; without a group the init's
// rusage of all that it reaped is a lower bound. Entry points: MemorySamples, CollectUsage.
#ifndef CORDON_SANDBOX_SUPERVISE_USAGE_H_
#define CORDON_SANDBOX_SUPERVISE_USAGE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/child/wire.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/supervise/verdict.h"

namespace cordon {

// getrusage(RUSAGE_CHILDREN) of the sandbox's init at its end. A killed init says nothing.
struct InitUsage {
  bool known = false;
  uint64_t user_ns = 0;
  uint64_t system_ns = 0;
  uint64_t max_rss_bytes = 0;  // of the largest single process
  uint64_t counts[child::kCountKinds][2] = {};

  // Takes what a frame of the init says; ignores other kinds of frames.
  void Add(const child::StatusFrame& frame);
};

// The largest of each kind of memory that was seen while the job lived.
class MemorySamples {
 public:
  // Looks once; `lease` may be null.
  void Take(CgroupLease* lease);
  void Add(const MemoryParts& parts);
  bool any() const { return any_; }
  const MemoryParts& largest() const { return largest_; }

 private:
  bool any_ = false;
  MemoryParts largest_;
};

// What the supervisor itself knows at the end.
void SetDuration(uint64_t ns, google::protobuf::Duration* out);

struct UsageInput {
  uint64_t own_pids = 1;                  // processes of the group that are Cordon's
  uint64_t cpu_baseline_ns = 0;           // of the group when the gate was opened
  std::optional<uint64_t> cpu_at_end_ns;  // since then, at the end of the job; not yet its clean-up
  uint64_t wall_ns = 0;
  uint64_t stdout_bytes = 0;
  uint64_t stderr_bytes = 0;
  std::optional<uint64_t> stolen_ns;  // from all processors, during the job
  InitUsage init;
  MemorySamples memory;
};

struct JobUsage {
  v1::Usage report;
  uint64_t cpu_ns = 0;
  // For the verdict; as in CgroupUsage.
  bool memory_peak_exact = false;
  uint64_t oom_kills = 0;
  uint64_t host_oom_kills = 0;
  std::string oom_source;
  uint64_t forks_denied = 0;
  uint64_t host_forks_denied = 0;
  std::string forks_source;
};

// `lease` may be null.
absl::StatusOr<JobUsage> CollectUsage(CgroupLease* lease, const UsageInput& input);

// What the verdict needs of it.
void ObserveGroup(const JobUsage& usage, const v1::CgroupPlan& plan, Observations* seen);

// The stolen time of the first line of /proc/stat; nothing when the kernel does not count it.
std::optional<uint64_t> ParseStolen(absl::string_view proc_stat);
std::optional<uint64_t> StolenNow();

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_USAGE_H_
