// SPDX-License-Identifier: Apache-2.0
// What the jobs of a batch leave for each other: the store that it is in, and the request of a job
// with the names of artifacts replaced by what they are.
#ifndef CORDON_TOOLS_CORDON_BATCH_STORE_H_
#define CORDON_TOOLS_CORDON_BATCH_STORE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/batch/jobs.h"
#include "policy/proto/batch_result.pb.h"
#include "sandbox/api/run_job.h"
#include "sandbox/files/store.h"

namespace cordon::cli {

class BatchStore {
 public:
  // `folder`: of --store; empty: beside the journal, "JOURNAL.store". No store at all when no job
  // uses artifacts; an error when one does and there is no place for it.
  static absl::StatusOr<BatchStore> Open(const std::string& folder, const std::string& journal,
                                         const std::vector<BatchTask>& tasks);

  // Whether a result of an earlier run can stand: every artifact that it lists is in the store.
  bool Holds(const v1::JobResult& result) const;

  // Fills in the job's artifacts, of jobs that have ended (`results`, by the position of tasks).
  absl::Status Fill(const BatchTask& task, const std::vector<BatchTask>& tasks,
                    const std::vector<v1::JobResult>& results, RunRequest* request) const;

  // In the worker: what the job will see of the store through binds is what its name says.
  absl::Status CheckBound(const RunRequest& request) const;

 private:
  std::optional<FileStore> store_;
};

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_BATCH_STORE_H_
