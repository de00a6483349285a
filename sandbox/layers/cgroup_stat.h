// SPDX-License-Identifier: Apache-2.0
// What the files of a control group say about use, as values: pure parsers, one look at a group's
// threads, and what a group has counted in all. Internal to sandbox/layers.
#ifndef CORDON_SANDBOX_LAYERS_CGROUP_STAT_H_
#define CORDON_SANDBOX_LAYERS_CGROUP_STAT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/layers/cgroup_group.h"

namespace cordon {

// memory.stat of v2; nothing when it does not name the kinds.
std::optional<MemoryParts> ParseMemoryStatV2(absl::string_view text);
// memory.stat of v1, which does not count the kernel's part: that is `kernel`.
std::optional<MemoryParts> ParseMemoryStatV1(absl::string_view text, uint64_t kernel);

// io.stat: the sum over all devices. An empty file is no I/O.
std::optional<IoCounts> ParseIoStat(absl::string_view text);
// blkio.throttle.io_service_bytes and blkio.throttle.io_serviced.
std::optional<IoCounts> ParseBlkio(absl::string_view bytes, absl::string_view operations);

// cpu.stat: microseconds on v2, nanoseconds on v1; nothing without a cpu controller.
std::optional<Throttling> ParseThrottling(absl::string_view cpu_stat);

// cpu.pressure, memory.pressure, io.pressure. Before Linux 5.13 cpu.pressure has no "full": 0.
std::optional<Pressure> ParsePressure(absl::string_view text);

// The three pressure files of a v2 group.
void ReadPressure(const Group& group, CgroupUsage* usage);

// Peak and refusals of a group with a pids controller, v1 or v2. Kernel: before 6.11 a refusal is
// counted in the group that forked, whichever limit above it refused; the peak tells them apart,
// since 6.1. Before that all of them count as the group's own.
absl::Status ReadPids(const Group& group, CgroupUsage* usage);

// Kernel: `oom` of memory.events is counted in the group whose limit was reached, `oom_kill` in the
// one that lost a process, whoever was out of memory.
void CountOomKillsV2(absl::string_view memory_events, CgroupUsage* usage);

// What a v2 group has counted. `sampled_peak` is the most memory that was seen in it: the peak for
// kernels that do not keep it (before 5.19).
absl::StatusOr<CgroupUsage> ReadUsageV2(const Group& group, uint64_t sampled_peak);

// CgroupLease::SettleCpu of the threads that `file` of the group lists, which `pids` counts.
void SettleCpuOf(const Group& pids, const Group& group, const std::string& file);

// Whether some thread that `file` of the group lists (cgroup.threads, tasks) is in that state.
bool AnyThreadInState(const Group& group, const std::string& file, char state);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_CGROUP_STAT_H_
