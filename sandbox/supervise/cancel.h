// SPDX-License-Identifier: Apache-2.0
// The time between a request to cancel a job and the end of it: the main process is asked first.
#ifndef CORDON_SANDBOX_SUPERVISE_CANCEL_H_
#define CORDON_SANDBOX_SUPERVISE_CANCEL_H_

#include <sys/types.h>

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/os/event.h"
#include "sandbox/supervise/verdict.h"

namespace cordon {

class CancelGrace {
 public:
  // `launch` says how long, and which signal; it must outlive this.
  static absl::StatusOr<CancelGrace> Make(const v1::LaunchPlan& launch);

  int fd() const { return timer_.fd(); }  // readable when the time is over

  bool wanted() const { return launch_->cancel_grace_ns() != 0; }
  // A request. True: the main process, `main_inside` in the sandbox of `init`, has got the signal
  // and has time to end. False: kill now. That is so without a grace, for a second request, for a
  // job that has not begun (0), and when the signal could not be sent.
  bool Request(pid_t init, uint32_t main_inside);

  void Acknowledge() { timer_.Acknowledge(); }

  // For the verdict's evidence.
  void Fill(Observations* seen) const;

 private:
  CancelGrace(const v1::LaunchPlan& launch, Timer timer)
      : launch_(&launch), timer_(std::move(timer)) {}

  const v1::LaunchPlan* launch_;
  Timer timer_;
  bool requested_ = false;
  bool sent_ = false;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_CANCEL_H_
