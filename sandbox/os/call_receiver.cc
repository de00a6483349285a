// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/call_receiver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <system_error>
#include <utility>

#include "sandbox/os/file.h"

namespace cordon {
namespace {

void Nothing(int /*signal*/) {}

// Ends the wait of a thread of ours: a signal that nobody handles, the same for all receivers of
// the process; 0 when there is none. Its handler stays: another receiver may need it. Those that
// the kernel ignores by itself come first: nothing changes for who does not handle them, and unlike
// a real-time signal one is sent even where RLIMIT_SIGPENDING lets nothing wait.
int WakeSignal() {
  static const int chosen = [] {
    for (const int number : {SIGURG, SIGWINCH, SIGRTMAX, SIGRTMAX - 1, SIGRTMAX - 2}) {
      struct sigaction now = {};
      // One that is ignored serves as well: a handler that does nothing ignores it, too.
      if (::sigaction(number, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 ||
          (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)) {
        continue;
      }
      struct sigaction action = {};
      action.sa_handler = Nothing;  // no SA_RESTART: the wait has to end
      if (::sigaction(number, &action, nullptr) == 0) return number;
    }
    return 0;
  }();
  return chosen;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CallReceiver>> CallReceiver::Make(SeccompListener listener) {
  UniqueFd ready(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
  if (!ready.valid()) return ErrnoStatus("eventfd", "", errno);
  return std::unique_ptr<CallReceiver>(new CallReceiver(std::move(listener), std::move(ready)));
}

absl::Status CallReceiver::Start() {
  if (WakeSignal() == 0) return ErrnoStatus("sigaction", "SIGURG", EBUSY);
  // The thread must take no signal that is meant for its process.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigdelset(&all, WakeSignal());
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  // NOLINTNEXTLINE: the C library gives no other answer than an exception, which ends the process.
  thread_ = std::thread([this] { Run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return absl::OkStatus();
}

CallReceiver::~CallReceiver() {
  if (!thread_.joinable()) return;
  stop_ = true;
  // Again and again: a signal just before the wait would end nothing.
  while (!ended_) {
    ::pthread_kill(thread_.native_handle(), WakeSignal());
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  thread_.join();
}

void CallReceiver::Announce() {
  const uint64_t one = 1;
  (void)!::write(ready_.get(), &one, sizeof(one));
}

void CallReceiver::Run() {
  while (!stop_) {
    absl::StatusOr<SeccompListener::Wait> came = listener_.Await();
    if (came.ok() && came->kind == SeccompListener::Wait::kInterrupted) continue;
    if (came.ok() && came->kind == SeccompListener::Wait::kNobody) break;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!came.ok()) {
      error_ = came.status();
      Announce();
      break;
    }
    const bool lost = came->kind == SeccompListener::Wait::kLost;
    if (lost && arrivals_.size() >= kMostLost) continue;
    arrivals_.push_back(lost ? Arrival() : Arrival(came->call));
    Announce();
  }
  ended_ = true;
}

absl::StatusOr<std::optional<CallReceiver::Arrival>> CallReceiver::Take() {
  uint64_t one = 0;
  if (::read(ready_.get(), &one, sizeof(one)) < 0) return std::optional<Arrival>();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (arrivals_.empty())
    return error_.ok() ? absl::StatusOr<std::optional<Arrival>>(std::nullopt)
                       : absl::StatusOr<std::optional<Arrival>>(error_);
  Arrival first = std::move(arrivals_.front());
  arrivals_.pop_front();
  return std::optional<Arrival>(std::move(first));
}

}  // namespace cordon
