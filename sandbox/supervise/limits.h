// SPDX-License-Identifier: Apache-2.0
// Deadlines as values. No clock is read here: times are arguments, in nanoseconds.
#ifndef CORDON_SANDBOX_SUPERVISE_LIMITS_H_
#define CORDON_SANDBOX_SUPERVISE_LIMITS_H_

#include <cstdint>

#include "policy/proto/plan.pb.h"

namespace cordon {

// start + limit; saturates instead of wrapping round to "already over".
uint64_t WallDeadline(uint64_t start_ns, uint64_t limit_ns);

// How much CPU time a job can get at most.
struct CpuSupply {
  uint32_t cpus = 1;      // on which it may run
  uint64_t quota_ns = 0;  // in each period, for all of it; 0: no quota
  uint64_t period_ns = 0;
};

// The processors of its group's cpuset, or all `online` ones: an affinity is not a bound, since the
// job may widen it again.
CpuSupply SupplyOf(const v1::CgroupPlan& plan, uint32_t online);

// The earliest moment at which a job that has used `used_ns` of `limit_ns` can have used all of it:
// looking earlier would be in vain, so this is the only wake-up needed. Never sooner than
// kCpuCheckFloorNs, which bounds the overshoot and the number of wake-ups near the end.
uint64_t NextCpuCheck(uint64_t now_ns, uint64_t used_ns, uint64_t limit_ns,
                      const CpuSupply& supply);

inline constexpr uint64_t kCpuCheckFloorNs = 500'000;

// When a job has been idle for its limit. It is looked at four times in that time; what it does in
// between counts as done at the look behind it, so idleness is never found too early, and at most a
// quarter of the limit too late. The time by which a look itself is late counts for nobody: what
// kept us from looking (a host that pauses a virtual machine) may have kept the job from running.
class IdleClock {
 public:
  explicit IdleClock(uint64_t limit_ns) : limit_ns_(limit_ns) {}

  // The job begins now, or has been busy until now.
  void Restart(uint64_t now_ns);
  uint64_t NextLook() const;
  // What is seen at a look: the job's CPU time, the bytes that went to it and came from it, both
  // since its begin, and whether bytes of it wait for a reader that is slow. True: idle for the
  // limit. A job that uses less than kBusyPart of one processor does nothing: timers of runtimes
  // that only wait use as much.
  bool Look(uint64_t now_ns, uint64_t cpu_ns, uint64_t moved_bytes, bool output_waits);
  // Since when nothing has happened, put off by all that looks were late.
  uint64_t since_ns() const { return since_ns_; }

  static constexpr uint64_t kBusyPart = 100;  // a hundredth

 private:
  uint64_t limit_ns_;
  uint64_t since_ns_ = 0;
  uint64_t looked_ns_ = 0;
  uint64_t cpu_ns_ = 0;
  uint64_t moved_bytes_ = 0;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_LIMITS_H_
