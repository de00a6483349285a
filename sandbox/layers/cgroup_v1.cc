// SPDX-License-Identifier: Apache-2.0
// cgroup v1 backend: one group per controller hierarchy, plus one on the controller-less v2 mount
// where there is one (its cgroup.kill and cgroup.events are what v1 lacks).
#include <sys/epoll.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "sandbox/layers/cgroup_group.h"
#include "sandbox/layers/cgroup_limits.h"
#include "sandbox/layers/cgroup_stat.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr int kRemoveWaitMs = 500;

// Our names and the kernel's: the plan says "io" for what v1 calls blkio.
std::string V1Name(const std::string& controller) {
  return controller == "io" ? "blkio" : controller;
}

// Memory, or memory with swap. Kernel: `failcnt` of the sum is not counted everywhere (6.18). What
// the killer is called for is at most eight pages, which had no room below the limit.
bool ReachedItsLimit(const Group& memory) {
  const auto number = [&](const char* sort, const char* file, uint64_t otherwise) {
    return memory.ReadNumber(absl::StrCat(sort, file)).value_or(otherwise);
  };
  for (const char* sort : {"memory.", "memory.memsw."}) {
    const uint64_t limit = number(sort, "limit_in_bytes", kUnlimited);
    if (number(sort, "failcnt", 0) > 0) return true;
    if (number(sort, "max_usage_in_bytes", 0) + 8 * PageSize() > limit) return true;
  }
  return false;
}

class CgroupV1 : public CgroupLease {
 public:
  static absl::StatusOr<std::unique_ptr<CgroupLease>> Make(const v1::CgroupPlan& plan) {
    auto lease = std::make_unique<CgroupV1>();
    lease->plan_ = plan;
    CORDON_ASSIGN_OR_RETURN(const std::vector<Hierarchy> all, FindHierarchies());
    CORDON_RETURN_IF_ERROR(lease->MakeGroups(all));
    CORDON_RETURN_IF_ERROR(lease->SetMemory());
    CORDON_RETURN_IF_ERROR(lease->SetPids());
    CORDON_RETURN_IF_ERROR(lease->SetCpu());
    CORDON_RETURN_IF_ERROR(lease->SetCpuset(all));
    CORDON_RETURN_IF_ERROR(lease->SetIo());
    CORDON_RETURN_IF_ERROR(lease->WatchOom());
    return std::unique_ptr<CgroupLease>(std::move(lease));
  }

  ~CgroupV1() override {
    Kill().IgnoreError();
    Remove().IgnoreError();
  }

  int CloneFd() const override {
    const auto it = groups_.find("");
    return it == groups_.end() ? -1 : it->second.fd();
  }

  absl::Status Enter(pid_t pid) override {
    for (const auto& [mount, group] : groups_) {
      if (mount.empty()) continue;  // CLONE_INTO_CGROUP did it
      CORDON_RETURN_IF_ERROR(group.Write("cgroup.procs", absl::StrCat(pid)));
    }
    return absl::OkStatus();
  }

  absl::Status VerifyMember(const std::vector<CgroupLine>& membership) override;
  absl::Status VerifyLimits() override;
  bool ShowsGroupOfDead() const override { return false; }
  absl::Status AddProcess() override;
  absl::StatusOr<uint64_t> CpuNs() override;
  void SettleCpu() override {
    const Group* pids = Of("pids");
    const Group* accounting = Of("cpuacct");
    if (pids != nullptr && accounting != nullptr) SettleCpuOf(*pids, *accounting, "tasks");
  }
  absl::StatusOr<CgroupNow> Now() override;
  absl::StatusOr<CgroupUsage> Collect() override;
  std::optional<MemoryParts> Memory() override;
  bool AnyInState(char state) override {
    const Group* any = Of("cpuacct");
    return any != nullptr && AnyThreadInState(*any, "tasks", state);
  }
  int OomFd() const override { return oom_event_.get(); }
  uint32_t OomEvents() const override { return EPOLLIN; }

  bool OomSeen() override {
    char count[8];
    (void)ReadSome(oom_event_.get(), count, sizeof(count));
    const Group* memory = Of("memory");
    if (memory == nullptr) return false;
    const absl::StatusOr<std::string> text = memory->Read("memory.oom_control");
    return text.ok() && ParseFlatKeyed(*text)["oom_kill"] > 0;
  }

  absl::Status Kill() override {
    const auto it = groups_.find("");
    if (it == groups_.end() || !it->second.Has("cgroup.kill")) return absl::OkStatus();
    return it->second.Write("cgroup.kill", "1");
  }

  absl::Status Remove() override {
    absl::Status first;
    for (auto& [mount, group] : groups_) first.Update(group.Remove(kRemoveWaitMs));
    return first;
  }

