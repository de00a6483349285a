// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/event.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <utility>

#include "sandbox/os/file.h"

namespace cordon {
namespace {

constexpr int kEventsPerWait = 16;
constexpr int kWriteSignals[] = {SIGPIPE, SIGXFSZ};

sigset_t CancelSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

absl::StatusOr<Epoll> Epoll::Make() {
  Epoll epoll;
  epoll.fd_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.fd_.valid()) return ErrnoStatus("epoll_create1", "", errno);
  return epoll;
}

absl::StatusOr<bool> Epoll::Add(int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return true;
  if (errno == EPERM) return false;
  return ErrnoStatus("epoll_ctl", "add", errno);
}

absl::Status Epoll::Modify(int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(fd_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
    return ErrnoStatus("epoll_ctl", "modify", errno);
  }
  return absl::OkStatus();
}

void Epoll::Remove(int fd) { ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }

absl::StatusOr<std::vector<Epoll::Event>> Epoll::Wait(int timeout_ms) {
  struct epoll_event events[kEventsPerWait];
  const int count = ::epoll_wait(fd_.get(), events, kEventsPerWait, timeout_ms);
  if (count < 0 && errno != EINTR) return ErrnoStatus("epoll_wait", "", errno);
  std::vector<Event> out;
  for (int i = 0; i < count; ++i) out.push_back({events[i].data.u64, events[i].events});
  return out;
}

absl::StatusOr<Timer> Timer::Make() {
  Timer timer;
  timer.fd_ = UniqueFd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.fd_.valid()) return ErrnoStatus("timerfd_create", "", errno);
  return timer;
}

absl::Status Timer::ArmAt(uint64_t monotonic_ns) {
  struct itimerspec when = {};
  // Zero would disarm.
  const uint64_t at = monotonic_ns == 0 ? 1 : monotonic_ns;
  when.it_value.tv_sec = static_cast<time_t>(at / 1000000000u);
  when.it_value.tv_nsec = static_cast<long>(at % 1000000000u);
  if (::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr) != 0) {
    return ErrnoStatus("timerfd_settime", "", errno);
  }
  return absl::OkStatus();
}

void Timer::Disarm() {
  const struct itimerspec never = {};
  ::timerfd_settime(fd_.get(), 0, &never, nullptr);
}

void Timer::Acknowledge() {
  uint64_t count = 0;
  // EAGAIN: it was re-armed in between. Nothing to do.
  if (::read(fd_.get(), &count, sizeof(count)) < 0) return;
}

absl::StatusOr<SignalFd> SignalFd::Make() {
  const sigset_t set = CancelSignals();
  sigset_t before;
  if (::sigprocmask(SIG_BLOCK, &set, &before) != 0) {
    return ErrnoStatus("sigprocmask", "", errno);
  }
  SignalFd fd;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (sigismember(&before, number) == 0) fd.blocked_ |= uint64_t{1} << number;
  }
  fd.fd_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.fd_.valid()) return ErrnoStatus("signalfd", "", errno);
  return fd;
}

SignalFd::~SignalFd() {
  if (!fd_.valid()) return;
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    if ((blocked_ >> number & 1) != 0) sigaddset(&set, number);
  }
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

int SignalFd::Read() {
  struct signalfd_siginfo info = {};
  if (::read(fd_.get(), &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info))) return 0;
  return static_cast<int>(info.ssi_signo);
}

absl::StatusOr<UniqueFd> MakeEventFd() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) return ErrnoStatus("eventfd", "", errno);
  return fd;
}

void SettleSignals() {
  ::signal(SIGCHLD, SIG_DFL);
  const struct itimerval never = {};
  for (const int timer : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF}) {
    ::setitimer(static_cast<__itimer_which>(timer), &never, nullptr);
  }
  for (const int number : {SIGXFSZ, SIGXCPU, SIGTTIN, SIGTTOU}) ::signal(number, SIG_IGN);
}

void IgnoreSigpipe() { ::signal(SIGPIPE, SIG_IGN); }

absl::StatusOr<WriteSignalHold> WriteSignalHold::Make() {
  sigset_t set;
  sigset_t pending;
  sigset_t before;
  sigemptyset(&set);
  for (const int number : kWriteSignals) sigaddset(&set, number);
  sigemptyset(&pending);
  ::sigpending(&pending);
  if (::sigprocmask(SIG_BLOCK, &set, &before) != 0) return ErrnoStatus("sigprocmask", "", errno);
  WriteSignalHold hold;
  for (const int number : kWriteSignals) {
    const uint64_t bit = uint64_t{1} << number;
    if (sigismember(&before, number) == 0) hold.blocked_ |= bit;
    if (sigismember(&pending, number) == 0) hold.taken_ |= bit;
  }
  return hold;
}

WriteSignalHold::WriteSignalHold(WriteSignalHold&& other) noexcept
    : taken_(std::exchange(other.taken_, 0)), blocked_(std::exchange(other.blocked_, 0)) {}

WriteSignalHold::~WriteSignalHold() {
  sigset_t take;
  sigset_t unblock;
  sigemptyset(&take);
  sigemptyset(&unblock);
  for (const int number : kWriteSignals) {
    if ((taken_ >> number & 1) != 0) sigaddset(&take, number);
    if ((blocked_ >> number & 1) != 0) sigaddset(&unblock, number);
  }
  const struct timespec now = {};
  if (taken_ != 0) {
    while (::sigtimedwait(&take, nullptr, &now) > 0) {
    }
  }
  ::sigprocmask(SIG_UNBLOCK, &unblock, nullptr);
}

IoResult ReadSome(int fd, char* buffer, size_t size) {
  ssize_t got;
  do {
    got = ::read(fd, buffer, size);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return {IoState::kProgress, static_cast<size_t>(got), 0};
  if (got == 0) return {IoState::kEnd, 0, 0};
  if (errno == EAGAIN) return {IoState::kWouldBlock, 0, 0};
  return {IoState::kError, 0, errno};
}

IoResult WriteSome(int fd, const char* data, size_t size) {
  ssize_t put;
  do {
    put = ::write(fd, data, size);
  } while (put < 0 && errno == EINTR);
  if (put >= 0) return {IoState::kProgress, static_cast<size_t>(put), 0};
  if (errno == EAGAIN) return {IoState::kWouldBlock, 0, 0};
  return {IoState::kError, 0, errno};
}

bool Writable(int fd) {
  struct pollfd one = {fd, POLLOUT, 0};
  return ::poll(&one, 1, 0) == 1 && (one.revents & (POLLOUT | POLLERR | POLLHUP)) != 0;
}

absl::StatusOr<bool> AwaitReadable(int fd, int timeout_ms) {
  struct pollfd one = {fd, POLLIN, 0};
  int ready;
  do {
    ready = ::poll(&one, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return ErrnoStatus("poll", "", errno);
  return ready == 1;
}

bool Readable(int fd, int timeout_ms) {
  const absl::StatusOr<bool> ready = AwaitReadable(fd, timeout_ms);
  return ready.ok() && *ready;
}

bool IsTerminal(int fd) { return ::isatty(fd) == 1; }

uint64_t BytesInPipe(int fd) {
  int bytes = 0;
  if (::ioctl(fd, FIONREAD, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<uint64_t>(bytes);
}

bool ReaderIsGone(int fd) {
  struct pollfd one = {fd, 0, 0};
  return ::poll(&one, 1, 0) == 1 && (one.revents & POLLERR) != 0;
}

}  // namespace cordon
