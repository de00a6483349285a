// SPDX-License-Identifier: Apache-2.0
// Watches one launched sandbox to its end: pidfd, deadlines, status frames, streams, the memory
// event of its group; no tick. Entry point: RunJob; Supervision for a caller with a loop of its
// own, such as the one of several sandboxes that talk (talk.h).
#ifndef CORDON_SANDBOX_SUPERVISE_SUPERVISOR_H_
#define CORDON_SANDBOX_SUPERVISE_SUPERVISOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/sandbox.h"
#include "sandbox/supervise/relay.h"
#include "sandbox/supervise/verdict.h"

namespace cordon {

// The caller's ends; not owned. They are relayed, never handed to the job.
struct Streams {
  int in = 0;
  int out = 1;
  int err = 2;
  bool escape_out = false;  // show control bytes as \xNN (a terminal)
  bool escape_err = false;
  // The stream feeds another job: `out` or `err` is the write end of its stdin, non-blocking.
  bool out_linked = false;
  bool err_linked = false;
  // Runs before the job can notice that a consumer of its output is gone.
  std::function<void()> before_cut = nullptr;
};

// Who may cancel the job (verdict CANCELLED): at once, or with the grace of the launch plan, which
// a second signal cuts short.
struct Control {
  bool signals =
      true;  // SIGINT, SIGTERM and SIGHUP to the caller; this thread blocks them meanwhile
  // Not owned: cancels when it becomes readable (an eventfd, a pipe). Nothing is read from it, so
  // that one descriptor can cancel many jobs.
  int cancel_fd = -1;
};

// Launches the job in a prepared sandbox, enforces wall, CPU, memory and output limits, kills the
// whole tree at the end and proves it gone. An error means that no verdict could be reached: the
// job is dead then, too. A job whose exec failed gives an error of stage "launch" with the errno.
absl::StatusOr<v1::Report> RunJob(Sandbox& sandbox, const v1::LaunchPlan& launch,
                                  const Streams& streams, const Control& control = {});

// One job under watch.
class Supervision {
 public:
  // Launches the job. `sandbox` must outlive this. When another job is to feed its stdin, the
  // caller has taken `sandbox.child().stdin_write`. Signals are the caller's to hear.
  static absl::StatusOr<std::unique_ptr<Supervision>> Begin(Sandbox& sandbox,
                                                            const v1::LaunchPlan& launch,
                                                            const Streams& streams);
  virtual ~Supervision() = default;
  // Becomes readable when there is something for Step, which never waits. After an error of Step
  // the sandbox is to be destroyed.
  virtual int fd() const = 0;
  virtual absl::Status Step() = 0;
  virtual bool finished() const = 0;
  // Once, after the end. Errors are those of RunJob.
  virtual absl::StatusOr<v1::Report> Finish() = 0;

  // Ends the job for a reason that lies outside of it; `why` is what its evidence says. Nothing
  // when its program has ended by itself.
  virtual absl::Status EndFor(KillReason reason, const std::vector<std::string>& why) = 0;
  // `signal`: the one that asked for it, 0 for none. A second request does not wait.
  virtual absl::Status Cancel(int signal) = 0;
  virtual uint64_t ended_ns() const = 0;  // 0: its program runs
  // Its program has ended, or is certain to (os/children.h), though nobody may have said so yet.
  // A look at the host, which may fail.
  virtual absl::StatusOr<bool> Ending() = 0;
  virtual bool alive() const = 0;  // some process of it may be
  // Nothing is done to it, and its streams do not move, before another process reads or writes.
  virtual bool Quiet() const = 0;
  virtual const OutputRelay& Output(int stream) const = 0;  // 1 or 2
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_SUPERVISOR_H_
