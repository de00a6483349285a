// SPDX-License-Identifier: Apache-2.0
// The three clocks of a job (wall, CPU, idleness) with their timers, and which limit was reached
// first. Decides when a job is to be ended; ends nothing itself.
#ifndef CORDON_SANDBOX_SUPERVISE_CLOCKS_H_
#define CORDON_SANDBOX_SUPERVISE_CLOCKS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/os/event.h"
#include "sandbox/supervise/limits.h"
#include "sandbox/supervise/verdict.h"

namespace cordon {

// Each On...() is called when its descriptor is readable. It says for which limit the job is to be
// ended now; kNone: not yet. `extra_time` lies between reaching a limit of wall or CPU time and
// that answer, which is then the first of the two that was reached.
class JobClocks {
 public:
  // `plan` and `lease` must outlive it. Without a lease (null) nobody knows what the job uses: the
  // wall clock alone counts.
  static absl::StatusOr<JobClocks> Make(const v1::Plan& plan, CgroupLease* lease);

  int wall_fd() const { return wall_timer_.fd(); }
  int cpu_fd() const { return cpu_timer_.fd(); }
  int idle_fd() const { return idle_timer_.fd(); }

  // The gate was opened then, and the group had used that much.
  absl::Status Launched(uint64_t launched_ns, uint64_t cpu_baseline_ns);
  // The job's program began then.
  absl::Status Began(uint64_t exec_ns);
  absl::StatusOr<KillReason> OnWall();
  absl::StatusOr<KillReason> OnCpu();
  // What went through the job's streams, and whether output waits for a reader that is slow.
  absl::StatusOr<KillReason> OnIdle(uint64_t moved_bytes, bool output_waits);
  // The job is over. The wall timer fires once more at `deadline_ns`, for the clean-up.
  absl::Status Over(uint64_t deadline_ns);
  void Disarm();

  // The limit of wall or CPU time that was reached first, whether or not the job was ended for it.
  KillReason first() const { return first_; }
  // How long nothing had happened at that moment; 0 without a limit on it.
  uint64_t IdleNs(uint64_t at_ns) const;
  // CPU time since the gate; nothing when it cannot be known.
  std::optional<uint64_t> CpuUsed();

 private:
  JobClocks(const v1::Plan& plan, CgroupLease* lease)
      : watch_(&plan.watch()),
        group_(&plan.cgroup()),
        lease_(lease),
        idle_(plan.watch().idle_time_ns()) {}
  bool LimitsCpu() const;
  bool LimitsIdle() const;
  bool CpuReached(uint64_t limit_ns);
  absl::Status ArmCpu(uint64_t used_ns, uint64_t limit_ns);

  const v1::WatchPlan* watch_;
  const v1::CgroupPlan* group_;
  CgroupLease* lease_;
  IdleClock idle_;
  Timer wall_timer_;
  Timer cpu_timer_;
  Timer idle_timer_;
  uint64_t start_ns_ = 0;
  uint64_t cpu_baseline_ns_ = 0;
  KillReason first_ = KillReason::kNone;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_CLOCKS_H_
