// SPDX-License-Identifier: Apache-2.0
// The journal of a batch: a file to which each result is added as soon as it is there, so that a
// batch that was cut off goes on where it was. One line of JSON per result; the first line says
// what jobs it is about.
#ifndef CORDON_TOOLS_CORDON_BATCH_JOURNAL_H_
#define CORDON_TOOLS_CORDON_BATCH_JOURNAL_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/batch_result.pb.h"
#include "sandbox/os/unique_fd.h"

namespace cordon::cli {

class BatchJournal {
 public:
  // Makes the file, or takes up one that is there. Errors: another batch has it open; it is about
  // other jobs or policies (`digest`); a line in its middle is broken. A last line that was cut off
  // is dropped: its job runs again.
  static absl::StatusOr<BatchJournal> Open(const std::string& path, const std::string& digest,
                                           uint32_t jobs);

  // Results of earlier runs, by the job's name.
  const std::map<std::string, v1::JobResult>& results() const { return results_; }

  // One write: after it, a killed batch loses nothing of this job.
  absl::Status Add(const v1::JobResult& result);

 private:
  absl::Status TakeUp(const std::string& content, const std::string& digest);
  std::string path_;
  UniqueFd file_;
  std::map<std::string, v1::JobResult> results_;
};

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_BATCH_JOURNAL_H_
