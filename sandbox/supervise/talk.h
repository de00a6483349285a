// SPDX-License-Identifier: Apache-2.0
// Several launched sandboxes whose stdio are connected, watched to their ends by one loop: each
// keeps its own watcher (supervisor.h), this one closes ends, finds deadlocks, and lets nobody wait
// for a job that is decided. Entry point: WatchTalk.
#ifndef CORDON_SANDBOX_SUPERVISE_TALK_H_
#define CORDON_SANDBOX_SUPERVISE_TALK_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/sandbox.h"
#include "sandbox/supervise/supervisor.h"

namespace cordon {

struct Talker {
  std::string name;
  std::unique_ptr<Sandbox> sandbox;  // prepared, by this thread; destroyed when its job has ended
  v1::LaunchPlan launch;
  Streams streams;    // the caller's ends of what is not connected
  bool keep = false;  // what it leaves behind will be asked for
};

// A stream: stdout (1) or stderr (2) of `from` feeds stdin of `to`. Each end occurs once.
struct TalkLink {
  size_t from = 0;
  int stream = 1;
  size_t to = 0;
};

struct TalkResult {
  struct End {
    // An error: no verdict could be reached. The others were ended then.
    absl::StatusOr<v1::Report> report = absl::UnknownError("not run");
    // Since the gates were opened: when the end of its program was known to be certain, which is
    // before another sandbox can see anything of it. 0: its program never ran.
    uint64_t ended_ns = 0;
    bool cut_off = false;  // see talk_verdict.h
    // With a report, of one that was to be kept: dead, and as it was left.
    std::unique_ptr<Sandbox> left;
  };
  std::vector<End> ends;  // in the order of the talkers
  std::vector<v1::StreamReport> streams;
  bool cancelled = false;
};

// Opens all gates, one after the other. The bytes of a stream pass through this process, which
// counts them in the writer's output; the jobs share no pipe. When all wait for each other, for
// ever, those that live end with DEADLOCK. When `decider` has ended with anything but EXITED 0,
// the others have kTalkGraceMs to end by themselves. A request to cancel is one to each of them. An
// error of WatchTalk is one of the host's; all jobs are dead then.
absl::StatusOr<TalkResult> WatchTalk(std::vector<Talker> talkers,
                                     const std::vector<TalkLink>& links, size_t decider,
                                     const Control& control = {});

inline constexpr int kTalkGraceMs = 500;
// Between two looks for a deadlock; two that are equal make one. Longer when looking takes long: at
// most a twentieth of the time goes into it.
inline constexpr int kTalkLookMs = 25;

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_TALK_H_
