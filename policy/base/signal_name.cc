// SPDX-License-Identifier: Apache-2.0
#include "policy/base/signal_name.h"

#include <cstddef>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace cordon {
namespace {

constexpr absl::string_view kSignalNames[] = {
    "",          "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};

constexpr int kFirstRealTime = 32;
constexpr int kLastSignal = 64;

}  // namespace

std::string SignalName(int number) {
  if (number > 0 && static_cast<size_t>(number) < std::size(kSignalNames)) {
    return std::string(kSignalNames[number]);
  }
  // Kernel numbers; libc keeps the first few for itself, but the kernel reports what it sent.
  if (number >= kFirstRealTime && number <= kLastSignal) {
    return absl::StrCat("SIGRT", number - kFirstRealTime);
  }
  return absl::StrCat("signal ", number);
}

absl::optional<int> SignalNumber(absl::string_view name) {
  for (size_t i = 1; i < std::size(kSignalNames); ++i) {
    if (kSignalNames[i] == name) return static_cast<int>(i);
  }
  int real_time = 0;
  if (absl::ConsumePrefix(&name, "SIGRT") && absl::SimpleAtoi(name, &real_time) && real_time >= 0 &&
      real_time <= kLastSignal - kFirstRealTime && absl::StrCat(real_time) == name) {
    return kFirstRealTime + real_time;
  }
  return absl::nullopt;
}

}  // namespace cordon
