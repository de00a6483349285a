// SPDX-License-Identifier: Apache-2.0
// The plan of layer cgroup: quantities first, then what the host must offer for them.
#include "policy/layers/cgroup.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/units.h"
#include "policy/layers/layer.h"

namespace cordon {
namespace {

// The kernel's default, and the longest pause that a throttled job sees.
constexpr uint64_t kCpuPeriodUs = 100'000;
constexpr uint64_t kCpuMilliUs = kCpuPeriodUs / 1000;

class CgroupCompiler {
 public:
  CgroupCompiler(const NormalPolicy& policy, const v1::HostFacts& facts, v1::CgroupPlan* plan)
      : policy_(policy), facts_(facts), plan_(*plan) {}

  absl::Status Compile();

 private:
  void FillMemory();
  void FillRest();
  void FillIo();
  void Need(absl::string_view controller, absl::string_view field);
  void CheckHost();
  uint64_t Size(absl::string_view field, absl::string_view text);
  void Fail(const absl::Status& status);
  void Missing(absl::string_view field, absl::string_view message, absl::string_view hint);

  const v1::Cgroup& cgroup() const { return policy_.proto().cgroup(); }
  const v1::Limits& limits() const { return policy_.proto().limits(); }
  bool v1_host() const { return facts_.cgroup_mode() == v1::HostFacts::CGROUP_V1; }

