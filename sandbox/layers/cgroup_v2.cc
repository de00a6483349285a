// SPDX-License-Identifier: Apache-2.0
// cgroup v2 backend: one leaf per job in the subtree that was delegated to the caller.
#include <sys/epoll.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/status.h"
#include "sandbox/layers/cgroup_base.h"
#include "sandbox/layers/cgroup_group.h"
#include "sandbox/layers/cgroup_limits.h"
#include "sandbox/layers/cgroup_stat.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr int kRemoveWaitMs = 500;

// Accounting is in every v2 group; only limits need a controller.
std::vector<std::string> KernelControllers(const v1::CgroupPlan& plan) {
  std::vector<std::string> names;
  for (const std::string& each : plan.controllers()) {
    if (each != "cpuacct") names.push_back(each);
  }
  return names;
}

// Without the file there must be nothing that it could limit.
absl::Status CheckNoSwap() {
  CORDON_ASSIGN_OR_RETURN(const std::string swaps, ReadAt(kCwd, "/proc/swaps"));
  if (std::count(swaps.begin(), swaps.end(), '\n') <= 1) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               "the host has swap and its control groups do not limit it")
      .Layer("cgroup")
      .Hint("boot without cgroup.memory=noswap, or turn swap off (swapoff -a)");
}

class CgroupV2 : public CgroupLease {
 public:
  static absl::StatusOr<std::unique_ptr<CgroupLease>> Make(const v1::CgroupPlan& plan);

  ~CgroupV2() override {
    Kill().IgnoreError();
    Remove().IgnoreError();
    if (leaf_.has_value()) leaf_->Return();
  }

  int CloneFd() const override { return group_->fd(); }
  absl::Status Enter(pid_t) override { return absl::OkStatus(); }
  absl::Status VerifyMember(const std::vector<CgroupLine>& membership) override;
  absl::Status VerifyLimits() override;
  // Kernel: proc_cgroup_show() in kernel/cgroup/cgroup.c.
  bool ShowsGroupOfDead() const override { return true; }

  absl::Status AddProcess() override;

  absl::StatusOr<uint64_t> CpuNs() override {
    CORDON_ASSIGN_OR_RETURN(const std::string text, group_->Read("cpu.stat"));
    return ParseFlatKeyed(text)["usage_usec"] * 1000;
  }

  void SettleCpu() override { SettleCpuOf(*group_, *group_, "cgroup.threads"); }

  absl::StatusOr<CgroupNow> Now() override {
    CgroupNow now;
    CORDON_ASSIGN_OR_RETURN(now.cpu_ns, CpuNs());
    CORDON_ASSIGN_OR_RETURN(now.memory_bytes, MemoryNow());
    CORDON_ASSIGN_OR_RETURN(now.pids, group_->ReadNumber("pids.current"));
    return now;
  }

  absl::StatusOr<CgroupUsage> Collect() override;
  std::optional<MemoryParts> Memory() override {
    MemoryNow().IgnoreError();
    const absl::StatusOr<std::string> text = group_->Read("memory.stat");
    return text.ok() ? ParseMemoryStatV2(*text) : std::nullopt;
  }
  bool AnyInState(char state) override {
    return AnyThreadInState(*group_, "cgroup.threads", state);
  }
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
    return absl::StrCat("cgroup v2 (", absl::StrJoin(plan_.controllers(), ", "), ") ",
                        group_->path());
  }

 private:
  void CollectMore(CgroupUsage* usage) const;
  absl::StatusOr<uint64_t> MemoryNow() {
    CORDON_ASSIGN_OR_RETURN(const uint64_t now, group_->ReadNumber("memory.current"));
    sampled_peak_ = std::max(sampled_peak_, now);
    return now;
  }
  v1::CgroupPlan plan_;
  std::vector<LimitFile> limits_;
  absl::optional<SupervisorLeaf> leaf_;  // ours, in a base that we had to leave
  std::optional<Group> group_;
  uint64_t sampled_peak_ = 0;
  UniqueFd events_;
};

