// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/cgroup_stat.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"

namespace cordon {
namespace {

using Stat = std::map<std::string, uint64_t>;

uint64_t Of(const Stat& stat, const char* key) {
  const auto it = stat.find(key);
  return it == stat.end() ? 0 : it->second;
}

// The number behind "key=", 0 when it is not there.
uint64_t Keyed(const std::vector<absl::string_view>& words, absl::string_view key) {
  for (const absl::string_view word : words) {
    const std::pair<absl::string_view, absl::string_view> sides =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    uint64_t value = 0;
    if (sides.first == key && absl::SimpleAtoi(sides.second, &value)) return value;
  }
  return 0;
}

// One of the two files of blkio: "8:0 Read 4096" lines, and a total. False when there is none.
bool AddBlkio(absl::string_view text, uint64_t* read, uint64_t* write) {
  bool found = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t value = 0;
    if (words.empty() || !absl::SimpleAtoi(words.back(), &value)) continue;
    found = true;
    if (words.size() != 3) continue;  // "Total 8192"
    if (words[1] == "Read") *read += value;
    if (words[1] == "Write") *write += value;
  }
  return found;
}

}  // namespace

std::optional<MemoryParts> ParseMemoryStatV2(absl::string_view text) {
  const Stat stat = ParseFlatKeyed(text);
  if (stat.count("anon") == 0) return std::nullopt;
  MemoryParts parts;
  parts.anon = Of(stat, "anon");
  parts.shmem = Of(stat, "shmem");
  parts.file = Of(stat, "file") - std::min(Of(stat, "file"), parts.shmem);
  // "kernel" is the sum, since 5.18.
  parts.kernel = stat.count("kernel") != 0
                     ? Of(stat, "kernel") + Of(stat, "sock")
                     : Of(stat, "kernel_stack") + Of(stat, "pagetables") + Of(stat, "percpu") +
                           Of(stat, "slab") + Of(stat, "sock");
  return parts;
}

std::optional<MemoryParts> ParseMemoryStatV1(absl::string_view text, uint64_t kernel) {
  const Stat stat = ParseFlatKeyed(text);
  if (stat.count("rss") == 0) return std::nullopt;
  MemoryParts parts;
  parts.anon = Of(stat, "rss");
  parts.shmem = Of(stat, "shmem");
  parts.file = Of(stat, "cache") - std::min(Of(stat, "cache"), parts.shmem);
  parts.kernel = kernel;
  return parts;
}

std::optional<IoCounts> ParseIoStat(absl::string_view text) {
  IoCounts counts;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    counts.read_bytes += Keyed(words, "rbytes");
    counts.write_bytes += Keyed(words, "wbytes");
    counts.read_operations += Keyed(words, "rios");
    counts.write_operations += Keyed(words, "wios");
  }
  return counts;
}

std::optional<IoCounts> ParseBlkio(absl::string_view bytes, absl::string_view operations) {
  IoCounts counts;
  const bool has_bytes = AddBlkio(bytes, &counts.read_bytes, &counts.write_bytes);
  const bool has_operations =
      AddBlkio(operations, &counts.read_operations, &counts.write_operations);
  if (!has_bytes || !has_operations) return std::nullopt;
  return counts;
}

std::optional<Throttling> ParseThrottling(absl::string_view cpu_stat) {
  const Stat stat = ParseFlatKeyed(cpu_stat);
  if (stat.count("nr_throttled") == 0) return std::nullopt;
  Throttling throttling;
  throttling.periods = Of(stat, "nr_throttled");
  throttling.ns = stat.count("throttled_usec") != 0 ? Of(stat, "throttled_usec") * 1000
                                                    : Of(stat, "throttled_time");
  return throttling;
}

std::optional<Pressure> ParsePressure(absl::string_view text) {
  std::optional<Pressure> pressure;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.empty()) continue;
    const uint64_t ns = Keyed(words, "total") * 1000;
    if (words[0] == "some") {
      pressure = pressure.value_or(Pressure());
      pressure->some_ns = ns;
    } else if (words[0] == "full") {
      pressure = pressure.value_or(Pressure());
      pressure->full_ns = ns;
    }
  }
  return pressure;
}

