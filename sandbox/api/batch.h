// SPDX-License-Identifier: Apache-2.0
// Many jobs, as `cordon batch` runs them: some at a time, one after the other where they say so,
// each with a supervisor of its own, their results in a journal if that is wanted. Installed as
// <cordon/batch.h>; tools/example/batch.cc is a program that uses it.
//
//   std::vector<cordon::v1::BatchJob> jobs = ...;   // <cordon/policy/proto/batch.pb.h>
//   cordon::BatchOptions options;
//   options.at_once = 2;
//   absl::StatusOr<cordon::v1::BatchReport> report = cordon::RunBatch(*host, jobs, options);
//
// A program that has threads, or jobs that come one by one, calls Runner::Run in as many threads as
// it likes, or gives lines to `cordon batch -`.
#ifndef CORDON_SANDBOX_API_BATCH_H_
#define CORDON_SANDBOX_API_BATCH_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "policy/proto/batch.pb.h"
#include "policy/proto/batch_result.pb.h"
#include "sandbox/api/cordon.h"

namespace cordon {

struct BatchOptions {
  // Jobs that run beside each other, 1 to kMostAtOnce. While there are as many processors, each has
  // one for itself, and jobs are held back that would not fit into the memory of the host.
  size_t at_once = 1;
  // A file to which each result is added when it is there. One that exists is taken up: what it has
  // a result of is not run again. Another batch that has it open, or that it is about, is an error.
  std::string journal;
  // A folder for artifacts (`copy_out.artifact`); "": beside the journal, "JOURNAL.store".
  std::string store;
  // Each result as soon as it is there, in the calling thread; `old`: it was in the journal.
  std::function<void(const v1::JobResult& result, bool old)> on_result;
  absl::optional<CancelHandle> cancel;
};

inline constexpr size_t kMostAtOnce = 1024;

// Runs all of them to their ends. The report has a result for each, in their order; `not_run` says
// how many have none because the batch was cancelled. What a job says of itself is checked before
// anything runs, with the strictness of a list in a file: names that are missing or taken, unknown
// `after`, circles, limits above those of the policy. Places in errors are "jobs:N:column", N being
// the position from 1. Host paths are relative to the current directory.
//
// A job that cannot be set up is a BAD result with a report that says why, and no error. An error
// means that nothing was run or, from the journal, that a result could not be kept; the supervisors
// of what ran then were killed, and with them their jobs.
//
// FAILED_PRECONDITION when the process has more than one thread: each job's supervisor is forked
// from it. SIGINT, SIGTERM and SIGHUP to it cancel the batch meanwhile, a second one kills what is
// left of it at once; `cancel` does the same as a first one. The process may stand in a control
// group below its own meanwhile.
absl::StatusOr<v1::BatchReport> RunBatch(const Host& host, const std::vector<v1::BatchJob>& jobs,
                                         const BatchOptions& options = {});

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_BATCH_H_
