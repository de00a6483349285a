// SPDX-License-Identifier: Apache-2.0
// PURE: how the sandboxes of a job ended -> how the job ended. Entry points: DecideTalk,
// TalkReport.
//
// One sandbox is the decider, such as the grader. It "ends well" with EXITED 0. Another sandbox is
// "cut off" when the reader of a stream that it writes was gone, or had closed its end, before its
// own program ended. Rows, the first that applies:
//
//   1. A sandbox could not be set up                      -> the first of them: SETUP_FAILED
//   2. Cordon was told to stop                            -> CANCELLED
//   3. Another sandbox failed by itself before the        -> the first of them
//      decider ended: any limit, filter or deadlock; a
//      signal, but SIGPIPE when it was cut off; an exit
//      code other than 0, unless it was cut off
//   4. The decider did not end well                       -> the decider
//   5. Another sandbox failed all the same: as in 3, but  -> the first of them
//      an exit code other than 0 counts, cut off or not
//   6.                                                    -> the decider: EXITED 0
//
// "Before" is of causes: an end counts from when it was certain, and that is looked at before
// anything that follows from it is passed on (talk.cc). Who reports first plays no part.
//
// So what happens to a contestant after a grader that said no (end of input, SIGPIPE, whatever it
// does then) is not its fault, and a contestant whom the grader accepted must still end well, with
// SIGPIPE as the one excuse. With a decider that ends well the order of ends plays no part.
#ifndef CORDON_SANDBOX_SUPERVISE_TALK_VERDICT_H_
#define CORDON_SANDBOX_SUPERVISE_TALK_VERDICT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/proto/report.pb.h"

namespace cordon {

struct TalkEnd {
  std::string name;
  v1::Report report;      // SETUP_FAILED with the error where there was no verdict
  uint64_t ended_ns = 0;  // as in TalkResult::End
  bool cut_off = false;
};

struct TalkDecision {
  size_t sandbox = 0;
  const char* rule = "";  // for people
};

// `cancelled`: Cordon was told to stop.
TalkDecision DecideTalk(const std::vector<TalkEnd>& ends, size_t decider, bool cancelled);

// The report of the whole, without its streams.
v1::Report TalkReport(const std::vector<TalkEnd>& ends, const TalkDecision& decision);

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_TALK_VERDICT_H_
