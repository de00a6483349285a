// SPDX-License-Identifier: Apache-2.0
// cgroup v2 backend: one leaf per job in the subtree that was delegated to the caller.
#include <sys/epoll.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/layers/cgroup_group.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr int kRemoveWaitMs = 500;
constexpr absl::string_view kSupervisorLeaf = "cordon-supervisor";

constexpr char kDelegationHint[] =
    "start Cordon in a delegated group of its own: systemd-run --user --scope -p Delegate=yes "
    "cordon run ...; for cpu, cpuset and io an administrator adds them to "
    "/etc/systemd/system/user@.service.d/delegate.conf";

std::vector<std::string> Words(const std::string& text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

std::vector<std::string> WordsOf(const std::string& directory, const char* file) {
  const absl::StatusOr<std::string> text = ReadAt(kCwd, absl::StrCat(directory, "/", file));
  return text.ok() ? Words(*text) : std::vector<std::string>();
}

bool ContainsAll(const std::vector<std::string>& have, const std::vector<std::string>& want) {
  return std::all_of(want.begin(), want.end(), [&](const std::string& each) {
    return std::find(have.begin(), have.end(), each) != have.end();
  });
}

// The group under which leaves can be made, and what must be done first.
struct Base {
  std::string directory;
  std::string path;
  std::vector<std::string> controllers;  // that its children have or can get
  bool leave = false;                    // we stand in it and must move to a leaf of our own
  std::string why_not;
};

bool MayUse(const std::string& directory) {
  return MayWrite(kCwd, directory) && MayWrite(kCwd, absl::StrCat(directory, "/cgroup.procs")) &&
         MayWrite(kCwd, absl::StrCat(directory, "/cgroup.subtree_control"));
}

bool OnlyWeAreIn(const std::string& directory) {
  const std::vector<std::string> members = WordsOf(directory, "cgroup.procs");
  return members.size() == 1 && members[0] == absl::StrCat(CurrentPid());
}

// In order: a parent that hands controllers down already (nothing has to move), our own group when
// nobody else is in it, and for root the top of the hierarchy, which may have processes.
Base FindBase(const Hierarchy& unified) {
  Base base;
  const std::string parent_dir(ParentPath(unified.own_dir));
  const std::string parent_path(ParentPath(unified.own_path));
  const bool has_parent = unified.own_path != "/";
  if (has_parent && MayUse(parent_dir) &&
      ContainsAll(WordsOf(parent_dir, "cgroup.subtree_control"), {"memory", "pids"})) {
    return {parent_dir, parent_path, WordsOf(parent_dir, "cgroup.subtree_control"), false, ""};
  }
  if (has_parent && MayUse(unified.own_dir)) {
    if (OnlyWeAreIn(unified.own_dir)) {
      return {unified.own_dir, unified.own_path, WordsOf(unified.own_dir, "cgroup.controllers"),
              true, ""};
    }
    base.why_not = absl::StrCat("other processes are in ", unified.own_dir,
                                ", and a group with processes cannot hand controllers down");
  } else {
    base.why_not = absl::StrCat("you may not make groups in ", unified.own_dir);
  }
  if (MayUse(unified.mount_point)) {
    return {unified.mount_point, "/", WordsOf(unified.mount_point, "cgroup.controllers"), false,
            ""};
  }
  return base;
}

absl::Status EnableControllers(const Base& base, const std::vector<std::string>& wanted) {
  std::vector<std::string> missing;
  const std::vector<std::string> enabled = WordsOf(base.directory, "cgroup.subtree_control");
  for (const std::string& each : wanted) {
    if (std::find(enabled.begin(), enabled.end(), each) == enabled.end()) {
      missing.push_back(absl::StrCat("+", each));
    }
  }
  if (missing.empty()) return absl::OkStatus();
  return WriteAt(kCwd, absl::StrCat(base.directory, "/cgroup.subtree_control"),
                 absl::StrJoin(missing, " "));
}

class CgroupV2 : public CgroupLease {
 public:
  static absl::StatusOr<std::unique_ptr<CgroupLease>> Make(const v1::CgroupPlan& plan);

  ~CgroupV2() override {
    Kill().IgnoreError();
    Remove().IgnoreError();
    if (!left_.empty()) ReturnToBase();
  }

  int CloneFd() const override { return group_->fd(); }
  absl::Status Enter(pid_t) override { return absl::OkStatus(); }
  absl::Status Verify(const std::vector<CgroupLine>& membership) override;

  absl::StatusOr<uint64_t> CpuNs() override {
    CORDON_ASSIGN_OR_RETURN(const std::string text, group_->Read("cpu.stat"));
    return ParseFlatKeyed(text)["usage_usec"] * 1000;
  }

  absl::StatusOr<CgroupUsage> Collect() override;
  int OomFd() const override { return events_.get(); }
  uint32_t OomEvents() const override { return EPOLLPRI; }

  bool OomSeen() override {
    // Through the polled descriptor: otherwise it would stay readable for ever.
    const absl::StatusOr<std::string> text = Reread(events_.get(), "memory.events");
    return text.ok() && ParseFlatKeyed(*text)["oom_kill"] > 0;
  }

  absl::Status Kill() override {
    return group_ ? group_->Write("cgroup.kill", "1") : absl::OkStatus();
  }
  absl::Status Remove() override {
    return group_ ? group_->Remove(kRemoveWaitMs) : absl::OkStatus();
  }
  std::string Describe() const override {
    return absl::StrCat("cgroup v2 (", absl::StrJoin(plan_.controllers(), ", "), ")");
  }

 private:
  absl::Status SetLimits() const;
  void ReturnToBase() const;

  v1::CgroupPlan plan_;
  std::optional<Group> group_;
  std::string left_;                  // the group that we moved out of, to be handed back
  std::vector<std::string> enabled_;  // controllers of its children
  UniqueFd events_;
};

// Accounting is in every v2 group; only limits need a controller.
std::vector<std::string> KernelControllers(const v1::CgroupPlan& plan) {
  std::vector<std::string> names;
  for (const std::string& each : plan.controllers()) {
    if (each != "cpuacct") names.push_back(each);
  }
  return names;
}

absl::StatusOr<std::unique_ptr<CgroupLease>> CgroupV2::Make(const v1::CgroupPlan& plan) {
  CORDON_ASSIGN_OR_RETURN(const std::vector<Hierarchy> all, FindHierarchies());
  const Hierarchy* unified = FindV2(all);
  if (unified == nullptr) {
    return Error(absl::StatusCode::kFailedPrecondition, "no cgroup v2 hierarchy is mounted")
        .Layer("cgroup");
  }
  const Base base = FindBase(*unified);
  if (base.directory.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, base.why_not)
        .Layer("cgroup")
        .Hint(kDelegationHint);
  }
  auto lease = std::make_unique<CgroupV2>();
  lease->plan_ = plan;
  if (base.leave) {
    lease->left_ = base.directory;
    lease->enabled_ = KernelControllers(plan);
    CORDON_ASSIGN_OR_RETURN(const UniqueFd directory, OpenAt(kCwd, base.directory, 0));
    const absl::Status made = MakeDirectoryAt(directory.get(), std::string(kSupervisorLeaf), 0755);
    if (!made.ok() && !absl::StrContains(DetailsOf(made)[0].errno_name(), "EEXIST")) return made;
    CORDON_RETURN_IF_ERROR(
        WriteAt(kCwd, absl::StrCat(base.directory, "/", kSupervisorLeaf, "/cgroup.procs"), "0"));
  }
  CORDON_RETURN_IF_ERROR(EnableControllers(base, KernelControllers(plan)));
  SweepStaleGroups(base.directory);
  CORDON_ASSIGN_OR_RETURN(Group group, Group::Make(base.directory, base.path, FreshGroupName()));
  lease->group_.emplace(std::move(group));
  CORDON_RETURN_IF_ERROR(lease->SetLimits());
  CORDON_ASSIGN_OR_RETURN(lease->events_, OpenAt(lease->group_->fd(), "memory.events", 0));
  // The first poll of a fresh descriptor reports an event that was never one.
  CORDON_RETURN_IF_ERROR(Reread(lease->events_.get(), "memory.events").status());
  return std::unique_ptr<CgroupLease>(std::move(lease));
}