  std::string Describe() const override {
    return absl::StrCat("cgroup v1 (", absl::StrJoin(plan_.controllers(), ", "), ")",
                        CloneFd() >= 0 ? " with cgroup.kill of the v2 mount" : "");
  }

 private:
  absl::Status MakeGroups(const std::vector<Hierarchy>& all);
  void CollectMore(CgroupUsage* usage);
  // Each notes what the kernel must show then, for Verify.
  absl::Status SetMemory();
  absl::Status SetPids();
  absl::Status SetCpu();
  absl::Status SetCpuset(const std::vector<Hierarchy>& all);
  absl::Status SetIo();
  absl::Status Set(const char* controller, LimitFile limit);
  absl::Status Set(const char* controller, const char* file, const std::string& value) {
    return Set(controller, {file, {value}, value});
  }
  absl::Status WatchOom();
  const Group* Of(const std::string& controller) const {
    const auto mount = mount_of_.find(controller);
    if (mount == mount_of_.end()) return nullptr;
    return &groups_.at(mount->second);
  }

  v1::CgroupPlan plan_;
  std::map<std::string, Group> groups_;                    // by mount point; "" is the v2 one
  std::map<std::string, std::string> mount_of_;            // controller -> mount point
  std::vector<std::pair<std::string, LimitFile>> limits_;  // by controller
  UniqueFd oom_event_;
  UniqueFd oom_control_;
};

absl::Status CgroupV1::MakeGroups(const std::vector<Hierarchy>& all) {
  const std::string name = FreshGroupName();
  std::vector<std::string> wanted(plan_.controllers().begin(), plan_.controllers().end());
  for (const std::string& controller : wanted) {
    const std::string v1_name = V1Name(controller);
    const Hierarchy* hierarchy = FindV1(all, v1_name);
    if (hierarchy == nullptr) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("no hierarchy has the controller ", v1_name))
          .Layer("cgroup");
    }
    mount_of_[v1_name] = hierarchy->mount_point;
    if (groups_.count(hierarchy->mount_point) > 0) continue;
    SweepStaleGroups(hierarchy->own_dir);
    CORDON_ASSIGN_OR_RETURN(Group group,
                            Group::Make(hierarchy->own_dir, hierarchy->own_path, name));
    groups_.emplace(hierarchy->mount_point, std::move(group));
  }
  const Hierarchy* unified = FindV2(all);
  if (unified != nullptr && MayWrite(kCwd, unified->own_dir)) {
    SweepStaleGroups(unified->own_dir);
    // A help, not a limit: without it the pid namespace's init still ends the tree.
    absl::StatusOr<Group> group = Group::Make(unified->own_dir, unified->own_path, name);
    if (group.ok()) groups_.emplace("", *std::move(group));
  }
  return absl::OkStatus();
}

absl::Status CgroupV1::Set(const char* controller, LimitFile limit) {
  CORDON_RETURN_IF_ERROR(SetLimit(*Of(controller), limit));
  limits_.emplace_back(controller, std::move(limit));
  return absl::OkStatus();
}

absl::Status CgroupV1::SetMemory() {
  const Group* memory = Of("memory");
  if (memory == nullptr) return absl::OkStatus();
  const auto set = [&](const char* file, uint64_t bytes) {
    return Set("memory", {file, {absl::StrCat(bytes)}, ShownBytesV1(bytes, PageSize())});
  };
  CORDON_RETURN_IF_ERROR(set("memory.limit_in_bytes", plan_.memory_max_bytes()));
  // memsw is the sum of both, and may only be set when it is not below the memory limit.
  if (!memory->Has("memory.memsw.limit_in_bytes")) return absl::OkStatus();
  return set("memory.memsw.limit_in_bytes", plan_.memory_max_bytes() + plan_.swap_max_bytes());
}

absl::Status CgroupV1::SetPids() {
  if (Of("pids") == nullptr) return absl::OkStatus();
  // The init counts too.
  return Set("pids", "pids.max", absl::StrCat(uint64_t{plan_.pids_max()} + 1));
}

absl::Status CgroupV1::SetCpu() {
  if (Of("cpu") == nullptr) return absl::OkStatus();
  if (plan_.has_cpu_quota_us()) {
    CORDON_RETURN_IF_ERROR(Set("cpu", "cpu.cfs_period_us", absl::StrCat(plan_.cpu_period_us())));
    CORDON_RETURN_IF_ERROR(Set("cpu", "cpu.cfs_quota_us", absl::StrCat(plan_.cpu_quota_us())));
  }
  if (plan_.has_cpu_weight()) {
    // v2's default weight 100 is v1's default 1024 shares; 2 is v1's lowest.
    const uint64_t shares = std::max<uint64_t>(2, uint64_t{plan_.cpu_weight()} * 1024 / 100);
    CORDON_RETURN_IF_ERROR(Set("cpu", "cpu.shares", absl::StrCat(shares)));
  }
  return absl::OkStatus();
}

