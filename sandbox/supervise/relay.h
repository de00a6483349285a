// SPDX-License-Identifier: Apache-2.0
// Streams between the job's pipes and the caller's files. The job shares no open file description
// with the host: it has pipe ends of its own, the supervisor reads and writes the others. Memory is
// bounded: one buffer per stream; a slow consumer stops the reading, never the limits.
#ifndef CORDON_SANDBOX_SUPERVISE_RELAY_H_
#define CORDON_SANDBOX_SUPERVISE_RELAY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "sandbox/os/event.h"
#include "sandbox/os/unique_fd.h"
#include "sandbox/supervise/terminal_text.h"

namespace cordon {

// Bytes of stdout and stderr together.
struct OutputBudget {
  uint64_t limit = 0;
  uint64_t used = 0;
  bool exceeded = false;
};

// Job -> caller. Forwards at most what the budget allows.
class OutputRelay {
 public:
  // `sink` is not owned; `token` is this relay's base token in the epoll (token: source,
  // token + 1: sink). `escape` shows as text what could steer a terminal.
  OutputRelay(UniqueFd source, int sink, bool escape, uint64_t token, OutputBudget* budget);

  absl::Status Start(Epoll* epoll);
  // Something happened to the source or the sink.
  absl::Status Step(Epoll* epoll);
  // Everything that the job wrote is with the consumer, or the consumer is gone.
  bool done() const { return done_; }
  // Nothing will come any more (the tree is dead): stop waiting for a consumer that is stuck.
  void Abandon(Epoll* epoll);

 private:
  absl::Status Fill();
  absl::Status Flush();
  absl::Status Watch(Epoll* epoll);
  void Append(const char* data, size_t size);

  UniqueFd source_;
  int sink_;
  bool escape_;
  uint64_t token_;
  OutputBudget* budget_;
  std::string pending_;
  TerminalText terminal_;
  bool source_watched_ = false;
  bool sink_pollable_ = true;
  bool sink_watched_ = false;
  bool end_ = false;
  bool done_ = false;
};

// Caller -> job.
class InputRelay {
 public:
  InputRelay(int source, UniqueFd sink, uint64_t token);
  absl::Status Start(Epoll* epoll);
  absl::Status Step(Epoll* epoll);
  void Stop(Epoll* epoll);

 private:
  void CloseSink(Epoll* epoll);

  int source_;
  UniqueFd sink_;
  uint64_t token_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t size_ = 0;
  bool source_pollable_ = true;
  bool source_watched_ = false;
  bool sink_watched_ = false;
  bool end_ = false;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_RELAY_H_
