// SPDX-License-Identifier: Apache-2.0
// What the jobs of a batch leave for each other: the store that it is in, and the request of a job
// with the names of artifacts replaced by what they are.
#ifndef CORDON_SANDBOX_API_BATCH_STORE_H_
#define CORDON_SANDBOX_API_BATCH_STORE_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/batch/jobs.h"
#include "policy/proto/batch_result.pb.h"
#include "sandbox/api/run_job.h"
#include "sandbox/files/store.h"

namespace cordon {

class BatchStore {
 public:
  // `folder`: of --store; empty: beside the journal, "JOURNAL.store".
  BatchStore(const std::string& folder, const std::string& journal);

  // Opens the store when the job is the first that uses artifacts; without such a job there is
  // none. An error when there is no place for it.
  absl::Status Need(const BatchTask& task);

  // Whether a result of an earlier run can stand: every artifact that it lists is in the store.
  bool Holds(const v1::JobResult& result) const;

  // Fills the job's artifacts into its requests (RequestsOf). `report_of` gives the report of the
  // n-th job of its `after`, or null.
  absl::Status Fill(const BatchTask& task,
                    const std::function<const v1::Report*(size_t n)>& report_of,
                    std::vector<RunRequest>* requests) const;

  // In the worker: what the job will see of the store through binds is what its name says.
  absl::Status CheckBound(const RunRequest& request) const;

 private:
  std::string folder_;
  std::optional<FileStore> store_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_BATCH_STORE_H_
