// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/cgroup_limits.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "sandbox/layers/read_back.h"

namespace cordon {
namespace {

uint64_t LargestPages(uint64_t page_size) {
  return static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / page_size;
}

// One line of io.max. The kernel shows all four keys and leaves out a device without a limit.
std::string IoLine(const v1::IoPlan& io) {
  const auto bytes = [](absl::string_view name, bool has, uint64_t value) {
    const bool open = !has || value == std::numeric_limits<uint64_t>::max();
    return open ? absl::StrCat(" ", name, "=max") : absl::StrCat(" ", name, "=", value);
  };
  const auto operations = [](absl::string_view name, bool has, uint64_t value) {
    const bool open = !has || value >= std::numeric_limits<uint32_t>::max();
    return open ? absl::StrCat(" ", name, "=max") : absl::StrCat(" ", name, "=", value);
  };
  return absl::StrCat(io.device(), bytes("rbps", io.has_read_bps(), io.read_bps()),
                      bytes("wbps", io.has_write_bps(), io.write_bps()),
                      operations("riops", io.has_read_iops(), io.read_iops()),
                      operations("wiops", io.has_write_iops(), io.write_iops()));
}

LimitFile IoLimits(const v1::CgroupPlan& plan) {
  LimitFile file{"io.max", {}, ""};
  std::vector<std::string> shown;
  for (const v1::IoPlan& io : plan.io()) {
    file.writes.push_back(IoLine(io));
    if (file.writes.back() != absl::StrCat(io.device(), " rbps=max wbps=max riops=max wiops=max")) {
      shown.push_back(file.writes.back());
    }
  }
  file.expected = absl::StrJoin(shown, "\n");
  return file;
}

std::vector<std::string> SortedLines(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace

std::string ShownBytes(uint64_t bytes, uint64_t page_size) {
  const uint64_t pages = bytes / page_size;
  return pages >= LargestPages(page_size) ? "max" : absl::StrCat(pages * page_size);
}

std::string ShownBytesV1(uint64_t bytes, uint64_t page_size) {
  return absl::StrCat(std::min(bytes / page_size, LargestPages(page_size)) * page_size);
}

std::vector<LimitFile> LimitsOfV2(const v1::CgroupPlan& plan, uint64_t page_size, bool swap) {
  std::vector<LimitFile> limits;
  const auto bytes = [&](const char* file, uint64_t value) {
    const std::string shown = ShownBytes(value, page_size);
    limits.push_back({file, {shown}, shown});
  };
  const auto exact = [&](const char* file, const std::string& value) {
    limits.push_back({file, {value}, value});
  };
  bytes("memory.max", plan.memory_max_bytes());
  if (plan.has_memory_high_bytes()) bytes("memory.high", plan.memory_high_bytes());
  if (swap) bytes("memory.swap.max", plan.swap_max_bytes());
  exact("memory.oom.group", "1");
  // The init counts too.
  exact("pids.max", absl::StrCat(uint64_t{plan.pids_max()} + 1));
  // Nothing may be made below the leaf, whatever the job gets to see.
  exact("cgroup.max.descendants", "0");
  if (plan.has_cpu_quota_us()) {
    exact("cpu.max", absl::StrCat(plan.cpu_quota_us(), " ", plan.cpu_period_us()));
  }
  if (plan.has_cpu_weight()) exact("cpu.weight", absl::StrCat(plan.cpu_weight()));
  if (!plan.cpuset_cpus().empty()) {
    exact("cpuset.cpus", plan.cpuset_cpus());
    // CPUs that are offline or not the caller's would be left out in silence, and the whole list if
    // none is left.
    limits.push_back({"cpuset.cpus.effective", {}, plan.cpuset_cpus()});
  }
  if (plan.io_size() > 0) limits.push_back(IoLimits(plan));
  return limits;
}

absl::Status CheckMember(const std::vector<CgroupLine>& membership, absl::string_view controller,
                         absl::string_view path) {
  std::string found = "no such hierarchy";
  for (const CgroupLine& line : membership) {
    const std::vector<std::string>& names = line.controllers;
    const bool meant = controller.empty()
                           ? names.empty()
                           : std::find(names.begin(), names.end(), controller) != names.end();
    if (!meant) continue;
    if (line.path == path) return absl::OkStatus();
    found = line.path;
  }
  return Mismatch("cgroup",
                  absl::StrCat("group of init", controller.empty() ? "" : " for ", controller),
                  path, found);
}

absl::Status AddProcessTo(const Group& group, const v1::CgroupPlan& plan, LimitFile* limit) {
  // The first of them is the init.
  const std::string most = absl::StrCat(uint64_t{plan.pids_max()} + 2);
  *limit = {limit->file, {most}, most};
  CORDON_RETURN_IF_ERROR(SetLimit(group, *limit));
  return CheckLimit(group, *limit);
}

absl::Status SetLimit(const Group& group, const LimitFile& limit) {
  for (const std::string& value : limit.writes) {
    CORDON_RETURN_IF_ERROR(group.Write(limit.file, value));
  }
  return absl::OkStatus();
}

absl::Status CheckLimit(const Group& group, const LimitFile& limit) {
  CORDON_ASSIGN_OR_RETURN(const std::string text, group.Read(limit.file));
  const std::vector<std::string> found = SortedLines(text);
  if (found == SortedLines(limit.expected)) return absl::OkStatus();
  return Mismatch("cgroup", limit.file, limit.expected, absl::StrJoin(found, "\n"));
}

}  // namespace cordon
