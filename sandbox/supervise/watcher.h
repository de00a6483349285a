// SPDX-License-Identifier: Apache-2.0
// One job under watch: all that a supervision knows, and what it waits for. Internal to
// supervisor.cc, whose entry points make them.
#ifndef CORDON_SANDBOX_SUPERVISE_WATCHER_H_
#define CORDON_SANDBOX_SUPERVISE_WATCHER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
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
#include "sandbox/supervise/supervisor.h"
#include "sandbox/supervise/timeline.h"
#include "sandbox/supervise/timing.h"
#include "sandbox/supervise/usage.h"
#include "sandbox/supervise/verdict.h"

namespace cordon {

enum WatchToken : uint64_t {
  kInit = 1,
  kStatus,
  kWall,
  kCpu,
  kIdle,
  kOom,
  kSignal,
  kNotify,
  kCancel,  // the caller's descriptor
  kGraceOver,
  kTimeline,
  kHealth,
  kStdin = 16,   // + 1: the pipe
  kStdout = 20,  // + 1: the sink
  kStderr = 30,
};

inline StreamLimit LimitOf(const v1::StreamPlan& plan) { return {plan.bytes(), plan.truncate()}; }

class Watcher : public Supervision {
 public:
  Watcher(Sandbox& sandbox, const Streams& streams, const Control& control)
      : sandbox_(sandbox),
        control_(control),
        watch_(sandbox.plan().watch()),
        budget_{watch_.output_bytes(), 0, false},
        out_(std::move(sandbox.child().stdout_read), streams.out, streams.escape_out, kStdout,
             &budget_, streams.out_linked, LimitOf(watch_.out())),
        err_(std::move(sandbox.child().stderr_read), streams.err, streams.escape_err, kStderr,
             &budget_, streams.err_linked, LimitOf(watch_.err())),
        in_(streams.in, std::move(sandbox.child().stdin_write), kStdin) {
    out_.BeforeCut(streams.before_cut);
    err_.BeforeCut(streams.before_cut);
  }

  absl::Status Launch(const v1::LaunchPlan& launch);
  // Handles what happens within `timeout_ms` (-1: waits).
  absl::Status Turn(int timeout_ms);

  int fd() const override { return epoll_->fd(); }
  absl::Status Step() override;
  bool finished() const override { return init_ended_ && out_.done() && err_.done(); }
  absl::StatusOr<v1::Report> Finish() override;
  absl::Status EndFor(KillReason reason, const std::vector<std::string>& why) override;
  absl::Status Cancel(int signal) override;
  uint64_t ended_ns() const override { return end_ns_; }
  absl::StatusOr<bool> Ending() override;
  bool alive() const override { return !init_ended_; }
  // A check may do anything to the job, so one that is checked may always be woken.
  bool Quiet() const override {
    return in_.Quiet() && out_.Quiet() && err_.Quiet() && !health_.has_value();
  }
  const OutputRelay& Output(int stream) const override { return stream == 1 ? out_ : err_; }

 private:
  absl::Status Summarise(v1::Report* report);
  absl::Status Start();
  absl::Status Watch(int fd, uint32_t events, WatchToken token);
  absl::Status Handle(const Epoll::Event& event);
  absl::Status OnStatus();
  absl::Status OnFrame(const child::StatusFrame& frame);
  absl::Status OnInitEnd();
  absl::Status OnCpuTimer();
  absl::Status OnWallTimer();
  absl::Status OnIdleTimer();
  absl::Status OnListener(uint32_t payload_inside);
  absl::Status AnswerCalls();
  absl::Status OnSignal();
  absl::Status OnGraceOver();
  absl::Status End(KillReason reason);
  absl::Status Kill();
  absl::Status FindMain(uint32_t inside);
  bool InitIsDying() const;
  // The job is over now, by itself or because it is to be ended: what comes behind is clean-up.
  void MarkEnd(uint64_t end_ns);
  void Observe(const JobUsage& usage, uint64_t wall_ns);

  Sandbox& sandbox_;
  const Control control_;
  const v1::WatchPlan& watch_;
  v1::LaunchPlan launch_;
  OutputBudget budget_;
  OutputRelay out_;
  OutputRelay err_;
  InputRelay in_;
  std::optional<Epoll> epoll_;
  std::optional<JobClocks> clocks_;
  SignalFd signals_;
  UniqueFd listener_;  // between its arrival and notifier_
  std::optional<Notifier> notifier_;
  bool filter_seen_ = false;  // in force in the payload, and its listener is watched
  std::optional<CancelGrace> grace_;
  std::optional<TimelineSampler> timeline_;
  std::optional<HealthMonitor> health_;
  std::optional<DenialWatch> denials_;
  Observations seen_;
  absl::Status launch_error_;
  GroupAtEnd group_;
  std::string program_name_;
  UsageInput usage_;
  std::optional<uint64_t> stolen_before_;
  bool cancel_waits_ = false;  // for the program to begin
  uint32_t main_inside_ = 0;   // id of the main process inside, once its program has begun
  FoundChild main_;            // once somebody has looked for it
  uint64_t exec_ns_ = 0;
  uint64_t end_ns_ = 0;
  bool killing_ = false;
  bool init_ended_ = false;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_WATCHER_H_