void ReadPressure(const Group& group, CgroupUsage* usage) {
  const auto pressure_of = [&](const char* file) {
    const absl::StatusOr<std::string> text = group.Read(file);
    return text.ok() ? ParsePressure(*text) : std::nullopt;
  };
  usage->cpu_pressure = pressure_of("cpu.pressure");
  usage->memory_pressure = pressure_of("memory.pressure");
  usage->io_pressure = pressure_of("io.pressure");
}

absl::Status ReadPids(const Group& group, CgroupUsage* usage) {
  CORDON_ASSIGN_OR_RETURN(const std::string events, group.Read("pids.events"));
  const uint64_t denied = Of(ParseFlatKeyed(events), "max");
  usage->forks_source = "pids.events";
  const absl::StatusOr<uint64_t> peak = group.ReadNumber("pids.peak");  // since 6.1
  const absl::StatusOr<uint64_t> limit = group.ReadNumber("pids.max");
  usage->pids_peak_known = peak.ok();
  if (peak.ok()) usage->pids_peak = *peak;
  // Who is refused by a limit stands at it. Kernel: the peak is written without a lock
  // (pids_update_watermark() in kernel/cgroup/pids.c), and of two forks at a time the smaller
  // number may be the one that stays; close to the limit a refusal counts as the limit's.
  const bool below = peak.ok() && limit.ok() && *peak + OnlineCpus() < *limit;
  (below ? usage->host_forks_denied : usage->forks_denied) = denied;
  return absl::OkStatus();
}

void CountOomKillsV2(absl::string_view memory_events, CgroupUsage* usage) {
  const Stat events = ParseFlatKeyed(memory_events);
  (Of(events, "oom") > 0 ? usage->oom_kills : usage->host_oom_kills) = Of(events, "oom_kill");
  usage->oom_source = "memory.events";
}

absl::StatusOr<CgroupUsage> ReadUsageV2(const Group& group, uint64_t sampled_peak) {
  CgroupUsage usage;
  CORDON_ASSIGN_OR_RETURN(const std::string cpu, group.Read("cpu.stat"));
  const Stat times = ParseFlatKeyed(cpu);
  usage.cpu_ns = Of(times, "usage_usec") * 1000;
  usage.user_ns = Of(times, "user_usec") * 1000;
  usage.system_ns = Of(times, "system_usec") * 1000;
  usage.throttled = ParseThrottling(cpu);
  usage.memory_peak_exact = group.Has("memory.peak");
  if (usage.memory_peak_exact) {
    CORDON_ASSIGN_OR_RETURN(usage.memory_peak_bytes, group.ReadNumber("memory.peak"));
  } else {
    CORDON_ASSIGN_OR_RETURN(const uint64_t now, group.ReadNumber("memory.current"));
    usage.memory_peak_bytes = std::max(sampled_peak, now);
  }
  CORDON_ASSIGN_OR_RETURN(const std::string events, group.Read("memory.events"));
  CountOomKillsV2(events, &usage);
  CORDON_RETURN_IF_ERROR(ReadPids(group, &usage));
  return usage;
}

void SettleCpuOf(const Group& pids, const Group& group, const std::string& file) {
  if (pids.ReadNumber("pids.current").value_or(kUnlimited) > CgroupLease::kMostSettled) return;
  const absl::StatusOr<std::string> threads = group.Read(file);
  if (!threads.ok()) return;
  for (const absl::string_view id : absl::StrSplit(*threads, '\n', absl::SkipEmpty())) {
    pid_t tid = 0;
    if (absl::SimpleAtoi(id, &tid) && tid > 0) SettleCpuOfThread(tid);
  }
}

bool AnyThreadInState(const Group& group, const std::string& file, char state) {
  const absl::StatusOr<std::string> threads = group.Read(file);
  if (!threads.ok()) return false;
  for (const absl::string_view id : absl::StrSplit(*threads, '\n', absl::SkipEmpty())) {
    const absl::StatusOr<std::string> stat = ReadAt(kCwd, absl::StrCat("/proc/", id, "/stat"));
    if (!stat.ok()) continue;  // it has ended
    const absl::StatusOr<ProcessPlace> place = ParsePlace(*stat);
    if (place.ok() && place->state == state) return true;
  }
  return false;
}

}  // namespace cordon
