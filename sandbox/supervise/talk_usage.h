// SPDX-License-Identifier: Apache-2.0
// PURE: what several sandboxes used -> what the job used, field by field. Entry points: AddUsage,
// AddTiming.
#ifndef CORDON_SANDBOX_SUPERVISE_TALK_USAGE_H_
#define CORDON_SANDBOX_SUPERVISE_TALK_USAGE_H_

#include "policy/proto/report.pb.h"

namespace cordon {

// `job` has its sandboxes; sets its usage. Amounts and peaks are summed; a sum of peaks is what the
// job needed at most, since they need not have been at the same time. The largest counts of what
// all had in common: wall time, stolen time, pressure, the supervisor's memory. A field that is
// unknown of every sandbox that ran is unknown, one that is of some a lower bound. One that never
// ran used nothing; of one that ran without a verdict nothing is known.
void AddUsage(v1::Report* job);

// Sets timing_quality and timing_reason: TAINTED when a sandbox is, with its name before each
// reason; CLEAN when all that ran are.
void AddTiming(v1::Report* job);

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_TALK_USAGE_H_
