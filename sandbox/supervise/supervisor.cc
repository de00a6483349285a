// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/supervisor.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/base/units.h"
#include "sandbox/launch/status_pipe.h"
#include "sandbox/layers/layer.h"
#include "sandbox/os/children.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/supervise/cancel.h"
#include "sandbox/supervise/clocks.h"
#include "sandbox/supervise/dead_payload.h"
#include "sandbox/supervise/denials.h"
#include "sandbox/supervise/health.h"
#include "sandbox/supervise/held.h"
#include "sandbox/supervise/notify.h"
#include "sandbox/supervise/relay.h"
#include "sandbox/supervise/timeline.h"
#include "sandbox/supervise/timing.h"
#include "sandbox/supervise/usage.h"
#include "sandbox/supervise/verdict.h"
#include "sandbox/supervise/watcher.h"

namespace cordon {
namespace {

// How long the init may take to end the rest of the tree after the main process ended.
constexpr uint64_t kCleanupNs = 2'000'000'000;
// How often a job that was killed is asked after. Only what waits for a device or a file system
// outlives it; tearing down a large job may take as long, too.
constexpr uint64_t kAfterKillNs = 10'000'000'000;

absl::Status AtRun(const absl::Status& status, absl::string_view step) {
  return WithStep(WithLayer(WithStage(status, "run"), "supervisor"), step);
}

}  // namespace

// What must be heard of: a descriptor that epoll does not take would be waited for in vain.
absl::Status Watcher::Watch(int fd, uint32_t events, WatchToken token) {
  CORDON_ASSIGN_OR_RETURN(const bool added, epoll_->Add(fd, events, token));
  return added ? absl::OkStatus() : ErrnoStatus("epoll_ctl", "", EPERM);
}

absl::Status Watcher::Start() {
  CORDON_ASSIGN_OR_RETURN(epoll_, Epoll::Make());
  CORDON_ASSIGN_OR_RETURN(clocks_, JobClocks::Make(sandbox_.plan(), sandbox_.lease()));
  if (control_.signals) {
    CORDON_ASSIGN_OR_RETURN(signals_, SignalFd::Make());
    CORDON_RETURN_IF_ERROR(Watch(signals_.fd(), EPOLLIN, kSignal));
  }
  if (control_.cancel_fd >= 0) {
    CORDON_RETURN_IF_ERROR(Watch(control_.cancel_fd, EPOLLIN, kCancel));
  }
  CORDON_ASSIGN_OR_RETURN(grace_, CancelGrace::Make(launch_));
  Child& child = sandbox_.child();
  CORDON_RETURN_IF_ERROR(SetNonBlocking(child.status.get()));
  CORDON_RETURN_IF_ERROR(Watch(child.pidfd.get(), EPOLLIN, kInit));
  CORDON_RETURN_IF_ERROR(Watch(child.status.get(), EPOLLIN, kStatus));
  CORDON_RETURN_IF_ERROR(Watch(clocks_->wall_fd(), EPOLLIN, kWall));
  CORDON_RETURN_IF_ERROR(Watch(clocks_->cpu_fd(), EPOLLIN, kCpu));
  CORDON_RETURN_IF_ERROR(Watch(clocks_->idle_fd(), EPOLLIN, kIdle));
  CORDON_RETURN_IF_ERROR(Watch(grace_->fd(), EPOLLIN, kGraceOver));
  CgroupLease* lease = sandbox_.lease();
  if (lease != nullptr && lease->OomFd() >= 0) {
    CORDON_RETURN_IF_ERROR(Watch(lease->OomFd(), lease->OomEvents(), kOom));
  }
  if (launch_.timeline_interval_ns() != 0) {
    CORDON_ASSIGN_OR_RETURN(timeline_,
                            TimelineSampler::Make(launch_.timeline_interval_ns(), lease,
                                                  sandbox_.plan().cgroup().unavailable_why()));
    CORDON_RETURN_IF_ERROR(Watch(timeline_->fd(), EPOLLIN, kTimeline));
  }
  if (launch_.has_health()) {
    CORDON_ASSIGN_OR_RETURN(health_, HealthMonitor::Make(&sandbox_, launch_.health()));
    CORDON_RETURN_IF_ERROR(Watch(health_->fd(), EPOLLIN, kHealth));
    ++usage_.own_pids;
  }
  CORDON_RETURN_IF_ERROR(out_.Start(&*epoll_));
  CORDON_RETURN_IF_ERROR(err_.Start(&*epoll_));
  return in_.Start(&*epoll_);
}

absl::Status Watcher::Launch(const v1::LaunchPlan& launch) {
  launch_ = launch;
  program_name_ = launch.argv_size() > 0 ? launch.argv(0) : "";
  CORDON_RETURN_IF_ERROR(WithStage(Start(), "prepare"));  // the job has not begun
  denials_.emplace(sandbox_.plan());
  CORDON_RETURN_IF_ERROR(sandbox_.Launch(launch));
  usage_.cpu_baseline_ns = sandbox_.cpu_baseline_ns();
  return clocks_->Launched(sandbox_.launched_ns(), sandbox_.cpu_baseline_ns());
}

absl::Status Watcher::Turn(int timeout_ms) {
  CORDON_ASSIGN_OR_RETURN(const std::vector<Epoll::Event> events, epoll_->Wait(timeout_ms));
  for (const Epoll::Event& event : events) CORDON_RETURN_IF_ERROR(Handle(event));
  if (init_ended_) return absl::OkStatus();
  if (budget_.exceeded) return End(KillReason::kOutput);
  if (health_.has_value() && health_->unhealthy()) return End(KillReason::kUnhealthy);
  return absl::OkStatus();
}

absl::Status Watcher::Handle(const Epoll::Event& event) {
  switch (event.token) {
    case kInit:
      return OnInitEnd();
    case kStatus:
      return OnStatus();
    case kWall:
      return OnWallTimer();
    case kCpu:
      return OnCpuTimer();
    case kIdle:
      return OnIdleTimer();
    case kOom:
      // v1 signals before the killer has run; whatever comes of it, the group is at its limit.
      if (sandbox_.lease()->OomSeen()) return End(KillReason::kMemory);
      return absl::OkStatus();
    case kSignal:
      return OnSignal();
    case kCancel:
      epoll_->Remove(control_.cancel_fd);  // it stays readable
      return Cancel(0);
    case kGraceOver:
      return OnGraceOver();
    case kNotify:
      return AnswerCalls();
    case kTimeline:
      return timeline_->Step();
    case kHealth:
      return health_->Step();
    case kStdin:
    case kStdin + 1:
      return in_.Step(&*epoll_);
    case kStdout:
    case kStdout + 1:
      return out_.Step(&*epoll_);
    default:
      return err_.Step(&*epoll_);
  }
}

absl::Status Watcher::OnSignal() {
  const int number = signals_.Read();
  return number == 0 ? absl::OkStatus() : Cancel(number);
}

absl::Status Watcher::OnGraceOver() {
  grace_->Acknowledge();
  if (init_ended_) return absl::OkStatus();
  seen_.cancel_killed = !seen_.main_ended;
  return End(KillReason::kCancelled);
}

absl::Status Watcher::Cancel(int signal) {
  if (seen_.killed == KillReason::kNone && !cancel_waits_) seen_.cancel_signal = signal;
  if (init_ended_) {
    // The job is over; only its last output waits for a consumer that does not read.
    out_.Abandon(&*epoll_);
    err_.Abandon(&*epoll_);
    return absl::OkStatus();
  }
  // A program that has not begun cannot be asked; it is as soon as it has.
  if (exec_ns_ == 0 && grace_->wanted() && !std::exchange(cancel_waits_, true)) {
    return absl::OkStatus();
  }
  if (seen_.main_ended || !grace_->Request(sandbox_.child().pid, main_inside_)) {
    seen_.cancel_killed = true;
    return End(KillReason::kCancelled);
  }
  if (seen_.killed == KillReason::kNone) seen_.killed = KillReason::kCancelled;
  return absl::OkStatus();
}

absl::Status Watcher::EndFor(KillReason reason, const std::vector<std::string>& why) {
  if (init_ended_) return absl::OkStatus();
  seen_.why = why;
  return End(reason);
}

absl::Status Watcher::OnStatus() {
  for (;;) {
    // Descriptors are taken only where one is wanted.
    const bool wanted = ListensToFilter(sandbox_.plan()) && !notifier_.has_value();
    const absl::StatusOr<std::optional<child::StatusFrame>> frame =
        ReadFrame(sandbox_.child().status.get(), 0, wanted ? &listener_ : nullptr);
    if (absl::IsUnavailable(frame.status())) return absl::OkStatus();
    if (!frame.ok()) return frame.status();
    if (!frame->has_value()) {
      epoll_->Remove(sandbox_.child().status.get());
      return absl::OkStatus();
    }
    CORDON_RETURN_IF_ERROR(OnFrame(**frame));
  }
}

absl::Status Watcher::OnFrame(const child::StatusFrame& frame) {
  switch (frame.kind) {
    case child::FrameKind::kListener:
      return OnListener(frame.aux);
    case child::FrameKind::kExecDone:
      if (ListensToFilter(sandbox_.plan()) && !filter_seen_) {
        return Error(absl::StatusCode::kInternal,
                     "the job began, and its filter was not seen in force with its listener")
            .Layer("seccomp");
      }
      exec_ns_ = sandbox_.ExecTime(frame.monotonic_ns);
      main_inside_ = frame.aux;
      // Not before: the job does not wait for it.
      stolen_before_ = StolenNow();
      if (denials_->reads()) CORDON_RETURN_IF_ERROR(FindMain(main_inside_));
      if (timeline_.has_value()) {
        CORDON_RETURN_IF_ERROR(
            timeline_->Begin(exec_ns_, sandbox_.cpu_baseline_ns(), usage_.own_pids));
      }
      if (health_.has_value()) CORDON_RETURN_IF_ERROR(health_->Begin(exec_ns_));
      if (cancel_waits_) CORDON_RETURN_IF_ERROR(Cancel(seen_.cancel_signal));
      return clocks_->Began(exec_ns_);
    case child::FrameKind::kExecFailed:
    case child::FrameKind::kStepFailed:
      launch_error_ = StepError(frame, sandbox_.program().program(), program_name_);
      return absl::OkStatus();
    case child::FrameKind::kWaitStatus:
      CORDON_RETURN_IF_ERROR(AnswerCalls());
      seen_.main_ended = true;
      seen_.wait_code = static_cast<int>(frame.aux);
      seen_.wait_status = static_cast<int>(static_cast<uint32_t>(frame.aux64));
      seen_.killed_by_filter = (frame.aux64 & child::kKilledByFilter) != 0;
      MarkEnd(frame.monotonic_ns);
      group_.Look(sandbox_, false);
      if (health_.has_value()) health_->End();
      // From now on the wall timer only bounds the clean-up.
      return clocks_->Over(MonotonicNs() + kCleanupNs);
    case child::FrameKind::kFileSignal:
      MarkEnd(frame.monotonic_ns);
      seen_.written = BytesWritten(sandbox_.child().pid, frame.aux);
      __atomic_store_n(&sandbox_.child().region()->payload_read, 1, __ATOMIC_RELEASE);
      return absl::OkStatus();
    case child::FrameKind::kUsage:
    case child::FrameKind::kUsageCount:
      usage_.init.Add(frame);
      return absl::OkStatus();
    default:
      return health_.has_value() ? health_->OnFrame(frame) : absl::OkStatus();
  }
}

absl::Status Watcher::OnInitEnd() {
  if (init_ended_) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(OnStatus());  // frames that were written before it died
  group_.Look(sandbox_, true);
  CORDON_ASSIGN_OR_RETURN(const WaitResult result, WaitPidfd(sandbox_.child().pidfd.get(), true));
  sandbox_.child().reaped = result.ended;
  init_ended_ = true;
  MarkEnd(MonotonicNs());
  if (exec_ns_ == 0 && seen_.killed == KillReason::kNone) {
    // Nobody has said that the job's program began: that is no verdict about the job.
    launch_error_.Update(
        SilentDeathError(*sandbox_.child().region(), sandbox_.program().program()));
  }
  epoll_->Remove(sandbox_.child().pidfd.get());
  clocks_->Disarm();
  if (timeline_.has_value()) timeline_->End();
  if (health_.has_value()) health_->End();
  in_.Stop(&*epoll_);
  // Every writer is dead: what is left in the pipes is all there is.
  CORDON_RETURN_IF_ERROR(out_.Step(&*epoll_));
  return err_.Step(&*epoll_);
}

absl::Status Watcher::OnWallTimer() {
  if (init_ended_) return absl::OkStatus();
  // After the main process has ended this is a clean-up that takes too long, not a verdict.
  if (seen_.main_ended || killing_) return Kill();
  CORDON_ASSIGN_OR_RETURN(const KillReason reason, clocks_->OnWall());
  return reason == KillReason::kNone ? absl::OkStatus() : End(reason);
}

// Whoever killed it: its files and its pipe are gone a moment before it is seen to have ended. One
// that lives is waited for in vain, on the way to an error.
bool Watcher::InitIsDying() const {
  constexpr int kDyingMs = 5000;
  return Readable(sandbox_.child().pidfd.get(), kDyingMs);
}

// The payload waits, with its filter in force, until it is told that the listener is here. An error
// ends the sandbox, and no instruction of the job has run.
absl::Status Watcher::OnListener(uint32_t payload_inside) {
  if (!listener_.valid() || notifier_.has_value()) {
    return Error(absl::StatusCode::kInternal, "a listener that was not expected").Layer("seccomp");
  }
  CORDON_ASSIGN_OR_RETURN(notifier_,
                          Notifier::Make(std::move(listener_), sandbox_.plan().seccomp().rules(),
                                         NativeArchitecture()));
  const absl::StatusOr<bool> waits = PayloadWaits(sandbox_, payload_inside);
  // Of an init that has ended nothing can be read, and its end is explained elsewhere.
  if (!waits.ok() && !InitIsDying()) return WithStage(waits.status(), "verify");
  if (waits.ok() && *waits) {
    filter_seen_ = true;
    CORDON_RETURN_IF_ERROR(epoll_->Add(notifier_->fd(), EPOLLIN, kNotify).status());
  }
  // Init is told also when the payload has ended: it waits, and has yet to say why.
  absl::Status told = ConfirmListener(sandbox_.child());
  if (!told.ok() && !InitIsDying()) return told;
  return notifier_->Start();
}

// Calls that wait are looked at before anything that happened after them.
absl::Status Watcher::AnswerCalls() {
  if (!notifier_.has_value()) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(notifier_->Step());
  const std::optional<v1::CallViolation>& violation = notifier_->violation();
  if (!violation.has_value()) return absl::OkStatus();
  // What else waits is never answered.
  epoll_->Remove(notifier_->fd());
  if (seen_.killed != KillReason::kNone || seen_.main_ended) return absl::OkStatus();
  seen_.violation = violation->words();
  seen_.violating_thread = violation->thread();
  return End(KillReason::kSyscall);
}

absl::Status Watcher::OnCpuTimer() {
  if (init_ended_ || seen_.main_ended) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(const KillReason reason, clocks_->OnCpu());
  if (reason != KillReason::kNone) return End(reason);
  usage_.memory.Take(sandbox_.lease());
  return absl::OkStatus();
}

// Not by what init says: it may be late, and with a program that ends at once it has not even said
// that it began.
absl::StatusOr<bool> Watcher::Ending() {
  if (end_ns_ != 0) return true;
  const uint32_t inside = __atomic_load_n(&sandbox_.child().region()->payload, __ATOMIC_ACQUIRE);
  if (inside == 0) return false;
  CORDON_RETURN_IF_ERROR(FindMain(inside));
  if (!main_.pidfd.valid()) return true;
  return IsEnding(main_.pid, main_.pidfd.get());
}

// OK when it was found, or is not there any more.
absl::Status Watcher::FindMain(uint32_t inside) {
  if (main_.pidfd.valid()) return absl::OkStatus();
  absl::StatusOr<FoundChild> found = FindChild(sandbox_.child().pid, inside);
  if (absl::IsNotFound(found.status())) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(found.status());
  main_ = *std::move(found);
  return absl::OkStatus();
}

absl::Status Watcher::OnIdleTimer() {
  if (init_ended_ || seen_.main_ended) return absl::OkStatus();
  CORDON_ASSIGN_OR_RETURN(
      const KillReason reason,
      clocks_->OnIdle(in_.sent() + out_.seen() + err_.seen(), out_.waits() || err_.waits()));
  return reason == KillReason::kNone ? absl::OkStatus() : End(reason);
}

void Watcher::MarkEnd(uint64_t end_ns) {
  if (end_ns_ != 0) return;
  end_ns_ = end_ns;
  usage_.cpu_at_end_ns = clocks_->CpuUsed();
}

absl::Status Watcher::End(KillReason reason) {
  if (seen_.killed == KillReason::kNone && !seen_.main_ended) seen_.killed = reason;
  // Output that is over the limit counts even when the main process was faster.
  if (reason == KillReason::kOutput && seen_.killed == KillReason::kNone) seen_.killed = reason;
  if (end_ns_ != 0) return Kill();
  MarkEnd(MonotonicNs());
  group_.Look(sandbox_, false);
  // The last moment at which its processes still have their pages.
  usage_.memory.Take(sandbox_.lease());
  return Kill();
}

// A second time: it has not worked. Nobody can end a process in uninterruptible sleep, and to wait
// for it would make one hanging file system hang every caller.
absl::Status Watcher::Kill() {
  if (killing_ && MonotonicNs() >= end_ns_ + kAfterKillNs && sandbox_.lease() != nullptr &&
      sandbox_.lease()->AnyInState('D')) {
    return Error(absl::StatusCode::kDeadlineExceeded,
                 "the job was killed, and a process of it waits uninterruptibly (state D)")
        .Hint("a file system or a device that it uses does not answer; it ends when that does");
  }
  killing_ = true;
  CORDON_RETURN_IF_ERROR(clocks_->Over(MonotonicNs() + kAfterKillNs));
  return sandbox_.Kill();
}

void Watcher::Observe(const JobUsage& usage, uint64_t wall_ns) {
  const v1::Plan& plan = sandbox_.plan();
  seen_.first_clock = clocks_->first();
  seen_.wall_ns = wall_ns;
  seen_.wall_limit_ns = watch_.wall_time_ns();
  seen_.cpu_ns = usage.cpu_ns;
  seen_.cpu_limit_ns = watch_.cpu_time_ns();
  seen_.idle_ns = clocks_->IdleNs(end_ns_);
  seen_.idle_limit_ns = watch_.idle_time_ns();
  seen_.output = {"output", budget_.used, budget_.limit};
  if (err_.exceeded()) seen_.output = {"stderr", err_.seen(), err_.limit()};
  if (out_.exceeded()) seen_.output = {"stdout", out_.seen(), out_.limit()};
  for (const v1::RlimitEntry& entry : plan.rlimit().entry()) {
    if (plan.rlimit().enabled() && entry.name() == "RLIMIT_FSIZE") {
      seen_.file_size_limit = entry.hard();
    }
  }
  ObserveGroup(usage, plan.cgroup(), &seen_);
}

absl::Status Watcher::Summarise(v1::Report* report) {
  if (budget_.exceeded && seen_.killed == KillReason::kNone) seen_.killed = KillReason::kOutput;
  const uint64_t start = exec_ns_ != 0 ? exec_ns_ : sandbox_.launched_ns();
  usage_.wall_ns = end_ns_ - std::min(end_ns_, start);
  usage_.stdout_bytes = out_.seen();
  usage_.stderr_bytes = err_.seen();
  const std::optional<uint64_t> stolen = StolenNow();
  if (stolen.has_value() && stolen_before_.has_value()) {
    usage_.stolen_ns = *stolen - std::min(*stolen, *stolen_before_);
  }
  CORDON_ASSIGN_OR_RETURN(const JobUsage usage, CollectUsage(sandbox_.lease(), usage_));
  Observe(usage, usage_.wall_ns);
  grace_->Fill(&seen_);
  if (timeline_.has_value()) timeline_->Fill(report);
  if (health_.has_value()) {
    health_->Fill(report);
    health_->Fill(&seen_);
  }
  if (notifier_.has_value()) {
    notifier_->Fill(report);
    if (seen_.killed == KillReason::kSyscall) {
      *report->mutable_violation() = *notifier_->violation();
    }
  }
  Decide(seen_, report);
  *report->mutable_usage() = usage.report;
  JudgeTiming(usage.report, end_ns_ - std::min(end_ns_, sandbox_.started_ns()), OnlineCpus(),
              report);
  return absl::OkStatus();
}

absl::Status Watcher::Step() { return AtRun(Turn(0), "watch the job"); }

absl::StatusOr<v1::Report> Watcher::Finish() {
  v1::Report report;
  CORDON_RETURN_IF_ERROR(AtRun(launch_error_, "watch the job"));
  CORDON_RETURN_IF_ERROR(AtRun(group_.status(), "look at the group"));
  CORDON_RETURN_IF_ERROR(AtRun(Summarise(&report), "read the usage"));
  if (report.verdict() == v1::SETUP_FAILED) return AtRun(HostRanOut(seen_), "watch the job");
  CORDON_RETURN_IF_ERROR(AtRun(sandbox_.Collect(), "remove the cgroup"));
  JobInLog in_log;
  in_log.main_pid = static_cast<uint32_t>(main_.pid);
  if (sandbox_.child().own_ids) in_log.own_user = sandbox_.child().ids.uid;
  denials_->Fill(in_log, &report);
  for (const v1::LayerReport& layer : sandbox_.layers()) *report.add_layers() = layer;
  for (const std::string& each : sandbox_.skipped()) report.add_skipped(each);
  for (const v1::Step& step : sandbox_.Steps()) *report.add_steps() = step;
  return report;
}

absl::StatusOr<v1::Report> RunJob(Sandbox& sandbox, const v1::LaunchPlan& launch,
                                  const Streams& streams, const Control& control) {
  Watcher watcher(sandbox, streams, control);
  absl::Status ran = watcher.Launch(launch);
  while (ran.ok() && !watcher.finished()) ran = watcher.Turn(-1);
  if (!ran.ok()) return AtRun(ran, "watch the job");
  return watcher.Finish();
}

absl::StatusOr<std::unique_ptr<Supervision>> Supervision::Begin(Sandbox& sandbox,
                                                                const v1::LaunchPlan& launch,
                                                                const Streams& streams) {
  auto watcher = std::make_unique<Watcher>(sandbox, streams, Control{false, -1});
  CORDON_RETURN_IF_ERROR(AtRun(watcher->Launch(launch), "watch the job"));
  return watcher;
}

}  // namespace cordon
