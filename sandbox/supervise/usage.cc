// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/usage.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {

void SetDuration(uint64_t ns, google::protobuf::Duration* out) {
  out->set_seconds(static_cast<int64_t>(ns / 1'000'000'000));
  out->set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
}
namespace {

// The unit of /proc/stat, the same for every Linux (USER_HZ).
constexpr uint64_t kTickNs = 10'000'000;
constexpr size_t kStolenField = 8;  // "cpu user nice system idle iowait irq softirq steal"
constexpr uint64_t kBlock = 512;

void AtLeast(v1::Usage* out, const char* field) { out->add_lower_bound(field); }
void Unknown(v1::Usage* out, const char* field) { out->add_unknown(field); }

uint64_t CountOf(const InitUsage& init, child::CountKind kind, int index) {
  return init.counts[static_cast<uint32_t>(kind)][index];
}

// Processes that nobody waits for (SIGCHLD ignored) are in no rusage.
void FromInit(const InitUsage& init, v1::Usage* out) {
  static constexpr const char* kFields[] = {"voluntary_switches", "involuntary_switches",
                                            "minor_faults", "major_faults"};
  out->set_voluntary_switches(CountOf(init, child::CountKind::kSwitches, 0));
  out->set_involuntary_switches(CountOf(init, child::CountKind::kSwitches, 1));
  out->set_minor_faults(CountOf(init, child::CountKind::kFaults, 0));
  out->set_major_faults(CountOf(init, child::CountKind::kFaults, 1));
  for (const char* field : kFields) init.known ? AtLeast(out, field) : Unknown(out, field);
}

void FillIo(const std::optional<IoCounts>& io, const InitUsage& init, v1::Usage* out) {
  if (io.has_value()) {
    out->set_io_read_bytes(io->read_bytes);
    out->set_io_write_bytes(io->write_bytes);
    out->set_io_read_operations(io->read_operations);
    out->set_io_write_operations(io->write_operations);
    return;
  }
  out->set_io_read_bytes(CountOf(init, child::CountKind::kBlocks, 0) * kBlock);
  out->set_io_write_bytes(CountOf(init, child::CountKind::kBlocks, 1) * kBlock);
  for (const char* field : {"io_read_bytes", "io_write_bytes"}) {
    init.known ? AtLeast(out, field) : Unknown(out, field);
  }
  Unknown(out, "io_read_operations");
  Unknown(out, "io_write_operations");
}

// `last` is what is left when the tree is gone, which has no processes any more. Kernel: cgroup v1
// may count some pages for them all the same until its processors' counts are added up.
void FillMemoryParts(const MemorySamples& samples, const std::optional<MemoryParts>& last,
                     const std::optional<uint64_t>& kernel_peak, v1::Usage* out) {
  MemorySamples all = samples;
  if (last.has_value()) all.Add(*last);
  out->set_memory_anon_bytes(samples.largest().anon);
  out->set_memory_file_bytes(all.largest().file);
  out->set_memory_shmem_bytes(all.largest().shmem);
  out->set_memory_kernel_bytes(std::max(all.largest().kernel, kernel_peak.value_or(0)));
  samples.any() ? AtLeast(out, "memory_anon_bytes") : Unknown(out, "memory_anon_bytes");
  for (const char* field : {"memory_file_bytes", "memory_shmem_bytes"}) {
    all.any() ? AtLeast(out, field) : Unknown(out, field);
  }
  if (kernel_peak.has_value()) return;
  all.any() ? AtLeast(out, "memory_kernel_bytes") : Unknown(out, "memory_kernel_bytes");
}

void FillPressure(const CgroupUsage& group, v1::Usage* out) {
  if (group.cpu_pressure.has_value()) {
    SetDuration(group.cpu_pressure->some_ns, out->mutable_cpu_pressure());
    SetDuration(group.cpu_pressure->full_ns, out->mutable_cpu_pressure_full());
  } else {
    Unknown(out, "cpu_pressure");
    Unknown(out, "cpu_pressure_full");
  }
  if (group.memory_pressure.has_value()) {
    SetDuration(group.memory_pressure->some_ns, out->mutable_memory_pressure());
  } else {
    Unknown(out, "memory_pressure");
  }
  if (group.io_pressure.has_value()) {
    SetDuration(group.io_pressure->some_ns, out->mutable_io_pressure());
  } else {
    Unknown(out, "io_pressure");
  }
}

void FillThrottlingAndSwap(const CgroupUsage& group, v1::Usage* out) {
  if (group.throttled.has_value()) {
    SetDuration(group.throttled->ns, out->mutable_throttled_time());
    out->set_throttled_periods(group.throttled->periods);
  } else {
    Unknown(out, "throttled_time");
    Unknown(out, "throttled_periods");
  }
  out->set_swap_peak_bytes(group.swap_peak.value_or(0));
  if (!group.swap_peak.has_value()) {
    Unknown(out, "swap_peak_bytes");
  } else if (!group.swap_peak_exact) {
    AtLeast(out, "swap_peak_bytes");
  }
}

void WithoutGroup(const UsageInput& input, JobUsage* usage) {
  v1::Usage* out = &usage->report;
  const InitUsage& init = input.init;
  usage->cpu_ns = init.user_ns + init.system_ns;
  SetDuration(usage->cpu_ns, out->mutable_cpu_time());
  SetDuration(init.user_ns, out->mutable_user_time());
  SetDuration(init.system_ns, out->mutable_system_time());
  out->set_memory_peak_bytes(init.max_rss_bytes);
  out->set_pids_peak(1);
  for (const char* field :
       {"cpu_time", "user_time", "system_time", "memory_peak_bytes", "pids_peak"}) {
    AtLeast(out, field);
  }
  Unknown(out, "cleanup_cpu_time");
  FillMemoryParts(input.memory, std::nullopt, std::nullopt, out);
  FillThrottlingAndSwap({}, out);
  FillPressure({}, out);
  FillIo(std::nullopt, init, out);
}

void WithGroup(const CgroupUsage& group, const UsageInput& input, JobUsage* usage) {
  v1::Usage* out = &usage->report;
  const uint64_t total = group.cpu_ns - std::min(group.cpu_ns, input.cpu_baseline_ns);
  usage->cpu_ns = std::min(total, input.cpu_at_end_ns.value_or(total));
  // The split is of the group's whole life; the set-up before the gate and the clean-up are system
  // time, and the sum must not exceed the total.
  const uint64_t user = std::min(group.user_ns, usage->cpu_ns);
  SetDuration(usage->cpu_ns, out->mutable_cpu_time());
  SetDuration(user, out->mutable_user_time());
  SetDuration(usage->cpu_ns - user, out->mutable_system_time());
  SetDuration(total - usage->cpu_ns, out->mutable_cleanup_cpu_time());
  out->set_memory_peak_bytes(group.memory_peak_bytes);
  if (!group.memory_peak_exact) AtLeast(out, "memory_peak_bytes");
  // The init is ours.
  out->set_pids_peak(
      group.pids_peak_known
          ? static_cast<uint32_t>(group.pids_peak - std::min(group.pids_peak, input.own_pids))
          : 1);
  if (!group.pids_peak_known) AtLeast(out, "pids_peak");
  usage->memory_peak_exact = group.memory_peak_exact;
  usage->oom_kills = group.oom_kills;
  usage->host_oom_kills = group.host_oom_kills;
  usage->oom_source = group.oom_source;
  usage->forks_denied = group.forks_denied;
  usage->host_forks_denied = group.host_forks_denied;
  usage->forks_source = group.forks_source;
  FillMemoryParts(input.memory, group.memory, group.kernel_peak, out);
  FillThrottlingAndSwap(group, out);
  FillPressure(group, out);
  FillIo(group.io, input.init, out);
}

}  // namespace

void InitUsage::Add(const child::StatusFrame& frame) {
  const uint64_t first = frame.aux64 >> 32;
  const uint64_t second = frame.aux64 & 0xffffffffu;
  if (frame.kind == child::FrameKind::kUsageCount && frame.aux < child::kCountKinds) {
    counts[frame.aux][0] = first;
    counts[frame.aux][1] = second;
  }
  if (frame.kind != child::FrameKind::kUsage) return;
  known = true;
  user_ns = first * 1000;
  system_ns = second * 1000;
  max_rss_bytes = uint64_t{frame.aux} * 1024;
}

void MemorySamples::Take(CgroupLease* lease) {
  if (lease == nullptr) return;
  const std::optional<MemoryParts> now = lease->Memory();
  if (now.has_value()) Add(*now);
}

void MemorySamples::Add(const MemoryParts& parts) {
  any_ = true;
  largest_.anon = std::max(largest_.anon, parts.anon);
  largest_.file = std::max(largest_.file, parts.file);
  largest_.shmem = std::max(largest_.shmem, parts.shmem);
  largest_.kernel = std::max(largest_.kernel, parts.kernel);
}

absl::StatusOr<JobUsage> CollectUsage(CgroupLease* lease, const UsageInput& input) {
  JobUsage usage;
  v1::Usage* out = &usage.report;
  if (lease == nullptr) {
    WithoutGroup(input, &usage);
  } else {
    CORDON_ASSIGN_OR_RETURN(const CgroupUsage group, lease->Collect());
    WithGroup(group, input, &usage);
  }
  FromInit(input.init, out);
  SetDuration(input.wall_ns, out->mutable_wall_time());
  out->set_output_bytes(input.stdout_bytes + input.stderr_bytes);
  out->set_stdout_bytes(input.stdout_bytes);
  out->set_stderr_bytes(input.stderr_bytes);
  if (input.stolen_ns.has_value()) {
    SetDuration(*input.stolen_ns, out->mutable_stolen_time());
  } else {
    Unknown(out, "stolen_time");
  }
  out->set_supervisor_peak_rss_bytes(OwnPeakRssBytes());
  return usage;
}

void ObserveGroup(const JobUsage& usage, const v1::CgroupPlan& plan, Observations* seen) {
  seen->memory_known = usage.memory_peak_exact;
  seen->memory_peak = usage.report.memory_peak_bytes();
  seen->memory_limit = plan.memory_max_bytes();
  seen->oom_kills = usage.oom_kills;
  seen->host_oom_kills = usage.host_oom_kills;
  seen->oom_source = usage.oom_source;
  seen->forks_denied = usage.forks_denied;
  seen->host_forks_denied = usage.host_forks_denied;
  seen->process_limit = plan.pids_max();
  seen->forks_source = usage.forks_source;
}

std::optional<uint64_t> ParseStolen(absl::string_view proc_stat) {
  const absl::string_view line = proc_stat.substr(0, proc_stat.find('\n'));
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  uint64_t ticks = 0;
  if (words.size() <= kStolenField || words[0] != "cpu" ||
      !absl::SimpleAtoi(words[kStolenField], &ticks)) {
    return std::nullopt;
  }
  return ticks * kTickNs;
}

std::optional<uint64_t> StolenNow() {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, "/proc/stat");
  return text.ok() ? ParseStolen(*text) : std::nullopt;
}

}  // namespace cordon
