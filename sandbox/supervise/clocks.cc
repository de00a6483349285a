// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/clocks.h"

#include <algorithm>
#include <utility>

#include "policy/base/status.h"
#include "policy/base/units.h"
#include "sandbox/os/process.h"

namespace cordon {

absl::StatusOr<JobClocks> JobClocks::Make(const v1::Plan& plan, CgroupLease* lease) {
  JobClocks clocks(plan, lease);
  CORDON_ASSIGN_OR_RETURN(clocks.wall_timer_, Timer::Make());
  CORDON_ASSIGN_OR_RETURN(clocks.cpu_timer_, Timer::Make());
  CORDON_ASSIGN_OR_RETURN(clocks.idle_timer_, Timer::Make());
  return clocks;
}

bool JobClocks::LimitsCpu() const {
  return lease_ != nullptr && watch_->cpu_time_ns() != kUnlimited;
}

bool JobClocks::LimitsIdle() const {
  return lease_ != nullptr && watch_->idle_time_ns() != kUnlimited;
}

bool JobClocks::CpuReached(uint64_t limit_ns) {
  return LimitsCpu() && CpuUsed().value_or(0) >= limit_ns;
}

// The supply is asked for each time: processors come and go.
absl::Status JobClocks::ArmCpu(uint64_t used_ns, uint64_t limit_ns) {
  return cpu_timer_.ArmAt(
      NextCpuCheck(MonotonicNs(), used_ns, limit_ns, SupplyOf(*group_, OnlineCpus())));
}

absl::Status JobClocks::Launched(uint64_t launched_ns, uint64_t cpu_baseline_ns) {
  start_ns_ = launched_ns;
  cpu_baseline_ns_ = cpu_baseline_ns;
  CORDON_RETURN_IF_ERROR(wall_timer_.ArmAt(WallDeadline(start_ns_, watch_->wall_time_ns())));
  return LimitsCpu() ? ArmCpu(0, watch_->cpu_time_ns()) : absl::OkStatus();
}

absl::Status JobClocks::Began(uint64_t exec_ns) {
  start_ns_ = exec_ns;
  CORDON_RETURN_IF_ERROR(wall_timer_.ArmAt(WallDeadline(start_ns_, watch_->wall_time_ns())));
  if (!LimitsIdle()) return absl::OkStatus();
  idle_.Restart(exec_ns);
  return idle_timer_.ArmAt(idle_.NextLook());
}

std::optional<uint64_t> JobClocks::CpuUsed() {
  if (lease_ == nullptr) return std::nullopt;
  const absl::StatusOr<uint64_t> now = lease_->CpuNs();
  if (!now.ok()) return std::nullopt;
  return *now - std::min(*now, cpu_baseline_ns_);
}

absl::StatusOr<KillReason> JobClocks::OnWall() {
  wall_timer_.Acknowledge();
  const uint64_t now = MonotonicNs();
  const uint64_t limit = WallDeadline(start_ns_, watch_->wall_time_ns());
  const uint64_t end = WallDeadline(limit, watch_->extra_time_ns());
  if (now >= limit && first_ == KillReason::kNone) {
    // The CPU timer may be about to fire, too: the group's clock says which limit came first.
    first_ = CpuReached(watch_->cpu_time_ns()) ? KillReason::kCpu : KillReason::kWall;
  }
  if (now >= end) return first_;
  // Reached for the first time, or an expiry of before the clock was set to the job's begin.
  CORDON_RETURN_IF_ERROR(wall_timer_.ArmAt(now >= limit ? end : limit));
  return KillReason::kNone;
}

absl::StatusOr<KillReason> JobClocks::OnCpu() {
  cpu_timer_.Acknowledge();
  if (lease_ != nullptr) lease_->SettleCpu();
  const uint64_t used = CpuUsed().value_or(0);
  const uint64_t limit = watch_->cpu_time_ns();
  const uint64_t end = WallDeadline(limit, watch_->extra_time_ns());
  if (used >= limit && first_ == KillReason::kNone) first_ = KillReason::kCpu;
  if (used >= end) return first_;
  CORDON_RETURN_IF_ERROR(ArmCpu(used, used >= limit ? end : limit));
  return KillReason::kNone;
}

absl::StatusOr<KillReason> JobClocks::OnIdle(uint64_t moved_bytes, bool output_waits) {
  idle_timer_.Acknowledge();
  const uint64_t now = MonotonicNs();
  const std::optional<uint64_t> used = CpuUsed();
  bool idle = idle_.Look(now, used.value_or(0), moved_bytes, output_waits);
  // One that is ready to run and gets no processor is not idle. Asked last: it costs a read for
  // each thread.
  if (idle && (!used.has_value() || lease_->AnyInState('R'))) {
    idle_.Restart(now);
    idle = false;
  }
  if (idle) {
    return KillReason::kIdle;
  }
  CORDON_RETURN_IF_ERROR(idle_timer_.ArmAt(idle_.NextLook()));
  return KillReason::kNone;
}

uint64_t JobClocks::IdleNs(uint64_t at_ns) const {
  return LimitsIdle() ? at_ns - std::min(at_ns, idle_.since_ns()) : 0;
}

absl::Status JobClocks::Over(uint64_t deadline_ns) {
  cpu_timer_.Disarm();
  idle_timer_.Disarm();
  return wall_timer_.ArmAt(deadline_ns);
}

void JobClocks::Disarm() {
  wall_timer_.Disarm();
  cpu_timer_.Disarm();
  idle_timer_.Disarm();
}

}  // namespace cordon
