// SPDX-License-Identifier: Apache-2.0
// Reading and writing a descriptor of the caller's without ever waiting in the call. Others hold
// the same open file description, so its O_NONBLOCK is not ours to set; and poll(2) is a promise
// only where nobody else uses the other end: two writers see the one free place of a pipe, and a
// terminal says "writable" when it takes one byte, while a write sleeps until it has taken all.
#ifndef CORDON_SANDBOX_OS_BORROWED_FD_H_
#define CORDON_SANDBOX_OS_BORROWED_FD_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "sandbox/os/event.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// By what `fd` is:
// - a pipe, a FIFO, a terminal: it is opened again, so that a flag of our own says "do not wait";
// - a socket: each call says it;
// - a pipe that may not be opened again (it is another user's): each call says it where the kernel
//   can (since 6.4); before, poll is asked, and a write is no larger than what poll promises;
// - such a terminal, the master of one, and any other device: poll is asked, and so little is moved
//   that its promise holds. What remains: somebody who stops that terminal, or takes its input,
//   between poll and the call;
// - a regular file: as it is; it never makes anybody wait but for its disk.
class BorrowedFd {
 public:
  // `fd` stays the caller's and must stay open. Errors: of a descriptor that cannot be looked at,
  // and of a process that has no room for one more.
  static absl::StatusOr<BorrowedFd> ForReading(int fd);
  static absl::StatusOr<BorrowedFd> ForWriting(int fd);
  // One that does not wait already, and is not shared with others.
  static BorrowedFd Own(int fd);

  // As ReadSome and WriteSome; may move less than there is and than there is room for. The
  // terminal of another process group gives nothing (kWouldBlock), one that hung up is at its end.
  IoResult Get(char* to, size_t size);
  IoResult Put(const char* from, size_t size);
  // Where to poll: for what is written our own description, where there is one. Input is polled at
  // the caller's: only that one knows that a FIFO has had its writer.
  int fd() const { return poll_; }
  // After a Get that gave nothing: there is something, but for the terminal's foreground.
  bool ForForeground() const { return for_foreground_; }

 private:
  enum class Way { kFlag, kSocket, kEachCall, kByPoll, kPlain };
  explicit BorrowedFd(int fd) : fd_(fd), poll_(fd) {}
  static absl::StatusOr<BorrowedFd> Make(int fd, int access);
  absl::Status Open(int access);
  int OpenAgain(int access);
  IoResult EachCall(void* bytes, size_t size, bool put);

  int fd_;
  int poll_;
  UniqueFd own_;
  Way way_ = Way::kPlain;
  bool terminal_ = false;
  bool for_foreground_ = false;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_BORROWED_FD_H_
