// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/usage.h"

#include <algorithm>

#include "policy/base/status.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

void SetDuration(uint64_t ns, google::protobuf::Duration* out) {
  out->set_seconds(static_cast<int64_t>(ns / 1'000'000'000));
  out->set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
}

}  // namespace

absl::StatusOr<JobUsage> CollectUsage(CgroupLease* lease, uint64_t cpu_baseline_ns,
                                      const InitUsage& init) {
  JobUsage usage;
  if (lease == nullptr) {
    usage.user_ns = init.user_ns;
    usage.system_ns = init.system_ns;
    usage.cpu_ns = init.user_ns + init.system_ns;
    usage.memory_peak_bytes = init.max_rss_bytes;
    usage.pids_peak = 1;
    usage.lower_bound = {"cpu_time", "user_time", "system_time", "memory_peak_bytes", "pids_peak"};
    return usage;
  }
  CORDON_ASSIGN_OR_RETURN(const CgroupUsage group, lease->Collect());
  usage.cpu_ns = group.cpu_ns - std::min(group.cpu_ns, cpu_baseline_ns);
  // The split is of the group's whole life; the set-up before the gate is system time, and the sum
  // must not exceed the total.
  usage.user_ns = std::min(group.user_ns, usage.cpu_ns);
  usage.system_ns = usage.cpu_ns - usage.user_ns;
  usage.memory_peak_bytes = group.memory_peak_bytes;
  usage.oom_kills = group.oom_kills;
  usage.oom_source = group.oom_source;
  usage.forks_denied = group.forks_denied;
  usage.forks_source = group.forks_source;
  if (group.pids_peak_known) {
    // The init is ours.
    usage.pids_peak = group.pids_peak - std::min<uint64_t>(group.pids_peak, 1);
  } else {
    usage.pids_peak = 1;
    usage.lower_bound.emplace_back("pids_peak");
  }
  return usage;
}

void FillUsage(const JobUsage& usage, uint64_t wall_ns, uint64_t output_bytes, v1::Usage* out) {
  SetDuration(usage.cpu_ns, out->mutable_cpu_time());
  SetDuration(usage.user_ns, out->mutable_user_time());
  SetDuration(usage.system_ns, out->mutable_system_time());
  SetDuration(wall_ns, out->mutable_wall_time());
  out->set_memory_peak_bytes(usage.memory_peak_bytes);
  out->set_pids_peak(static_cast<uint32_t>(usage.pids_peak));
  out->set_output_bytes(output_bytes);
  for (const std::string& field : usage.lower_bound) out->add_lower_bound(field);
  out->set_supervisor_peak_rss_bytes(OwnPeakRssBytes());
}

}  // namespace cordon
