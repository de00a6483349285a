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
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/supervise/limits.h"
#include "sandbox/supervise/notify.h"
#include "sandbox/supervise/relay.h"
#include "sandbox/supervise/usage.h"
#include "sandbox/supervise/verdict.h"

namespace cordon {
namespace {

enum Token : uint64_t {
  kInit = 1,
  kStatus,
  kWall,
  kCpu,
  kOom,
  kSignal,
  kNotify,
  kCancel,
  kStdin = 10,   // + 1: the pipe
  kStdout = 20,  // + 1: the sink
  kStderr = 30,
};

// How long the init may take to end the rest of the tree after the main process ended.
constexpr uint64_t kCleanupNs = 2'000'000'000;

class Watcher : public Supervision {
 public:
  Watcher(Sandbox& sandbox, const Streams& streams, const Control& control)
      : sandbox_(sandbox),
        control_(control),
        watch_(sandbox.plan().watch()),
        budget_{watch_.output_bytes(), 0, false},
        out_(std::move(sandbox.child().stdout_read), streams.out, streams.escape_out, kStdout,
             &budget_, streams.out_linked),
        err_(std::move(sandbox.child().stderr_read), streams.err, streams.escape_err, kStderr,
             &budget_, streams.err_linked),
        in_(streams.in, std::move(sandbox.child().stdin_write), kStdin) {}

  absl::Status Launch(const v1::LaunchPlan& launch);
  // Handles what happens within `timeout_ms` (-1: waits).
  absl::Status Turn(int timeout_ms);

  int fd() const override { return epoll_->fd(); }
  absl::Status Step() override;
  bool finished() const override { return init_ended_ && out_.done() && err_.done(); }
  absl::StatusOr<v1::Report> Finish() override;
  absl::Status EndFor(KillReason reason, const std::vector<std::string>& why) override;
  absl::Status Cancel(int signal) override;
  int cancel_signal() const override { return seen_.cancel_signal; }
  uint64_t ended_ns() const override { return end_ns_; }
  bool alive() const override { return !init_ended_; }
  bool Quiet() const override { return in_.Quiet() && out_.Quiet() && err_.Quiet(); }
  const OutputRelay& Output(int stream) const override { return stream == 1 ? out_ : err_; }

 private:
  absl::Status Summarise(v1::Report* report);
  absl::Status Start();
  absl::Status Watch(int fd, uint32_t events, Token token);
  absl::Status Handle(const Epoll::Event& event);
  absl::Status OnStatus();
  absl::Status OnFrame(const child::StatusFrame& frame);
  absl::Status OnInitEnd();
  absl::Status OnCpuTimer();
  absl::Status OnWallTimer();
  absl::Status OnListener();
  absl::Status OnNotify(uint32_t events);
  absl::Status End(KillReason reason);
  uint64_t CpuUsed();

