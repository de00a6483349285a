// SPDX-License-Identifier: Apache-2.0
// Has the health checks of a job made: asks the checker inside (child/checker.cc) for one after the
// other, reads each before its program begins, and ends those that take too long. Nothing that the
// payload can do makes a check pass that did not: it can only keep one from being made, and that is
// a failure.
#ifndef CORDON_SANDBOX_SUPERVISE_HEALTH_H_
#define CORDON_SANDBOX_SUPERVISE_HEALTH_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/child/wire.h"
#include "sandbox/os/event.h"
#include "sandbox/sandbox.h"
#include "sandbox/supervise/health_log.h"
#include "sandbox/supervise/verdict.h"

namespace cordon {

class HealthMonitor {
 public:
  // Both must outlive it.
  static absl::StatusOr<HealthMonitor> Make(Sandbox* sandbox, const v1::HealthPlan& plan);

  int fd() const { return timer_.fd(); }  // readable when Step is due
  // The program of the job has begun: the first check is due.
  absl::Status Begin(uint64_t start_ns);
  // An error means that a check is not held as the payload is, or that the host fails: the job must
  // be ended, and there is no verdict.
  absl::Status Step();
  // Any frame; those that are not about checks are left alone.
  absl::Status OnFrame(const child::StatusFrame& frame);
  // The main process has ended, or the job is ended: no more checks.
  void End();

  // The job is to be ended.
  bool unhealthy() const { return log_.unhealthy() || !checker_end_.empty(); }
  void Fill(v1::Report* report) const { log_.Fill(report->mutable_health()); }
  void Fill(Observations* seen) const;

 private:
  enum class State {
    kOff,
    kWaiting,    // for the time of the next check
    kStarting,   // asked for
    kVerifying,  // it stands; its filter is not there yet
    kRunning,
    kStopping,  // it takes too long, and the checker is to end it
  };

  HealthMonitor(Sandbox* sandbox, const v1::HealthPlan& plan, Timer timer)
      : sandbox_(sandbox), plan_(&plan), timer_(std::move(timer)), log_(plan) {}
  absl::Status Ask();
  absl::Status Stop();
  absl::Status Look();
  absl::Status OnEnd(int code, int status);
  absl::Status Tell(char byte);
  void Lose(const std::string& why);
  uint64_t Since(uint64_t clock_ns) const;

  Sandbox* sandbox_;
  const v1::HealthPlan* plan_;
  Timer timer_;
  HealthLog log_;
  State state_ = State::kOff;
  bool over_ = false;
  uint64_t start_ns_ = 0;
  pid_t checker_ = 0;    // on the host
  uint32_t number_ = 0;  // of the check
  uint32_t check_inside_ = 0;
  uint64_t began_ns_ = 0;     // the check was asked for
  uint64_t deadline_ns_ = 0;  // of the check
  bool timed_out_ = false;
  std::string not_started_;  // why its program was not
  std::string checker_end_;  // why no check can be made any more
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_HEALTH_H_