// Leaves the delegated group as it was found, so that its owner can enter it again. Best effort:
// with a second sandbox in it the kernel refuses, and then the group is rightly still ours.
void CgroupV2::ReturnToBase() const {
  std::vector<std::string> off;
  for (const std::string& each : enabled_) off.push_back(absl::StrCat("-", each));
  WriteAt(kCwd, absl::StrCat(left_, "/cgroup.subtree_control"), absl::StrJoin(off, " "))
      .IgnoreError();
  WriteAt(kCwd, absl::StrCat(left_, "/cgroup.procs"), "0").IgnoreError();
  const absl::StatusOr<UniqueFd> directory = OpenAt(kCwd, left_, 0);
  if (directory.ok()) {
    RemoveDirectoryAt(directory->get(), std::string(kSupervisorLeaf)).IgnoreError();
  }
}

absl::Status CgroupV2::SetLimits() const {
  const Group& group = *group_;
  CORDON_RETURN_IF_ERROR(group.Write("memory.max", absl::StrCat(plan_.memory_max_bytes())));
  if (plan_.has_memory_high_bytes()) {
    CORDON_RETURN_IF_ERROR(group.Write("memory.high", absl::StrCat(plan_.memory_high_bytes())));
  }
  // Absent without swap accounting; the compiler has made sure that it is not needed then.
  if (group.Has("memory.swap.max")) {
    CORDON_RETURN_IF_ERROR(group.Write("memory.swap.max", absl::StrCat(plan_.swap_max_bytes())));
  }
  CORDON_RETURN_IF_ERROR(group.Write("memory.oom.group", "1"));
  CORDON_RETURN_IF_ERROR(group.Write("pids.max", absl::StrCat(uint64_t{plan_.pids_max()} + 1)));
  // Nothing may be made below the leaf, whatever the job gets to see.
  CORDON_RETURN_IF_ERROR(group.Write("cgroup.max.descendants", "0"));
  if (plan_.has_cpu_quota_us()) {
    CORDON_RETURN_IF_ERROR(
        group.Write("cpu.max", absl::StrCat(plan_.cpu_quota_us(), " ", plan_.cpu_period_us())));
  }
  if (plan_.has_cpu_weight()) {
    CORDON_RETURN_IF_ERROR(group.Write("cpu.weight", absl::StrCat(plan_.cpu_weight())));
  }
  if (!plan_.cpuset_cpus().empty()) {
    CORDON_RETURN_IF_ERROR(group.Write("cpuset.cpus", plan_.cpuset_cpus()));
  }
  for (const v1::IoPlan& io : plan_.io()) {
    const auto field = [](absl::string_view name, bool wanted, uint64_t value) {
      return wanted ? absl::StrCat(" ", name, "=", value) : std::string();
    };
    CORDON_RETURN_IF_ERROR(group.Write(
        "io.max", absl::StrCat(io.device(), field("rbps", io.has_read_bps(), io.read_bps()),
                               field("wbps", io.has_write_bps(), io.write_bps()),
                               field("riops", io.has_read_iops(), io.read_iops()),
                               field("wiops", io.has_write_iops(), io.write_iops()))));
  }
  return absl::OkStatus();
}

