// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/borrowed_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

// What a pipe takes whole when it is writable (PIPE_BUF).
constexpr size_t kPipePromise = 4096;
// Of a terminal: the least room of a driver that says "writable" is 256 bytes, and the terminal may
// make eight of each of ours (a tab that is expanded; a line's end is two).
constexpr size_t kTerminalPromise = 32;
constexpr unsigned kMemoryDevices = 1;  // null, zero, full, random: nothing of it waits

// Opening the master again would make another terminal.
bool IsMaster(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(5, 2);
}

// "/dev/tty" and "/dev/console" are names of terminals, and may be another's by now.
bool SameTerminal(int one, int other) {
  unsigned devices[2] = {};
  return ::ioctl(one, TIOCGDEV, &devices[0]) == 0 && ::ioctl(other, TIOCGDEV, &devices[1]) == 0 &&
         devices[0] == devices[1];
}

bool IsForeground(int terminal) {
  pid_t group = 0;
  return ::ioctl(terminal, TIOCGPGRP, &group) != 0 || group == ::getpgrp();
}

bool HungUp(int fd) {
  struct pollfd one = {fd, 0, 0};
  return ::poll(&one, 1, 0) == 1 && (one.revents & POLLHUP) != 0;
}

IoResult ResultOf(ssize_t moved, bool put) {
  if (moved > 0) return {IoState::kProgress, static_cast<size_t>(moved), 0};
  if (moved == 0) return {put ? IoState::kWouldBlock : IoState::kEnd, 0, 0};
  // EINTR: nothing was moved, and whoever asks again is told.
  if (errno == EAGAIN || errno == EINTR) return {IoState::kWouldBlock, 0, 0};
  return {IoState::kError, 0, errno};
}

}  // namespace

// 0, or why there is no description of our own.
int BorrowedFd::OpenAgain(int access) {
  const int flags = ::fcntl(fd_, F_GETFL);
  if (flags < 0) return errno;
  // What the caller's cannot do is not to be done by ours.
  if ((flags & O_ACCMODE) != access && (flags & O_ACCMODE) != O_RDWR) return EACCES;
  const std::string name = absl::StrCat("/proc/self/fd/", fd_);
  const int packets = flags & O_DIRECT;  // of a pipe: one read gives one write
  UniqueFd again(::open(name.c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | packets));
  if (!again.valid()) return errno;
  if (terminal_ && !SameTerminal(fd_, again.get())) return ENXIO;
  own_ = std::move(again);
  return 0;
}

absl::Status BorrowedFd::Open(int access) {
  struct stat info = {};
  if (::fstat(fd_, &info) != 0) return ErrnoStatus("fstat", absl::StrCat("fd ", fd_), errno);
  terminal_ = S_ISCHR(info.st_mode) && IsTerminal(fd_);
  if (S_ISSOCK(info.st_mode)) {
    way_ = Way::kSocket;
    return absl::OkStatus();
  }
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode) || S_ISBLK(info.st_mode)) {
    return absl::OkStatus();
  }
  if (S_ISCHR(info.st_mode) && major(info.st_rdev) == kMemoryDevices) return absl::OkStatus();
  way_ = S_ISFIFO(info.st_mode) ? Way::kEachCall : Way::kByPoll;
  if (!S_ISFIFO(info.st_mode) && (!terminal_ || IsMaster(info))) return absl::OkStatus();
  const int refused = OpenAgain(access);
  if (refused == EMFILE || refused == ENFILE || refused == ENOMEM) {
    return ErrnoStatus("open", absl::StrCat("/proc/self/fd/", fd_), refused);
  }
  if (refused == 0) way_ = Way::kFlag;
  return absl::OkStatus();
}

absl::StatusOr<BorrowedFd> BorrowedFd::Make(int fd, int access) {
  BorrowedFd made(fd);
  const absl::Status opened = made.Open(access);
  if (!opened.ok()) return opened;
  return made;
}

absl::StatusOr<BorrowedFd> BorrowedFd::ForReading(int fd) { return Make(fd, O_RDONLY); }

absl::StatusOr<BorrowedFd> BorrowedFd::ForWriting(int fd) {
  absl::StatusOr<BorrowedFd> made = Make(fd, O_WRONLY);
  if (made.ok() && made->own_.valid()) made->poll_ = made->own_.get();
  return made;
}

BorrowedFd BorrowedFd::Own(int fd) { return BorrowedFd(fd); }

IoResult BorrowedFd::EachCall(void* bytes, size_t size, bool put) {
  const struct iovec part = {bytes, size};
  const ssize_t moved =
      put ? ::pwritev2(fd_, &part, 1, -1, RWF_NOWAIT) : ::preadv2(fd_, &part, 1, -1, RWF_NOWAIT);
  // Of any other error the call by poll says what it is.
  if (moved < 0 && errno != EAGAIN && errno != EINTR && errno != EPIPE) {
    way_ = Way::kByPoll;
    return put ? Put(static_cast<const char*>(bytes), size) : Get(static_cast<char*>(bytes), size);
  }
  return ResultOf(moved, put);
}

IoResult BorrowedFd::Put(const char* from, size_t size) {
  switch (way_) {
    case Way::kFlag:
      return ResultOf(::write(own_.get(), from, size), true);
    case Way::kSocket:
      return ResultOf(::sendto(fd_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0), true);
    case Way::kEachCall:
      return EachCall(const_cast<char*>(from), size, true);
    case Way::kByPoll:
      if (!Writable(fd_)) return {IoState::kWouldBlock, 0, 0};
      return WriteSome(fd_, from, std::min(size, terminal_ ? kTerminalPromise : kPipePromise));
    case Way::kPlain:
      break;
  }
  return WriteSome(fd_, from, size);
}

IoResult BorrowedFd::Get(char* to, size_t size) {
  IoResult got;
  for_foreground_ = false;
  switch (way_) {
    case Way::kFlag:
      // Of a FIFO that has no writer yet, a description of our own says that it is at its end.
      if (!Readable(fd_, 0)) return {IoState::kWouldBlock, 0, 0};
      got = ResultOf(::read(own_.get(), to, size), false);
      break;
    case Way::kSocket:
      got = ResultOf(::recv(fd_, to, size, MSG_DONTWAIT), false);
      break;
    case Way::kEachCall:
      return EachCall(to, size, false);
    case Way::kByPoll:
      if (!Readable(fd_, 0)) return {IoState::kWouldBlock, 0, 0};
      // A terminal may be set to wait for more than the one byte that poll speaks of.
      got = ReadSome(fd_, to, terminal_ ? 1 : size);
      break;
    case Way::kPlain:
      got = ReadSome(fd_, to, size);
      break;
  }
  if (!terminal_ || got.state != IoState::kError || got.error != EIO) return got;
  if (HungUp(fd_)) return {IoState::kEnd, 0, 0};
  for_foreground_ = !IsForeground(fd_);
  return for_foreground_ ? IoResult{IoState::kWouldBlock, 0, 0} : got;
}

}  // namespace cordon