  const NormalPolicy& policy_;
  const v1::HostFacts& facts_;
  v1::CgroupPlan& plan_;
  std::vector<std::pair<std::string, std::string>> needs_;  // controller, first field to need it
  std::vector<v1::ErrorDetail> errors_;                     // of the policy: always fatal
  std::vector<v1::ErrorDetail> missing_;                    // of the host: fatal when REQUIRED
};

void CgroupCompiler::Fail(const absl::Status& status) {
  for (v1::ErrorDetail& detail : DetailsOf(status)) errors_.push_back(std::move(detail));
}

void CgroupCompiler::Missing(absl::string_view field, absl::string_view message,
                             absl::string_view hint) {
  const absl::Status status = static_cast<absl::Status>(
      FieldError(policy_, absl::StatusCode::kFailedPrecondition, field, message).Hint(hint));
  missing_.push_back(DetailsOf(status).front());
}

void CgroupCompiler::Need(absl::string_view controller, absl::string_view field) {
  for (const auto& need : needs_) {
    if (need.first == controller) return;
  }
  needs_.emplace_back(controller, field);
  plan_.add_controllers(std::string(controller));
}

uint64_t CgroupCompiler::Size(absl::string_view field, absl::string_view text) {
  const absl::StatusOr<uint64_t> value = ParseSizeOrUnlimited(text);
  if (value.ok()) return *value;
  Fail(FieldError(policy_, value.status().code(), field, value.status().message()));
  return 0;
}

void CgroupCompiler::FillMemory() {
  uint64_t memory = Size("limits.memory", limits().memory());
  if (cgroup().has_memory_max()) {
    memory = std::min(memory, Size("cgroup.memory_max", cgroup().memory_max()));
  }
  uint64_t swap = Size("limits.swap", limits().swap());
  if (cgroup().has_swap_max()) {
    swap = std::min(swap, Size("cgroup.swap_max", cgroup().swap_max()));
  }
  plan_.set_memory_max_bytes(memory);
  plan_.set_swap_max_bytes(swap);
  if (cgroup().has_memory_high()) {
    plan_.set_memory_high_bytes(Size("cgroup.memory_high", cgroup().memory_high()));
    if (v1_host()) {
      Missing("cgroup.memory_high", "memory_high exists in cgroup v2 only, the host has v1",
              "leave it out, or run on a host with cgroup v2");
    }
  }
  Need("memory", "limits.memory");
  if (!facts_.swap_accounting() && facts_.swap_total_bytes() != 0) {
    Missing("limits.swap", "the host has swap and does not account it per group",
            "boot with swapaccount=1, or turn swap off (swapoff -a)");
  }
}

void CgroupCompiler::FillRest() {
  uint32_t pids = limits().processes();
  if (cgroup().has_pids_max()) pids = std::min(pids, cgroup().pids_max());
  plan_.set_pids_max(pids);
  Need("pids", "limits.processes");
  // In v2 every group has cpu.stat, with or without the cpu controller.
  if (v1_host()) Need("cpuacct", "limits.cpu_time");
  plan_.set_cpu_period_us(kCpuPeriodUs);
  if (cgroup().has_cpu_max()) {
    const absl::StatusOr<uint64_t> milli = ParseMilli(cgroup().cpu_max());
    if (milli.ok()) {
      plan_.set_cpu_quota_us(*milli * kCpuMilliUs);
    } else {
      Fail(FieldError(policy_, milli.status().code(), "cgroup.cpu_max", milli.status().message()));
    }
    Need("cpu", "cgroup.cpu_max");
  }
  if (cgroup().has_cpu_weight()) {
    plan_.set_cpu_weight(cgroup().cpu_weight());
    Need("cpu", "cgroup.cpu_weight");
  }
  if (cgroup().has_cpuset_cpus()) {
    plan_.set_cpuset_cpus(cgroup().cpuset_cpus());
    Need("cpuset", "cgroup.cpuset_cpus");
  }
}

void CgroupCompiler::FillIo() {
  for (int i = 0; i < cgroup().io_size(); ++i) {
    const v1::IoLimit& limit = cgroup().io(i);
    const std::string field = absl::StrCat("cgroup.io[", i, "]");
    v1::IoPlan& io = *plan_.add_io();
    io.set_device(limit.device());
    if (limit.has_read_bytes_per_second()) {
      io.set_read_bps(Size(field + ".read_bytes_per_second", limit.read_bytes_per_second()));
    }
    if (limit.has_write_bytes_per_second()) {
      io.set_write_bps(Size(field + ".write_bytes_per_second", limit.write_bytes_per_second()));
    }
    if (limit.has_read_operations_per_second()) {
      io.set_read_iops(limit.read_operations_per_second());
    }
    if (limit.has_write_operations_per_second()) {
      io.set_write_iops(limit.write_operations_per_second());
    }
    Need("io", field);
  }
}

void CgroupCompiler::CheckHost() {
  const auto& offered = facts_.cgroup_controllers();
  std::vector<std::string> names;
  std::vector<std::string> fields;
  for (const auto& need : needs_) {
    if (std::find(offered.begin(), offered.end(), need.first) != offered.end()) continue;
    names.push_back(need.first);
    fields.push_back(need.second);
  }
  if (facts_.cgroup_mode() == v1::HostFacts::CGROUP_NONE) {
    Missing("cgroup", "the host offers the caller no control group",
            facts_.cgroup_why().empty() ? "mount cgroup2 and delegate a group to the caller"
                                        : facts_.cgroup_why());
  } else if (!names.empty()) {
    Missing(
        fields.front(),
        absl::StrCat("the caller cannot use the cgroup controller", names.size() == 1 ? " " : "s ",
                     absl::StrJoin(names, ", "), ", which enforce", names.size() == 1 ? "s " : " ",
                     absl::StrJoin(fields, ", ")),
        facts_.cgroup_why().empty()
            ? "delegate a group with these controllers to the caller, for instance with "
              "systemd-run --user --scope -p Delegate=yes"
            : facts_.cgroup_why());
  }
}

absl::Status CgroupCompiler::Compile() {
  plan_.set_enforcement(Resolve(cgroup().enforcement()));
  FillMemory();
  FillRest();
  FillIo();
  if (!errors_.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors_);
  if (plan_.enforcement() == v1::OFF) return absl::OkStatus();
  CheckHost();
  if (missing_.empty()) {
    plan_.set_enabled(true);
    return absl::OkStatus();
  }
  if (plan_.enforcement() == v1::REQUIRED) {
    return ErrorFromDetails(absl::StatusCode::kFailedPrecondition, missing_);
  }
  std::vector<std::string> reasons;
  for (const v1::ErrorDetail& detail : missing_) reasons.push_back(detail.message());
  plan_.set_unavailable_why(absl::StrJoin(reasons, "; "));
  return absl::OkStatus();
}

}  // namespace

absl::Status CompileCgroup(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan) {
  return CgroupCompiler(policy, facts, plan->mutable_cgroup()).Compile();
}

}  // namespace cordon
