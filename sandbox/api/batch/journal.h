// SPDX-License-Identifier: Apache-2.0
// The journal of a batch: a file to which each result is added as soon as it is there, so that a
// batch that was cut off goes on where it was. One line of JSON per result; the first line says
// what jobs it is about or, of a stream of jobs, that each result does. In memory is only where
// each result stands.
#ifndef CORDON_SANDBOX_API_BATCH_JOURNAL_H_
#define CORDON_SANDBOX_API_BATCH_JOURNAL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/proto/batch_result.pb.h"
#include "sandbox/api/batch/check.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

class BatchJournal {
 public:
  // Makes the file, or takes up one that is there. Errors: another batch has it open; it is about
  // other jobs or policies (`head`); a line in its middle is broken. A last line that was cut off
  // is dropped: its job runs again.
  static absl::StatusOr<BatchJournal> Open(const std::string& path, const v1::JournalHead& head);

  // Whether an earlier run has left a result of a job of this name that is about another job.
  bool HasOther(const CheckedTask& task) const;
  // The result that an earlier run has left of this job.
  absl::StatusOr<std::optional<v1::JobResult>> Find(const CheckedTask& task) const;

  // One write: after it, a killed batch loses nothing of this job.
  absl::Status Add(const CheckedTask& task, v1::JobResult result);

 private:
  struct Place {
    uint64_t offset = 0;
    uint64_t bytes = 0;
    std::string digest;  // of a stream
  };
  // The whole lines of the file; `end` is where the last one ends.
  absl::Status TakeUp(uint64_t* end);
  absl::Status TakeLine(absl::string_view line, size_t number, uint64_t offset);

  std::string path_;
  UniqueFd file_;
  v1::JournalHead head_;
  std::map<std::string, Place> places_;  // of results, by the job's name
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_BATCH_JOURNAL_H_
