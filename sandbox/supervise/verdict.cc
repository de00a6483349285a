// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/verdict.h"

#include <signal.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "policy/base/units.h"

namespace cordon {
namespace {

constexpr absl::string_view kSignalNames[] = {
    "",          "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};

void AddEvidence(v1::Report* report, absl::string_view name, absl::string_view observed,
                 absl::string_view limit, absl::string_view source) {
  v1::Evidence* evidence = report->add_evidence();
  evidence->set_name(std::string(name));
  evidence->set_observed(std::string(observed));
  evidence->set_limit(std::string(limit));
  evidence->set_source(std::string(source));
}

// Seconds as a person reads them, exact: "1.000997368s", "3s".
std::string Seconds(uint64_t ns) {
  std::string text = absl::StrFormat("%d.%09d", ns / 1'000'000'000, ns % 1'000'000'000);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text + "s";
}

bool DiedOf(const Observations& seen, int signal) {
  return seen.main_ended && seen.wait_code != CLD_EXITED && seen.wait_status == signal;
}

bool EndedWell(const Observations& seen) {
  return seen.main_ended && seen.wait_code == CLD_EXITED && seen.wait_status == 0;
}

// The row of the table that applies; rows are in order of precedence.
v1::Verdict Choose(const Observations& seen) {
  if (seen.killed == KillReason::kCancelled) return v1::CANCELLED;
  if (seen.oom_kills > 0 || seen.killed == KillReason::kMemory) return v1::MEMORY_LIMIT;
  if (seen.killed == KillReason::kOutput) return v1::OUTPUT_LIMIT;
  if (DiedOf(seen, SIGXFSZ)) return v1::OUTPUT_LIMIT;
  if (DiedOf(seen, SIGSYS)) return v1::SYSCALL_VIOLATION;
  if (seen.forks_denied > 0 && !EndedWell(seen)) return v1::PROCESS_LIMIT;
  if (seen.killed == KillReason::kDeadlock) return v1::DEADLOCK;
  if (seen.killed == KillReason::kCpu || seen.cpu_ns >= seen.cpu_limit_ns) return v1::CPU_LIMIT;
  if (seen.killed == KillReason::kWall) return v1::WALL_LIMIT;
  if (seen.killed == KillReason::kDecided) return v1::CANCELLED;
  if (seen.main_ended && seen.wait_code == CLD_EXITED) return v1::EXITED;
  return v1::SIGNALED;
}

void AddCause(const Observations& seen, v1::Report* report) {
  switch (report->verdict()) {
    case v1::CANCELLED:
      if (seen.killed == KillReason::kDecided) {
        for (const std::string& why : seen.why) {
          AddEvidence(report, "talk.decided", why, "", "talk");
        }
      } else if (seen.cancel_signal != 0) {
        AddEvidence(report, "supervisor.signal", SignalName(seen.cancel_signal), "", "signalfd");
      } else {
        AddEvidence(report, "supervisor.cancel", "asked by the caller", "", "descriptor");
      }
      break;
    case v1::DEADLOCK:
      for (const std::string& why : seen.why) {
        AddEvidence(report, "talk.waits", why, "", "/proc/PID/task/TID/syscall, FIONREAD");
      }
      break;
    case v1::MEMORY_LIMIT:
      AddEvidence(report, "cgroup.oom_kill", absl::StrCat(seen.oom_kills), "", seen.oom_source);
      AddEvidence(report, "cgroup.memory_peak", absl::StrCat(seen.memory_peak),
                  absl::StrCat(seen.memory_limit), "cgroup");
      break;
    case v1::OUTPUT_LIMIT:
      if (seen.killed == KillReason::kOutput) {
        AddEvidence(report, "output.bytes", absl::StrCat(seen.output_bytes),
                    absl::StrCat(seen.output_limit), "stdout + stderr as read");
      } else {
        AddEvidence(report, "rlimit.file_size", "SIGXFSZ", absl::StrCat(seen.file_size_limit),
                    "waitid");
      }
      break;
    case v1::SYSCALL_VIOLATION:
      if (seen.killed_by_filter) {
        AddEvidence(report, "seccomp.kill", "SIGSYS", "", "seccomp mode of the dead process");
      } else {
        AddEvidence(report, "main.sigsys", "SIGSYS", "",
                    "waitid; nothing that is left tells a filter's kill from a signal that the job "
                    "sent to itself");
      }
      break;
    case v1::PROCESS_LIMIT:
      AddEvidence(report, "cgroup.forks_denied", absl::StrCat(seen.forks_denied),
                  absl::StrCat(seen.process_limit), seen.forks_source);
      break;
    default:
      break;
  }
}

void AddClocks(const Observations& seen, v1::Report* report) {
  const std::string cpu_limit = seen.cpu_limit_ns == kUnlimited ? "" : Seconds(seen.cpu_limit_ns);
  if (seen.killed == KillReason::kCpu || report->verdict() == v1::CPU_LIMIT) {
    AddEvidence(report, "timer.cpu", Seconds(seen.cpu_ns), cpu_limit, "cgroup cpu clock");
  }
  if (seen.killed == KillReason::kWall) {
    AddEvidence(report, "timer.wall", Seconds(seen.wall_ns), Seconds(seen.wall_limit_ns),
                "CLOCK_MONOTONIC");
  }
  if (report->verdict() != v1::PROCESS_LIMIT && seen.forks_denied > 0) {
    AddEvidence(report, "cgroup.forks_denied", absl::StrCat(seen.forks_denied),
                absl::StrCat(seen.process_limit), seen.forks_source);
  }
}

}  // namespace

std::string SignalName(int number) {
  if (number > 0 && static_cast<size_t>(number) < std::size(kSignalNames)) {
    return std::string(kSignalNames[number]);
  }
  // Kernel numbers; libc keeps the first few for itself, but the kernel reports what it sent.
  if (number >= 32 && number <= 64) return absl::StrCat("SIGRT", number - 32);
  return absl::StrCat("signal ", number);
}

void Decide(const Observations& seen, v1::Report* report) {
  report->set_verdict(Choose(seen));
  if (seen.main_ended && seen.wait_code == CLD_EXITED) report->set_exit_code(seen.wait_status);
  if (seen.main_ended && seen.wait_code != CLD_EXITED) report->set_signal(seen.wait_status);
  // Killed with the whole sandbox: by us, with SIGKILL.
  if (!seen.main_ended) report->set_signal(SIGKILL);
  if (report->has_signal()) report->set_signal_name(SignalName(report->signal()));
  AddCause(seen, report);
  AddClocks(seen, report);
  if (seen.main_ended) {
    AddEvidence(report, "wait.status",
                seen.wait_code == CLD_EXITED ? absl::StrCat("exit ", seen.wait_status)
                                             : SignalName(seen.wait_status),
                "", "waitid");
  }
}

}  // namespace cordon
