// SPDX-License-Identifier: Apache-2.0
// What a supervisor waits on: epoll, timers of the monotonic clock, signals, counters.
#ifndef CORDON_SANDBOX_OS_EVENT_H_
#define CORDON_SANDBOX_OS_EVENT_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// One epoll instance; events carry a token of the caller's.
class Epoll {
 public:
  static absl::StatusOr<Epoll> Make();
  // `events` is a mask of EPOLL*. EPERM (a regular file: always ready) gives false.
  absl::StatusOr<bool> Add(int fd, uint32_t events, uint64_t token);
  absl::Status Modify(int fd, uint32_t events, uint64_t token);
  void Remove(int fd);

  struct Event {
    uint64_t token;
    uint32_t events;
  };
  // Blocks until something happens or `timeout_ms` (-1: for ever).
  absl::StatusOr<std::vector<Event>> Wait(int timeout_ms);
  int fd() const { return fd_.get(); }  // readable when Wait has something

 private:
  UniqueFd fd_;
};

// timerfd of CLOCK_MONOTONIC, one-shot.
class Timer {
 public:
  static absl::StatusOr<Timer> Make();
  absl::Status ArmAt(uint64_t monotonic_ns);  // a time in the past fires at once
  void Disarm();
  void Acknowledge();
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

// signalfd for SIGINT, SIGTERM and SIGHUP, which are blocked in this thread while it exists. They
// nest: each unblocks only what it has blocked itself.
class SignalFd {
 public:
  static absl::StatusOr<SignalFd> Make();
  SignalFd() = default;
  SignalFd(SignalFd&& other) noexcept = default;
  SignalFd& operator=(SignalFd&& other) noexcept = default;
  ~SignalFd();
  int Read();  // number of the signal, 0 when none is pending
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  uint64_t blocked_ = 0;  // bit n: signal n was not blocked before
};

absl::StatusOr<UniqueFd> MakeEventFd();
// What a caller hands down over exec and would end us or our bookkeeping: SIGCHLD ignored, with
// which the kernel forgets children before they are waited for, and timers that are still to
// come. And what would end or stop a supervisor whose job runs on: a limit on files or on time of
// the caller's, a terminal that belongs to another process group. Calls fail there instead.
void SettleSignals();
// SIGPIPE becomes EPIPE for the whole process.
void IgnoreSigpipe();

// SIGPIPE and SIGXFSZ of this thread's own writes, kept from the process while this exists: for a
// library, whose caller's handlers are not its own. Calls fail with EPIPE and EFBIG instead.
class WriteSignalHold {
 public:
  static absl::StatusOr<WriteSignalHold> Make();
  WriteSignalHold(WriteSignalHold&& other) noexcept;
  WriteSignalHold& operator=(WriteSignalHold&& other) noexcept = delete;
  ~WriteSignalHold();  // takes back what came meanwhile, as long as none was pending before

 private:
  WriteSignalHold() = default;
  uint64_t taken_ = 0;    // bit n: signal n was neither pending nor blocked before
  uint64_t blocked_ = 0;  // bit n: signal n was not blocked before
};

enum class IoState { kProgress, kWouldBlock, kEnd, kError };
struct IoResult {
  IoState state = IoState::kError;
  size_t bytes = 0;
  int error = 0;
};
// One read(2) or write(2); EINTR is retried.
IoResult ReadSome(int fd, char* buffer, size_t size);
IoResult WriteSome(int fd, const char* data, size_t size);
// Whether a write to `fd` would not block now (poll POLLOUT).
bool Writable(int fd);
// Waits until `fd` has something to read, EOF included; -1 waits for ever. False: not in time.
absl::StatusOr<bool> AwaitReadable(int fd, int timeout_ms);
// The same where an error is as good as nothing to read.
bool Readable(int fd, int timeout_ms);
bool IsTerminal(int fd);
// Of a pipe, by either end: how many bytes wait in it (FIONREAD).
uint64_t BytesInPipe(int fd);
// Whether nobody holds the read end of the pipe that `fd` writes to.
bool ReaderIsGone(int fd);

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_EVENT_H_