absl::Status CgroupV1::SetCpuset(const std::vector<Hierarchy>& all) {
  if (Of("cpuset") == nullptr) return absl::OkStatus();
  const Hierarchy* hierarchy = FindV1(all, "cpuset");
  // A v1 cpuset takes no member before it has both; memory nodes are the parent's.
  CORDON_ASSIGN_OR_RETURN(const std::string mems,
                          ReadAt(kCwd, absl::StrCat(hierarchy->own_dir, "/cpuset.mems")));
  CORDON_RETURN_IF_ERROR(Set("cpuset", "cpuset.mems", mems));
  CORDON_RETURN_IF_ERROR(Set("cpuset", "cpuset.cpus", plan_.cpuset_cpus()));
  return Set("cpuset", {"cpuset.effective_cpus", {}, plan_.cpuset_cpus()});
}

absl::Status CgroupV1::SetIo() {
  if (Of("blkio") == nullptr) return absl::OkStatus();
  std::map<std::string, LimitFile> files;
  for (const v1::IoPlan& limit : plan_.io()) {
    const auto add = [&](const char* file, bool wanted, uint64_t value) {
      if (!wanted || value == std::numeric_limits<uint64_t>::max()) return;  // unlimited
      const std::string line = absl::StrCat(limit.device(), " ", value);
      files[file].writes.push_back(line);
      absl::StrAppend(&files[file].expected, line, "\n");
    };
    add("blkio.throttle.read_bps_device", limit.has_read_bps(), limit.read_bps());
    add("blkio.throttle.write_bps_device", limit.has_write_bps(), limit.write_bps());
    add("blkio.throttle.read_iops_device", limit.has_read_iops(), limit.read_iops());
    add("blkio.throttle.write_iops_device", limit.has_write_iops(), limit.write_iops());
  }
  for (auto& [name, file] : files) {
    file.file = name;
    CORDON_RETURN_IF_ERROR(Set("blkio", std::move(file)));
  }
  return absl::OkStatus();
}

// An eventfd that the kernel signals when the group runs out of memory (cgroup-v1 memory.rst,
// section 10): v1 has no memory.oom.group, so the supervisor ends the rest itself, at once.
absl::Status CgroupV1::WatchOom() {
  const Group* memory = Of("memory");
  if (memory == nullptr) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(oom_event_, MakeEventFd());
  CORDON_ASSIGN_OR_RETURN(oom_control_, OpenAt(memory->fd(), "memory.oom_control", 0));
  return memory->Write("cgroup.event_control",
                       absl::StrCat(oom_event_.get(), " ", oom_control_.get()));
}

absl::Status CgroupV1::AddProcess() {
  for (auto& [controller, limit] : limits_) {
    if (limit.file == "pids.max") return AddProcessTo(*Of(controller), plan_, &limit);
  }
  return absl::OkStatus();
}

absl::Status CgroupV1::VerifyMember(const std::vector<CgroupLine>& membership) {
  for (const auto& [controller, mount] : mount_of_) {
    CORDON_RETURN_IF_ERROR(CheckMember(membership, controller, groups_.at(mount).path()));
  }
  return absl::OkStatus();
}

