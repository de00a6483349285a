// SPDX-License-Identifier: Apache-2.0
// A thread that waits for the calls of a filter's listener. Entry point: CallReceiver.
//
// Why a thread: a call that a signal interrupts is withdrawn, and poll(2) then shows nothing.
// Whoever polls is never told of it, and a job with a fast timer could try for ever. One who waits
// in the ioctl is told that a call was there, even when it is gone before it can be read.
#ifndef CORDON_SANDBOX_OS_CALL_RECEIVER_H_
#define CORDON_SANDBOX_OS_CALL_RECEIVER_H_

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sandbox/os/seccomp_listener.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

class CallReceiver {
 public:
  // A call that waits, or (nullopt) one that was withdrawn before it could be read.
  using Arrival = std::optional<SeccompListener::Call>;

  static absl::StatusOr<std::unique_ptr<CallReceiver>> Make(SeccompListener listener);
  CallReceiver(const CallReceiver&) = delete;
  CallReceiver& operator=(const CallReceiver&) = delete;
  // Ends the thread; calls that wait are answered by nobody any more.
  ~CallReceiver();

  // What came before counts too. The thread has all signals blocked but one that the process does
  // not handle (SIGURG as a rule), which ends its wait and gets an empty handler for good.
  absl::Status Start();

  // Readable while there are arrivals.
  int fd() const { return ready_.get(); }
  // The next arrival; nullopt when there is none. Never blocks. An error of the thread comes last.
  absl::StatusOr<std::optional<Arrival>> Take();
  // For answers, which need no waiting.
  SeccompListener& listener() { return listener_; }

 private:
  CallReceiver(SeccompListener listener, UniqueFd ready)
      : listener_(std::move(listener)), ready_(std::move(ready)) {}
  void Run();
  void Announce();

  SeccompListener listener_;
  UniqueFd ready_;  // eventfd: one for each arrival
  std::thread thread_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::deque<Arrival>
      arrivals_;        // under mutex_; at most one for each thread of the job, and lost ones
  absl::Status error_;  // under mutex_
  static constexpr size_t kMostLost = 1024;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_CALL_RECEIVER_H_
