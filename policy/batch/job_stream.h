// SPDX-License-Identifier: Apache-2.0
// The jobs of a batch that come line by line, each line complete as soon as it is there: who writes
// them may wait for a result before the next one. PURE.
//
// A line is a job, with or without a matrix, as strict as in a list. `after` names jobs that have
// been read before. The first line that is not right is the last one that is read: what stands
// behind it may be about what it should have been.
#ifndef CORDON_POLICY_BATCH_JOB_STREAM_H_
#define CORDON_POLICY_BATCH_JOB_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/batch/jobs.h"

namespace cordon {

class JobStream {
 public:
  // Of shard `index` (1 to `count`) only: jobs without `after` are dealt in turn, those with one go
  // where the jobs are that they come after, which have to be in one shard. So each shard reads the
  // same lines and runs others. `name` is for places.
  JobStream(std::string name, size_t index, size_t count);

  // Bytes as they come. Afterwards, take what Next has before there are more.
  void Add(absl::string_view bytes);
  // Nothing comes any more: what is there without a newline is a line, too.
  void End() { end_ = true; }

  // The jobs of the next line that has some of this shard; nothing when none is there. `after` are
  // positions among all jobs that this has given. After an error, nothing is given.
  absl::StatusOr<std::optional<std::vector<BatchTask>>> Next();

 private:
  // What later lines may ask about a job; all that is kept of it.
  struct Known {
    size_t position = 0;  // among those given, when it is of this shard
    size_t shard = 0;
    int line = 0;
    std::vector<std::string> artifacts;
  };

  bool TakeLine(std::string* line);
  absl::StatusOr<std::vector<BatchTask>> ReadLine(absl::string_view line);
  // Finds out what the job comes after and where it belongs, and adds it to `known_`.
  void Connect(BatchTask* task, std::vector<v1::ErrorDetail>* errors);

  std::string name_;
  size_t index_;
  size_t count_;
  std::string bytes_;    // without a whole line but for what Next has not taken
  size_t at_ = 0;        // where the next line begins
  size_t searched_ = 0;  // no newline between `at_` and here
  bool end_ = false;
  bool broken_ = false;
  int lines_ = 0;
  size_t dealt_ = 0;
  size_t given_ = 0;
  std::unordered_map<std::string, Known> known_;
};

}  // namespace cordon

#endif  // CORDON_POLICY_BATCH_JOB_STREAM_H_