absl::Status CgroupV1::VerifyLimits() {
  for (const auto& [controller, limit] : limits_) {
    CORDON_RETURN_IF_ERROR(CheckLimit(*Of(controller), limit));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> CgroupV1::CpuNs() {
  const Group* accounting = Of("cpuacct");
  if (accounting == nullptr) {
    return Error(absl::StatusCode::kFailedPrecondition, "no cpuacct group").Layer("cgroup");
  }
  return accounting->ReadNumber("cpuacct.usage");
}

absl::StatusOr<CgroupNow> CgroupV1::Now() {
  CgroupNow now;
  const Group* memory = Of("memory");
  const Group* pids = Of("pids");
  if (memory == nullptr || pids == nullptr) {
    return Error(absl::StatusCode::kFailedPrecondition, "no memory or no pids group")
        .Layer("cgroup");
  }
  CORDON_ASSIGN_OR_RETURN(now.cpu_ns, CpuNs());
  CORDON_ASSIGN_OR_RETURN(now.memory_bytes, memory->ReadNumber("memory.usage_in_bytes"));
  CORDON_ASSIGN_OR_RETURN(now.pids, pids->ReadNumber("pids.current"));
  return now;
}

absl::StatusOr<CgroupUsage> CgroupV1::Collect() {
  CgroupUsage usage;
  if (const Group* accounting = Of("cpuacct")) {
    CORDON_ASSIGN_OR_RETURN(usage.cpu_ns, accounting->ReadNumber("cpuacct.usage"));
    CORDON_ASSIGN_OR_RETURN(usage.user_ns, accounting->ReadNumber("cpuacct.usage_user"));
    CORDON_ASSIGN_OR_RETURN(usage.system_ns, accounting->ReadNumber("cpuacct.usage_sys"));
  }
  if (const Group* memory = Of("memory")) {
    CORDON_ASSIGN_OR_RETURN(usage.memory_peak_bytes,
                            memory->ReadNumber("memory.max_usage_in_bytes"));
    CORDON_ASSIGN_OR_RETURN(const std::string text, memory->Read("memory.oom_control"));
    // Whoever was out of memory, the kill is counted here; a limit that was never reached was not.
    (ReachedItsLimit(*memory) ? usage.oom_kills : usage.host_oom_kills) =
        ParseFlatKeyed(text)["oom_kill"];
    usage.oom_source = "memory.oom_control";
  }
  if (const Group* pids = Of("pids")) CORDON_RETURN_IF_ERROR(ReadPids(*pids, &usage));
  CollectMore(&usage);
  return usage;
}

std::optional<MemoryParts> CgroupV1::Memory() {
  const Group* memory = Of("memory");
  if (memory == nullptr) return std::nullopt;
  const absl::StatusOr<std::string> text = memory->Read("memory.stat");
  if (!text.ok()) return std::nullopt;
  return ParseMemoryStatV1(*text, memory->ReadNumber("memory.kmem.usage_in_bytes").value_or(0));
}

// What is good to know; a file that is not there is no reason to give no report.
void CgroupV1::CollectMore(CgroupUsage* usage) {
  usage->memory = Memory();
  if (const Group* memory = Of("memory")) {
    const absl::StatusOr<uint64_t> kernel = memory->ReadNumber("memory.kmem.max_usage_in_bytes");
    if (kernel.ok()) usage->kernel_peak = *kernel;
    // memsw counts memory and swap together, so the rest of its peak has been swap.
    const absl::StatusOr<uint64_t> both = memory->ReadNumber("memory.memsw.max_usage_in_bytes");
    usage->swap_peak_exact = plan_.swap_max_bytes() == 0;
    if (usage->swap_peak_exact) usage->swap_peak = 0;
    if (!usage->swap_peak_exact && both.ok()) {
      usage->swap_peak = *both - std::min(*both, usage->memory_peak_bytes);
    }
  }
  if (const Group* cpu = Of("cpu")) {
    const absl::StatusOr<std::string> text = cpu->Read("cpu.stat");
    if (text.ok()) usage->throttled = ParseThrottling(*text);
  }
  if (const Group* blkio = Of("blkio")) {
    const absl::StatusOr<std::string> bytes = blkio->Read("blkio.throttle.io_service_bytes");
    const absl::StatusOr<std::string> operations = blkio->Read("blkio.throttle.io_serviced");
    if (bytes.ok() && operations.ok()) usage->io = ParseBlkio(*bytes, *operations);
  }
  const auto unified = groups_.find("");
  if (unified != groups_.end()) ReadPressure(unified->second, usage);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CgroupLease>> CreateCgroupV1(const v1::CgroupPlan& plan) {
  return CgroupV1::Make(plan);
}

absl::Status ProbeCgroupV1(const std::vector<Hierarchy>& all, v1::HostFacts* facts) {
  std::vector<std::string> locked;
  for (const char* name : {"memory", "pids", "cpu", "cpuacct", "cpuset", "io"}) {
    const Hierarchy* hierarchy = FindV1(all, V1Name(name));
    if (hierarchy == nullptr) continue;
    if (MayWrite(kCwd, hierarchy->own_dir)) {
      facts->add_cgroup_controllers(name);
    } else {
      locked.push_back(hierarchy->own_dir);
    }
  }
  if (!locked.empty()) {
    facts->set_cgroup_why(absl::StrCat(
        "the controllers are on cgroup v1 hierarchies in which you may not make groups (",
        absl::StrJoin(locked, ", "),
        "); as root: for each of them mkdir DIR/cordon-user, chown -R you DIR/cordon-user, and "
        "write your shell's pid to DIR/cordon-user/cgroup.procs; or run Cordon as root"));
  }
  const Hierarchy* memory = FindV1(all, "memory");
  facts->set_swap_accounting(
      memory != nullptr &&
      StatPath(absl::StrCat(memory->own_dir, "/memory.memsw.limit_in_bytes")).ok());
  return absl::OkStatus();
}

}  // namespace cordon
