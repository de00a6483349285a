// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/cancel.h"

#include <utility>

#include "policy/base/status.h"
#include "sandbox/os/children.h"
#include "sandbox/os/process.h"
#include "sandbox/supervise/limits.h"

namespace cordon {

absl::StatusOr<CancelGrace> CancelGrace::Make(const v1::LaunchPlan& launch) {
  CORDON_ASSIGN_OR_RETURN(Timer timer, Timer::Make());
  return CancelGrace(launch, std::move(timer));
}

bool CancelGrace::Request(pid_t init, uint32_t main_inside) {
  const bool first = !std::exchange(requested_, true);
  if (!first || !wanted() || main_inside == 0) return false;
  const absl::StatusOr<FoundChild> main = FindChild(init, main_inside);
  if (!main.ok()) return false;
  const int number = static_cast<int>(launch_->cancel_signal());
  if (!timer_.ArmAt(WallDeadline(MonotonicNs(), launch_->cancel_grace_ns())).ok()) return false;
  sent_ = SignalPidfd(main->pidfd.get(), number).ok();
  return sent_;
}

void CancelGrace::Fill(Observations* seen) const {
  if (!sent_) return;
  seen->asked_signal = static_cast<int>(launch_->cancel_signal());
  seen->cancel_grace_ns = launch_->cancel_grace_ns();
}

}  // namespace cordon
