// SPDX-License-Identifier: Apache-2.0
// Streams between the job's pipes and the caller's files. The job shares no open file description
// with the host: it has pipe ends of its own, the supervisor reads and writes the others. Memory is
// bounded: one buffer per stream; a slow consumer stops the reading, never the limits: nothing here
// waits in a call (os/borrowed_fd.h), whatever the caller's files are. The consumer may be the
// stdin of another sandbox: then broken pipes are what they would be between the two.
#ifndef CORDON_SANDBOX_SUPERVISE_RELAY_H_
#define CORDON_SANDBOX_SUPERVISE_RELAY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sandbox/os/borrowed_fd.h"
#include "sandbox/os/event.h"
#include "sandbox/os/unique_fd.h"
#include "sandbox/supervise/terminal_text.h"

namespace cordon {

// Bytes of stdout and stderr together, without what is truncated.
struct OutputBudget {
  uint64_t limit = 0;
  uint64_t used = 0;
  bool exceeded = false;
};

// What one stream may bring.
struct StreamLimit {
  uint64_t bytes = UINT64_MAX;  // UINT64_MAX: only the budget bounds it
  bool truncate = false;        // what is too much is thrown away, and nothing is exceeded
};

// Job -> caller. Forwards at most what limit and budget allow.
class OutputRelay {
 public:
  // `sink` is not owned; `token` is this relay's base token in the epoll (token: source,
  // token + 1: sink). `escape` shows as text what could steer a terminal. `linked`: the sink is a
  // pipe of ours that does not block, and its reader is another job.
  OutputRelay(UniqueFd source, int sink, bool escape, uint64_t token, OutputBudget* budget,
              bool linked = false, StreamLimit limit = {});

  absl::Status Start(Epoll* epoll);
  // `hook` runs when the consumer was found gone, before the job can notice.
  void BeforeCut(std::function<void()> hook) { before_cut_ = std::move(hook); }
  // Something happened to the source or the sink.
  absl::Status Step(Epoll* epoll);
  // Everything that the job wrote is with the consumer, or the consumer is gone.
  bool done() const { return done_; }
  // Bytes that the job wrote, as far as they were read.
  uint64_t seen() const { return seen_; }
  uint64_t limit() const { return limit_.bytes; }
  // This stream's own limit was crossed, and nothing is thrown away.
  bool exceeded() const { return exceeded_; }
  // Something was read that the consumer has not taken yet.
  bool waits() const { return !pending_.empty(); }
  // Nothing will come any more (the tree is dead): stop waiting for a consumer that is stuck.
  void Abandon(Epoll* epoll);

  // Nothing can move here before somebody reads or writes who does not now.
  bool Quiet() const;
  uint64_t delivered() const { return delivered_; }  // bytes that the sink took
  // When the sink's reader was found gone while the job could still write; 0: it was not.
  uint64_t cut_ns() const { return cut_ns_; }

 private:
  absl::Status Fill();
  void Cut();
  absl::Status WatchSink(Epoll* epoll);
  absl::Status Flush();
  absl::Status Watch(Epoll* epoll);
  void Append(const char* data, size_t size);
  // Counts `size` bytes that were read, and gives how many of them are forwarded.
  uint64_t Admit(uint64_t size);

  UniqueFd source_;
  BorrowedFd sink_;
  bool escape_;
  uint64_t token_;
  StreamLimit limit_;
  OutputBudget* budget_;
  uint64_t seen_ = 0;
  bool exceeded_ = false;
  std::string pending_;
  TerminalText terminal_;
  bool source_watched_ = false;
  bool linked_;
  uint64_t delivered_ = 0;
  uint64_t cut_ns_ = 0;
  std::function<void()> before_cut_;
  bool sink_pollable_ = true;
  bool sink_watched_ = false;
  uint32_t sink_events_ = 0;  // while it is watched
  bool end_ = false;
  bool done_ = false;
};

// Caller -> job. A source that cannot be read is an error, not the end of the input. Of a terminal
// only what is typed while this process is in its foreground is taken; the rest stays there.
class InputRelay {
 public:
  // Without a sink there is nothing to do: another job feeds this one.
  InputRelay(int source, UniqueFd sink, uint64_t token);
  absl::Status Start(Epoll* epoll);
  absl::Status Step(Epoll* epoll);
  void Stop(Epoll* epoll);
  bool Quiet() const;  // as above; a source that may still bring something is not
  // Bytes that went into the job's pipe.
  uint64_t sent() const { return sent_; }

 private:
  absl::StatusOr<bool> Fill();
  absl::Status Watch(Epoll* epoll);
  void CloseSink(Epoll* epoll);

  BorrowedFd source_;
  UniqueFd sink_;
  uint64_t token_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t size_ = 0;
  uint64_t sent_ = 0;
  bool source_pollable_ = true;
  uint32_t source_events_ = 0;  // 0: it is not watched
  bool sink_watched_ = false;
  bool end_ = false;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_RELAY_H_
