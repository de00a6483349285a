// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/health.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/launch/status_pipe.h"
#include "sandbox/os/children.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/supervise/held.h"
#include "sandbox/supervise/limits.h"

namespace cordon {
namespace {

// A check stands a moment before its filter is in force; how soon to look again.
constexpr uint64_t kLookAgainNs = 500'000;
// In which the checker, which does nothing else, must have ended a check.
constexpr uint64_t kStopNs = 10'000'000'000;

}  // namespace

absl::StatusOr<HealthMonitor> HealthMonitor::Make(Sandbox* sandbox, const v1::HealthPlan& plan) {
  CORDON_ASSIGN_OR_RETURN(Timer timer, Timer::Make());
  return HealthMonitor(sandbox, plan, std::move(timer));
}

absl::Status HealthMonitor::Begin(uint64_t start_ns) {
  if (over_) return absl::OkStatus();
  start_ns_ = start_ns;
  state_ = State::kWaiting;
  return Step();
}

void HealthMonitor::End() {
  timer_.Disarm();
  over_ = true;
  state_ = State::kOff;
}

absl::Status HealthMonitor::Step() {
  timer_.Acknowledge();
  switch (state_) {
    case State::kOff:
      return absl::OkStatus();
    case State::kWaiting:
      return Ask();
    case State::kVerifying:
      return MonotonicNs() < deadline_ns_ ? Look() : Stop();
    case State::kStarting:
    case State::kRunning:
      return Stop();
    case State::kStopping:
      Lose("does not answer");
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status HealthMonitor::Ask() {
  ++number_;
  check_inside_ = 0;
  timed_out_ = false;
  not_started_.clear();
  began_ns_ = MonotonicNs();
  deadline_ns_ = WallDeadline(began_ns_, plan_->timeout_ns());
  state_ = State::kStarting;
  CORDON_RETURN_IF_ERROR(Tell(child::kByteCheck));
  return timer_.ArmAt(deadline_ns_);
}

absl::Status HealthMonitor::Stop() {
  timed_out_ = true;
  state_ = State::kStopping;
  CORDON_RETURN_IF_ERROR(Tell(child::kByteStopCheck));
  return timer_.ArmAt(MonotonicNs() + kStopNs);
}

// Never blocks: at most two bytes are on their way. A checker that is gone is told by the init.
absl::Status HealthMonitor::Tell(char byte) {
  absl::Status told =
      WriteAll(sandbox_->child().control.get(), "control pipe", absl::string_view(&byte, 1));
  if (!told.ok() && DetailsOf(told)[0].errno_value() == EPIPE) return absl::OkStatus();
  return told;
}

void HealthMonitor::Lose(const std::string& why) {
  if (checker_end_.empty()) checker_end_ = why;
  End();
}

absl::Status HealthMonitor::OnFrame(const child::StatusFrame& frame) {
  const auto number = static_cast<uint32_t>(frame.aux64 >> 32);
  switch (frame.kind) {
    case child::FrameKind::kCheckerForked: {
      const absl::StatusOr<FoundChild> found = FindChild(sandbox_->child().pid, frame.aux);
      if (!found.ok() && !absl::IsNotFound(found.status())) return found.status();
      if (found.ok()) checker_ = found->pid;  // else its end is told, too
      return absl::OkStatus();
    }
    case child::FrameKind::kCheckStands:
      if (state_ != State::kStarting || frame.aux64 != number_) return absl::OkStatus();
      check_inside_ = frame.aux;
      state_ = State::kVerifying;
      return Look();
    case child::FrameKind::kCheckFailed: {
      if (frame.aux != number_) return absl::OkStatus();
      const v1::ErrorDetail detail =
          DetailsOf(StepError(frame, sandbox_->program().program(), plan_->argv(0)))[0];
      not_started_ = absl::StrCat("not started: ", detail.step(), ": ", detail.errno_name());
      return absl::OkStatus();
    }
    case child::FrameKind::kCheckEnded:
      if (state_ == State::kOff || number != number_) return absl::OkStatus();
      return OnEnd(static_cast<int>(frame.aux), static_cast<int>(frame.aux64 & 0xffffffffu));
    case child::FrameKind::kCheckerEnded:
      if (over_) return absl::OkStatus();
      Lose(absl::StrCat("ended: ",
                        EndText(static_cast<int>(frame.aux), static_cast<int>(frame.aux64))));
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

// The check spins in front of its program meanwhile. One that has died is told by the checker.
absl::Status HealthMonitor::Look() {
  const absl::StatusOr<FoundChild> check = FindChild(checker_, check_inside_);
  if (absl::IsNotFound(check.status())) {
    state_ = State::kRunning;
    return timer_.ArmAt(deadline_ns_);
  }
  if (!check.ok()) return check.status();
  CORDON_ASSIGN_OR_RETURN(const Held held, LookAtHeld(*sandbox_, *check, VerifyCheck));
  if (held == Held::kNotYet) {
    return timer_.ArmAt(std::min(deadline_ns_, MonotonicNs() + kLookAgainNs));
  }
  if (held == Held::kYes) {
    __atomic_store_n(&sandbox_->child().region()->check_go, number_, __ATOMIC_RELEASE);
  }
  state_ = State::kRunning;
  return timer_.ArmAt(deadline_ns_);
}

absl::Status HealthMonitor::OnEnd(int code, int status) {
  const uint64_t now = MonotonicNs();
  const child::SharedRegion& region = *sandbox_->child().region();
  CheckResult result;
  result.began_ns = Since(began_ns_);
  result.ended_ns = Since(now);
  result.timed_out = timed_out_;
  result.passed = !timed_out_ && not_started_.empty() && code == CLD_EXITED && status == 0;
  result.end = timed_out_              ? "timeout"
               : !not_started_.empty() ? not_started_
                                       : EndText(code, status);
  result.output.assign(region.check_output,
                       std::min(region.check_output_size, child::kCheckOutput));
  log_.Add(result);
  state_ = State::kWaiting;
  return timer_.ArmAt(WallDeadline(now, plan_->interval_ns()));
}

uint64_t HealthMonitor::Since(uint64_t clock_ns) const {
  return clock_ns - std::min(clock_ns, start_ns_);
}

void HealthMonitor::Fill(Observations* seen) const {
  log_.Fill(seen);
  seen->checker_end = checker_end_;
}

}  // namespace cordon