absl::Status CgroupV2::Verify(const std::vector<CgroupLine>& membership) {
  const bool member =
      std::any_of(membership.begin(), membership.end(), [&](const CgroupLine& line) {
        return line.controllers.empty() && line.path == group_->path();
      });
  if (!member) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 absl::StrCat("the job is not in ", group_->path()))
        .Stage("verify")
        .Layer("cgroup");
  }
  CORDON_RETURN_IF_ERROR(
      CheckValue(*group_, "memory.max", plan_.memory_max_bytes() & ~(PageSize() - 1)));
  if (group_->Has("memory.swap.max")) {
    CORDON_RETURN_IF_ERROR(
        CheckValue(*group_, "memory.swap.max", plan_.swap_max_bytes() & ~(PageSize() - 1)));
  }
  CORDON_RETURN_IF_ERROR(CheckValue(*group_, "memory.oom.group", 1));
  CORDON_RETURN_IF_ERROR(CheckValue(*group_, "pids.max", uint64_t{plan_.pids_max()} + 1));
  CORDON_RETURN_IF_ERROR(CheckValue(*group_, "cgroup.max.descendants", 0));
  if (plan_.has_cpu_quota_us()) {
    CORDON_ASSIGN_OR_RETURN(const std::string text, group_->Read("cpu.max"));
    const std::string expected =
        absl::StrCat(plan_.cpu_quota_us(), " ", plan_.cpu_period_us(), "\n");
    if (text != expected) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("cpu.max: expected ", expected, ", the kernel says ", text))
          .Stage("verify")
          .Layer("cgroup");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<CgroupUsage> CgroupV2::Collect() {
  CgroupUsage usage;
  CORDON_ASSIGN_OR_RETURN(const std::string cpu, group_->Read("cpu.stat"));
  std::map<std::string, uint64_t> times = ParseFlatKeyed(cpu);
  usage.cpu_ns = times["usage_usec"] * 1000;
  usage.user_ns = times["user_usec"] * 1000;
  usage.system_ns = times["system_usec"] * 1000;
  CORDON_ASSIGN_OR_RETURN(usage.memory_peak_bytes, group_->ReadNumber("memory.peak"));
  CORDON_ASSIGN_OR_RETURN(const std::string events, group_->Read("memory.events"));
  usage.oom_kills = ParseFlatKeyed(events)["oom_kill"];
  usage.oom_source = "memory.events";
  CORDON_ASSIGN_OR_RETURN(const std::string pids, group_->Read("pids.events"));
  usage.forks_denied = ParseFlatKeyed(pids)["max"];
  usage.forks_source = "pids.events";
  const absl::StatusOr<uint64_t> peak = group_->ReadNumber("pids.peak");  // since 6.1
  usage.pids_peak_known = peak.ok();
  if (peak.ok()) usage.pids_peak = *peak;
  return usage;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CgroupLease>> CreateCgroupV2(const v1::CgroupPlan& plan) {
  return CgroupV2::Make(plan);
}

absl::Status ProbeCgroupV2(const std::vector<Hierarchy>& all, v1::HostFacts* facts) {
  const Hierarchy* unified = FindV2(all);
  if (unified == nullptr) return absl::OkStatus();
  const Base base = FindBase(*unified);
  if (base.directory.empty()) {
    facts->set_cgroup_why(absl::StrCat(base.why_not, "; ", kDelegationHint));
    return absl::OkStatus();
  }
  for (const std::string& name : base.controllers) facts->add_cgroup_controllers(name);
  facts->add_cgroup_controllers("cpuacct");
  if (!ContainsAll(base.controllers, {"memory", "pids"})) {
    facts->set_cgroup_why(absl::StrCat(base.directory, " has only the controllers [",
                                       absl::StrJoin(base.controllers, " "), "]; ",
                                       kDelegationHint));
  }
  // memory.swap.max is there exactly when the kernel accounts for swap.
  facts->set_swap_accounting(StatPath("/proc/swaps").ok() &&
                             (unified->own_path == "/" ||
                              StatPath(absl::StrCat(unified->own_dir, "/memory.swap.max")).ok()));
  return absl::OkStatus();
}

}  // namespace cordon