  Sandbox& sandbox_;
  const Control control_;
  const v1::WatchPlan& watch_;
  OutputBudget budget_;
  OutputRelay out_;
  OutputRelay err_;
  InputRelay in_;
  std::optional<Epoll> epoll_;
  std::optional<Timer> wall_timer_;
  std::optional<Timer> cpu_timer_;
  SignalFd signals_;
  UniqueFd listener_;  // between its arrival and notifier_
  std::optional<Notifier> notifier_;
  Observations seen_;
  absl::Status launch_error_;
  std::string program_name_;
  InitUsage init_usage_;
  uint64_t exec_ns_ = 0;
  uint64_t end_ns_ = 0;
  bool init_ended_ = false;
};

// What must be heard of: a descriptor that epoll does not take would be waited for in vain.
absl::Status Watcher::Watch(int fd, uint32_t events, Token token) {
  CORDON_ASSIGN_OR_RETURN(const bool added, epoll_->Add(fd, events, token));
  return added ? absl::OkStatus() : ErrnoStatus("epoll_ctl", "", EPERM);
}

absl::Status Watcher::Start() {
  CORDON_ASSIGN_OR_RETURN(epoll_, Epoll::Make());
  CORDON_ASSIGN_OR_RETURN(wall_timer_, Timer::Make());
  CORDON_ASSIGN_OR_RETURN(cpu_timer_, Timer::Make());
  if (control_.signals) {
    CORDON_ASSIGN_OR_RETURN(signals_, SignalFd::Make());
    CORDON_RETURN_IF_ERROR(Watch(signals_.fd(), EPOLLIN, kSignal));
  }
  if (control_.cancel_fd >= 0) {
    CORDON_RETURN_IF_ERROR(Watch(control_.cancel_fd, EPOLLIN, kCancel));
  }
  Child& child = sandbox_.child();
  CORDON_RETURN_IF_ERROR(SetNonBlocking(child.status.get()));
  CORDON_RETURN_IF_ERROR(Watch(child.pidfd.get(), EPOLLIN, kInit));
  CORDON_RETURN_IF_ERROR(Watch(child.status.get(), EPOLLIN, kStatus));
  CORDON_RETURN_IF_ERROR(Watch(wall_timer_->fd(), EPOLLIN, kWall));
  CORDON_RETURN_IF_ERROR(Watch(cpu_timer_->fd(), EPOLLIN, kCpu));
  CgroupLease* lease = sandbox_.lease();
  if (lease != nullptr && lease->OomFd() >= 0) {
    CORDON_RETURN_IF_ERROR(Watch(lease->OomFd(), lease->OomEvents(), kOom));
  }
  CORDON_RETURN_IF_ERROR(out_.Start(&*epoll_));
  CORDON_RETURN_IF_ERROR(err_.Start(&*epoll_));
  return in_.Start(&*epoll_);
}

absl::Status Watcher::Launch(const v1::LaunchPlan& launch) {
  program_name_ = launch.argv_size() > 0 ? launch.argv(0) : "";
  CORDON_RETURN_IF_ERROR(WithStage(Start(), "prepare"));  // the job has not begun
  CORDON_RETURN_IF_ERROR(sandbox_.Launch(launch));
  CORDON_RETURN_IF_ERROR(
      wall_timer_->ArmAt(WallDeadline(sandbox_.launched_ns(), watch_.wall_time_ns())));
  if (sandbox_.lease() != nullptr && watch_.cpu_time_ns() != kUnlimited) {
    CORDON_RETURN_IF_ERROR(
        cpu_timer_->ArmAt(NextCpuCheck(MonotonicNs(), 0, watch_.cpu_time_ns(), OnlineCpus())));
  }
  return absl::OkStatus();
}

absl::Status Watcher::Turn(int timeout_ms) {
  CORDON_ASSIGN_OR_RETURN(const std::vector<Epoll::Event> events, epoll_->Wait(timeout_ms));
  for (const Epoll::Event& event : events) CORDON_RETURN_IF_ERROR(Handle(event));
  if (budget_.exceeded && !init_ended_) return End(KillReason::kOutput);
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
    case kOom:
      // v1 signals before the killer has run; whatever comes of it, the group is at its limit.
      if (sandbox_.lease()->OomSeen()) return End(KillReason::kMemory);
      return absl::OkStatus();
    case kSignal: {
      const int number = signals_.Read();
      return number == 0 ? absl::OkStatus() : Cancel(number);
    }
    case kCancel:
      epoll_->Remove(control_.cancel_fd);  // it stays readable
      return Cancel(0);
    case kNotify:
      return OnNotify(event.events);
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

absl::Status Watcher::Cancel(int signal) {
  seen_.cancel_signal = signal;
  if (!init_ended_) return End(KillReason::kCancelled);
  // The job is over; only its last output waits for a consumer that does not read.
  out_.Abandon(&*epoll_);
  err_.Abandon(&*epoll_);
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
      return OnListener();
    case child::FrameKind::kExecDone:
      if (ListensToFilter(sandbox_.plan()) && !notifier_.has_value()) {
        return Error(absl::StatusCode::kInternal, "the job began without its filter's listener")
            .Layer("seccomp");
      }
      exec_ns_ = frame.monotonic_ns;
      return wall_timer_->ArmAt(WallDeadline(exec_ns_, watch_.wall_time_ns()));
    case child::FrameKind::kExecFailed:
    case child::FrameKind::kStepFailed:
      launch_error_ = StepError(frame, sandbox_.program().program(), program_name_);
      return absl::OkStatus();
    case child::FrameKind::kWaitStatus:
      seen_.main_ended = true;
      seen_.wait_code = static_cast<int>(frame.aux);
      seen_.wait_status = static_cast<int>(static_cast<uint32_t>(frame.aux64));
      seen_.killed_by_filter = (frame.aux64 & child::kKilledByFilter) != 0;
      end_ns_ = frame.monotonic_ns;
      cpu_timer_->Disarm();
      // From now on this timer only bounds the clean-up.
      return wall_timer_->ArmAt(MonotonicNs() + kCleanupNs);
    case child::FrameKind::kUsage:
      init_usage_.known = true;
      init_usage_.user_ns = (frame.aux64 >> 32) * 1000;
      init_usage_.system_ns = (frame.aux64 & 0xffffffffu) * 1000;
      init_usage_.max_rss_bytes = uint64_t{frame.aux} * 1024;
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::Status Watcher::OnInitEnd() {
  if (init_ended_) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(OnStatus());  // frames that were written before it died
  CORDON_ASSIGN_OR_RETURN(const WaitResult result, WaitPidfd(sandbox_.child().pidfd.get(), true));
  sandbox_.child().reaped = result.ended;
  init_ended_ = true;
  if (end_ns_ == 0) end_ns_ = MonotonicNs();
  if (exec_ns_ == 0 && seen_.killed == KillReason::kNone) {
    // Nobody has said that the job's program began: that is no verdict about the job.
    launch_error_.Update(
        SilentDeathError(*sandbox_.child().region(), sandbox_.program().program()));
  }
  epoll_->Remove(sandbox_.child().pidfd.get());
  wall_timer_->Disarm();
  cpu_timer_->Disarm();
  in_.Stop(&*epoll_);
  // Every writer is dead: what is left in the pipes is all there is.
  CORDON_RETURN_IF_ERROR(out_.Step(&*epoll_));
  return err_.Step(&*epoll_);
}

absl::Status Watcher::OnWallTimer() {
  wall_timer_->Acknowledge();
  if (init_ended_) return absl::OkStatus();
  // After the main process has ended this is a clean-up that takes too long, not a verdict.
  if (seen_.main_ended) return sandbox_.Kill();
  return End(KillReason::kWall);
}

// The payload waits, with its filter in force, until it is told that the listener is here. An error
// ends the sandbox, and no instruction of the job has run.
absl::Status Watcher::OnListener() {
  if (!listener_.valid() || notifier_.has_value()) {
    return Error(absl::StatusCode::kInternal, "a listener that was not expected").Layer("seccomp");
  }
  CORDON_ASSIGN_OR_RETURN(notifier_,
                          Notifier::Make(std::move(listener_), sandbox_.plan().seccomp().rules(),
                                         NativeArchitecture()));
  const absl::StatusOr<bool> waits = VerifyFilterOfPayload(sandbox_.child().pid);
  // Of an init that has ended nothing can be read, and its end is explained elsewhere.
  if (!waits.ok() && !Readable(sandbox_.child().pidfd.get(), 0)) return waits.status();
  if (!waits.ok() || !*waits) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(epoll_->Add(notifier_->fd(), EPOLLIN, kNotify).status());
  __atomic_store_n(&sandbox_.child().region()->listener_taken, 1, __ATOMIC_RELEASE);
  return absl::OkStatus();
}

absl::Status Watcher::OnNotify(uint32_t events) {
  // EPOLLHUP alone: nobody is left under the filter.
  if ((events & EPOLLIN) != 0) return notifier_->Step();
  epoll_->Remove(notifier_->fd());
  return absl::OkStatus();
}

uint64_t Watcher::CpuUsed() {
  const absl::StatusOr<uint64_t> now = sandbox_.lease()->CpuNs();
  if (!now.ok()) return 0;
  return *now - std::min(*now, sandbox_.cpu_baseline_ns());
}

absl::Status Watcher::OnCpuTimer() {
  cpu_timer_->Acknowledge();
  if (init_ended_ || seen_.main_ended) return absl::OkStatus();
  const uint64_t used = CpuUsed();
  if (used >= watch_.cpu_time_ns()) return End(KillReason::kCpu);
  return cpu_timer_->ArmAt(NextCpuCheck(MonotonicNs(), used, watch_.cpu_time_ns(), OnlineCpus()));
}

absl::Status Watcher::End(KillReason reason) {
  if (seen_.killed == KillReason::kNone && !seen_.main_ended) seen_.killed = reason;
  // Output that is over the limit counts even when the main process was faster.
  if (reason == KillReason::kOutput && seen_.killed == KillReason::kNone) seen_.killed = reason;
  if (end_ns_ == 0) end_ns_ = MonotonicNs();
  return sandbox_.Kill();
}

absl::Status Watcher::Summarise(v1::Report* report) {
  const v1::Plan& plan = sandbox_.plan();
  if (budget_.exceeded && seen_.killed == KillReason::kNone) seen_.killed = KillReason::kOutput;
  const uint64_t start = exec_ns_ != 0 ? exec_ns_ : sandbox_.launched_ns();
  const uint64_t wall = end_ns_ - std::min(end_ns_, start);
  CORDON_ASSIGN_OR_RETURN(const JobUsage usage,
                          CollectUsage(sandbox_.lease(), sandbox_.cpu_baseline_ns(), init_usage_));
  seen_.wall_ns = wall;
  seen_.wall_limit_ns = watch_.wall_time_ns();
  seen_.cpu_ns = usage.cpu_ns;
  seen_.cpu_limit_ns = watch_.cpu_time_ns();
  seen_.output_bytes = budget_.used;
  seen_.output_limit = budget_.limit;
  for (const v1::RlimitEntry& entry : plan.rlimit().entry()) {
    if (entry.name() == "RLIMIT_FSIZE") seen_.file_size_limit = entry.hard();
  }
  seen_.memory_peak = usage.memory_peak_bytes;
  seen_.memory_limit = plan.cgroup().memory_max_bytes();
  seen_.oom_kills = usage.oom_kills;
  seen_.oom_source = usage.oom_source;
  seen_.forks_denied = usage.forks_denied;
  seen_.process_limit = plan.cgroup().pids_max();
  seen_.forks_source = usage.forks_source;
  if (notifier_.has_value()) notifier_->Fill(report);
  Decide(seen_, report);
  FillUsage(usage, wall, budget_.used, report->mutable_usage());
  return absl::OkStatus();
}

absl::Status AtRun(const absl::Status& status, absl::string_view step) {
  return WithStep(WithLayer(WithStage(status, "run"), "supervisor"), step);
}

absl::Status Watcher::Step() { return AtRun(Turn(0), "watch the job"); }

absl::StatusOr<v1::Report> Watcher::Finish() {
  v1::Report report;
  CORDON_RETURN_IF_ERROR(AtRun(launch_error_, "watch the job"));
  CORDON_RETURN_IF_ERROR(AtRun(Summarise(&report), "read the usage"));
  CORDON_RETURN_IF_ERROR(AtRun(sandbox_.Collect(), "remove the cgroup"));
  for (const v1::LayerReport& layer : sandbox_.layers()) *report.add_layers() = layer;
  for (const std::string& each : sandbox_.skipped()) report.add_skipped(each);
  for (const v1::Step& step : sandbox_.Steps()) *report.add_steps() = step;
  return report;
}

}  // namespace

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
  auto watcher = std::make_unique<Watcher>(sandbox, streams, Control());
  CORDON_RETURN_IF_ERROR(AtRun(watcher->Launch(launch), "watch the job"));
  return watcher;
}

}  // namespace cordon