absl::StatusOr<std::unique_ptr<CgroupLease>> CgroupV2::Make(const v1::CgroupPlan& plan) {
  auto lease = std::make_unique<CgroupV2>();  // before the lock, which it takes when it goes
  lease->plan_ = plan;
  // Order: from the first new group until the job's group is there, the base must not be handed
  // back by another supervisor that ends just now.
  CORDON_ASSIGN_OR_RETURN(LockedBase locked, LockOwnBase());
  const CgroupBase& base = locked.base;
  if (base.directory.empty()) {
    Error error(absl::StatusCode::kFailedPrecondition, base.why_not);
    if (!base.trouble.ok()) {
      const v1::ErrorDetail detail = DetailsOf(base.trouble)[0];
      error.Syscall(detail.syscall(), detail.object(), detail.errno_value());
    }
    return error.Layer("cgroup").Hint(DelegationHint(StandingOf(locked.unified)));
  }
  SweepStaleGroups(base.directory);
  if (base.leave) {
    CORDON_ASSIGN_OR_RETURN(SupervisorLeaf leaf, SupervisorLeaf::Enter(base));
    lease->leaf_.emplace(std::move(leaf));
  } else {
    lease->leaf_ = SupervisorLeaf::Current(locked.unified);
  }
  CORDON_RETURN_IF_ERROR(EnableControllers(base, KernelControllers(plan)));
  CORDON_ASSIGN_OR_RETURN(Group group, Group::Make(base.directory, base.path, FreshGroupName()));
  lease->group_.emplace(std::move(group));
  locked.lock = UniqueFd();
  const bool swap = lease->group_->Has("memory.swap.max");
  if (!swap) CORDON_RETURN_IF_ERROR(CheckNoSwap());
  lease->limits_ = LimitsOfV2(plan, PageSize(), swap);
  for (const LimitFile& limit : lease->limits_) {
    CORDON_RETURN_IF_ERROR(SetLimit(*lease->group_, limit));
  }
  CORDON_ASSIGN_OR_RETURN(lease->events_, OpenAt(lease->group_->fd(), "memory.events", 0));
  // The first poll of a fresh descriptor reports an event that was never one.
  CORDON_RETURN_IF_ERROR(Reread(lease->events_.get(), "memory.events").status());
  return std::unique_ptr<CgroupLease>(std::move(lease));
}

absl::Status CgroupV2::VerifyMember(const std::vector<CgroupLine>& membership) {
  return CheckMember(membership, "", group_->path());
}

absl::Status CgroupV2::AddProcess() {
  for (LimitFile& limit : limits_) {
    if (limit.file == "pids.max") return AddProcessTo(*group_, plan_, &limit);
  }
  return absl::OkStatus();
}

absl::Status CgroupV2::VerifyLimits() {
  for (const LimitFile& limit : limits_) CORDON_RETURN_IF_ERROR(CheckLimit(*group_, limit));
  return absl::OkStatus();
}

absl::StatusOr<CgroupUsage> CgroupV2::Collect() {
  const std::optional<MemoryParts> memory = Memory();
  CORDON_ASSIGN_OR_RETURN(CgroupUsage usage, ReadUsageV2(*group_, sampled_peak_));
  usage.memory = memory;
  CollectMore(&usage);
  return usage;
}

// What is good to know; a file that is not there is no reason to give no report.
void CgroupV2::CollectMore(CgroupUsage* usage) const {
  const absl::StatusOr<uint64_t> swap_peak = group_->ReadNumber("memory.swap.peak");  // since 6.5
  const absl::StatusOr<uint64_t> swap_now = group_->ReadNumber("memory.swap.current");
  if (plan_.swap_max_bytes() == 0) {
    usage->swap_peak = 0;
    usage->swap_peak_exact = true;
  } else if (swap_peak.ok()) {
    usage->swap_peak = *swap_peak;
    usage->swap_peak_exact = true;
  } else if (swap_now.ok()) {
    usage->swap_peak = *swap_now;
  }
  const absl::StatusOr<std::string> io = group_->Read("io.stat");
  if (io.ok()) usage->io = ParseIoStat(*io);
  ReadPressure(*group_, usage);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CgroupLease>> CreateCgroupV2(const v1::CgroupPlan& plan) {
  return CgroupV2::Make(plan);
}

absl::Status ProbeCgroupV2(const std::vector<Hierarchy>& all, v1::HostFacts* facts) {
  CORDON_ASSIGN_OR_RETURN(const CgroupBase base, FindOwnCgroupBase(all));
  const Standing at = StandingOf(*FindV2(all));
  if (base.directory.empty()) {
    facts->set_cgroup_why(absl::StrCat(base.why_not, "; ", DelegationHint(at)));
    return absl::OkStatus();
  }
  for (const std::string& name : base.controllers) facts->add_cgroup_controllers(name);
  facts->add_cgroup_controllers("cpuacct");
  facts->set_cgroup_why(absl::StrCat(base.directory, " has only the controllers [",
                                     absl::StrJoin(base.controllers, " "), "]; ",
                                     ControllersHint(at)));
  // memory.swap.max is there exactly when the kernel accounts for swap, but not at the top.
  facts->set_swap_accounting(base.path == "/" ||
                             StatPath(absl::StrCat(base.directory, "/memory.swap.max")).ok());
  return absl::OkStatus();
}

}  // namespace cordon
