// SPDX-License-Identifier: Apache-2.0
// Standard input as a stream of jobs: what has come is taken at once, what comes is waited for
// together with everything else.
#ifndef CORDON_SANDBOX_API_BATCH_INPUT_H_
#define CORDON_SANDBOX_API_BATCH_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/batch/job_stream.h"
#include "policy/batch/jobs.h"
#include "sandbox/os/event.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

inline constexpr char kStandardInput[] = "standard input";

class BatchInput {
 public:
  // Takes standard input over, /dev/null being there afterwards. Nothing when it is none that can
  // be waited for (a file): then it is left alone, and its end is there already.
  static absl::StatusOr<std::optional<BatchInput>> Take(size_t shard, size_t shard_count);

  // Jobs of the next line that has come.
  absl::StatusOr<std::optional<std::vector<BatchTask>>> Next() { return stream_.Next(); }

  // One read, when Watch or AwaitReadable says that it does not block.
  absl::Status Read();
  // Whether more can come; false after its end and after Close.
  bool may_come() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }

  // Whether `epoll`, always the same one, is to tell when there is something to read. While it is
  // not, a writer waits.
  absl::Status Watch(bool on, uint64_t token, Epoll* epoll);
  // Nothing more is read; the writer gets to know (EPIPE).
  void Close();
  // The same in a child, whose epoll is its parent's.
  void CloseCopy() { fd_.Reset(); }

 private:
  BatchInput(UniqueFd fd, JobStream stream) : fd_(std::move(fd)), stream_(std::move(stream)) {}
  UniqueFd fd_;
  JobStream stream_;
  Epoll* watcher_ = nullptr;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_API_BATCH_INPUT_H_
