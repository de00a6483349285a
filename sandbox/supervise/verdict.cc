// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/verdict.h"

#include <signal.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "policy/base/signal_name.h"
#include "policy/base/status.h"
#include "policy/base/units.h"

namespace cordon {
namespace {

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

bool CpuReached(const Observations& seen) {
  return seen.cpu_limit_ns != kUnlimited && seen.cpu_ns >= seen.cpu_limit_ns;
}

bool WallReached(const Observations& seen) {
  return seen.wall_limit_ns != kUnlimited && seen.wall_ns >= seen.wall_limit_ns;
}

// Whether a SIGXFSZ can be that of the limit: what its main process wrote tells, otherwise the
// memory that a file takes while it is written, otherwise nothing does.
bool MayHaveFilledAFile(const Observations& seen) {
  if (seen.file_size_limit == kUnlimited) return false;
  if (seen.written.has_value()) return *seen.written >= seen.file_size_limit;
  const bool fits = seen.memory_known && seen.file_size_limit <= seen.memory_limit / 2;
  return !fits || seen.memory_peak >= seen.file_size_limit;
}

// It reached a limit of time, and something else ended it before it was ended for that.
bool Outran(const Observations& seen, KillReason clock) {
  return seen.first_clock == clock && seen.killed != clock;
}

std::string LimitText(uint64_t limit_ns) { return limit_ns == kUnlimited ? "" : Seconds(limit_ns); }

// The evidence of one cause each.

void CancelEvidence(const Observations& seen, v1::Report* report) {
  if (seen.cancel_signal != 0) {
    AddEvidence(report, "supervisor.signal", SignalName(seen.cancel_signal), "", "signalfd");
  } else {
    AddEvidence(report, "supervisor.cancel", "asked by the caller", "", "descriptor");
  }
  if (seen.asked_signal != 0) {
    AddEvidence(report, absl::StrCat("cancel.", SignalName(seen.asked_signal)),
                seen.cancel_killed ? "killed afterwards" : "ended by itself",
                Seconds(seen.cancel_grace_ns), "pidfd of the main process");
  }
}

void MemoryEvidence(const Observations& seen, v1::Report* report) {
  AddEvidence(report, "cgroup.oom_kill", absl::StrCat(seen.oom_kills), "", seen.oom_source);
  AddEvidence(report, "cgroup.memory_peak", absl::StrCat(seen.memory_peak),
              absl::StrCat(seen.memory_limit),
              seen.memory_known ? "cgroup" : "cgroup, as sampled: at least that much");
}

void OutputEvidence(const Observations& seen, v1::Report* report) {
  AddEvidence(report, absl::StrCat(seen.output.name, ".bytes"), absl::StrCat(seen.output.bytes),
              absl::StrCat(seen.output.limit),
              seen.output.name == "output" ? "stdout + stderr as read" : "as read");
}

void FileSizeEvidence(const Observations& seen, v1::Report* report) {
  const std::string limit = absl::StrCat(seen.file_size_limit);
  if (seen.written.has_value()) {
    AddEvidence(report, "rlimit.file_size", absl::StrCat(*seen.written), limit,
                "SIGXFSZ (waitid) and the bytes that the main process wrote (/proc/PID/io)");
    return;
  }
  AddEvidence(report, "rlimit.file_size", "SIGXFSZ", limit,
              "waitid; the kernel does not show what the process wrote, so the job may have sent "
              "itself the signal");
}

void FilterEvidence(const Observations& seen, v1::Report* report) {
  if (seen.killed == KillReason::kSyscall) {
    AddEvidence(report, "seccomp.call", seen.violation, "",
                "received from the filter; it did not happen");
    AddEvidence(report, "seccomp.thread", absl::StrCat(seen.violating_thread), "", "its id inside");
    return;
  }
  if (seen.killed_by_filter) {
    AddEvidence(report, "seccomp.kill", "SIGSYS", "", "seccomp mode of the dead process");
    return;
  }
  AddEvidence(report, "main.sigsys", "SIGSYS", "",
              "waitid; nothing that is left tells a filter's kill from a signal that the job sent "
              "to itself");
}

void ForkEvidence(const Observations& seen, v1::Report* report) {
  AddEvidence(report, "cgroup.forks_denied", absl::StrCat(seen.forks_denied),
              absl::StrCat(seen.process_limit), seen.forks_source);
}

void HostMemoryEvidence(const Observations& seen, v1::Report* report) {
  AddEvidence(report, "host.oom_kill", absl::StrCat(seen.host_oom_kills), "", seen.oom_source);
}

void HostForkEvidence(const Observations& seen, v1::Report* report) {
  AddEvidence(report, "host.forks_denied", absl::StrCat(seen.host_forks_denied), "",
              seen.forks_source);
}

void CpuEvidence(const Observations& seen, v1::Report* report) {
  AddEvidence(report, "timer.cpu", Seconds(seen.cpu_ns), LimitText(seen.cpu_limit_ns),
              "cgroup cpu clock");
}

void WallEvidence(const Observations& seen, v1::Report* report) {
  AddEvidence(report, "timer.wall", Seconds(seen.wall_ns), LimitText(seen.wall_limit_ns),
              "CLOCK_MONOTONIC");
}

void IdleEvidence(const Observations& seen, v1::Report* report) {
  AddEvidence(report, "timer.idle", Seconds(seen.idle_ns), LimitText(seen.idle_limit_ns),
              "cgroup cpu clock, bytes of stdin, stdout and stderr, states of the threads");
}

void HealthEvidence(const Observations& seen, v1::Report* report) {
  if (!seen.checker_end.empty()) {
    AddEvidence(report, "health.checker", seen.checker_end, "", "the process that starts checks");
  }
  if (!seen.health_end.empty()) {
    AddEvidence(report, "health.check", seen.health_end, "", "waitid, in the sandbox");
  }
  if (!seen.health_output.empty()) {
    AddEvidence(report, "health.output", EscapeForPeople(seen.health_output), "",
                "stdout and stderr of the check");
  }
  AddEvidence(report, "health.failed_in_row", absl::StrCat(seen.health_in_row),
              absl::StrCat(seen.health_retries), "supervisor");
}

void DeadlockEvidence(const Observations& seen, v1::Report* report) {
  for (const std::string& why : seen.why) {
    AddEvidence(report, "talk.waits", why, "", "/proc/PID/task/TID/syscall, FIONREAD");
  }
}

void DecidedEvidence(const Observations& seen, v1::Report* report) {
  for (const std::string& why : seen.why) AddEvidence(report, "talk.decided", why, "", "talk");
}

void NoEvidence(const Observations& /*seen*/, v1::Report* /*report*/) {}

void SignalEvidence(const Observations& seen, v1::Report* report) {
  if (!DiedOf(seen, SIGXFSZ)) return;
  AddEvidence(report, "main.sigxfsz",
              seen.written.has_value() ? absl::StrCat(*seen.written) : "unknown",
              seen.file_size_limit == kUnlimited ? "" : absl::StrCat(seen.file_size_limit),
              "bytes that the main process wrote (/proc/PID/io), or the memory that its group "
              "used: too little for a file at the limit, so it set its own limit, reached beyond "
              "the end of a file, or sent itself the signal");
}

constexpr DecisionRow kTable[] = {
    {"told to stop", v1::CANCELLED,
     [](const Observations& seen) { return seen.killed == KillReason::kCancelled; },
     CancelEvidence},
    {"CPU time reached before anything else ended it", v1::CPU_LIMIT,
     [](const Observations& seen) { return Outran(seen, KillReason::kCpu); }, CpuEvidence},
    {"wall time reached before anything else ended it", v1::WALL_LIMIT,
     [](const Observations& seen) { return Outran(seen, KillReason::kWall); }, WallEvidence},
    {"out of memory", v1::MEMORY_LIMIT,
     [](const Observations& seen) {
       return seen.oom_kills > 0 ||
              (seen.killed == KillReason::kMemory && seen.host_oom_kills == 0);
     },
     MemoryEvidence},
    {"too much output", v1::OUTPUT_LIMIT,
     [](const Observations& seen) { return seen.killed == KillReason::kOutput; }, OutputEvidence},
    // The signal alone is no proof, it can be sent. A main process that wrote less than one file
    // may hold was not stopped by the limit.
    {"file too large", v1::OUTPUT_LIMIT,
     [](const Observations& seen) { return DiedOf(seen, SIGXFSZ) && MayHaveFilledAFile(seen); },
     FileSizeEvidence},
    {"forbidden call", v1::SYSCALL_VIOLATION,
     [](const Observations& seen) {
       return seen.killed == KillReason::kSyscall || DiedOf(seen, SIGSYS);
     },
     FilterEvidence},
    {"out of memory above the job", v1::SETUP_FAILED,
     [](const Observations& seen) { return seen.host_oom_kills > 0; }, HostMemoryEvidence},
    {"refused process above the job", v1::SETUP_FAILED,
     [](const Observations& seen) { return seen.host_forks_denied > 0 && !EndedWell(seen); },
     HostForkEvidence},
    {"health check failed", v1::UNHEALTHY,
     [](const Observations& seen) { return seen.killed == KillReason::kUnhealthy; },
     HealthEvidence},
    {"refused process", v1::PROCESS_LIMIT,
     [](const Observations& seen) { return seen.forks_denied > 0 && !EndedWell(seen); },
     ForkEvidence},
    {"deadlock", v1::DEADLOCK,
     [](const Observations& seen) { return seen.killed == KillReason::kDeadlock; },
     DeadlockEvidence},
    {"ended for CPU time", v1::CPU_LIMIT,
     [](const Observations& seen) { return seen.killed == KillReason::kCpu; }, CpuEvidence},
    {"ended for wall time", v1::WALL_LIMIT,
     [](const Observations& seen) { return seen.killed == KillReason::kWall; }, WallEvidence},
    {"ended for idleness", v1::IDLE_LIMIT,
     [](const Observations& seen) { return seen.killed == KillReason::kIdle; }, IdleEvidence},
    // No timer saw it: it ended by itself before one could.
    {"CPU time over its limit at the end", v1::CPU_LIMIT, CpuReached, CpuEvidence},
    {"wall time over its limit at the end", v1::WALL_LIMIT, WallReached, WallEvidence},
    {"another sandbox had decided", v1::CANCELLED,
     [](const Observations& seen) { return seen.killed == KillReason::kDecided; }, DecidedEvidence},
    {"exited", v1::EXITED,
     [](const Observations& seen) { return seen.main_ended && seen.wait_code == CLD_EXITED; },
     NoEvidence},
    {"signal", v1::SIGNALED, [](const Observations& /*seen*/) { return true; }, SignalEvidence},
};

// What happened besides, and did not decide.
void AddCircumstances(const Observations& seen, v1::Report* report) {
  const v1::Verdict verdict = report->verdict();
  if (CpuReached(seen) && verdict != v1::CPU_LIMIT) CpuEvidence(seen, report);
  if (WallReached(seen) && verdict != v1::WALL_LIMIT) WallEvidence(seen, report);
  if (seen.forks_denied > 0 && verdict != v1::PROCESS_LIMIT) ForkEvidence(seen, report);
  if (verdict == v1::SETUP_FAILED) return;
  if (seen.host_oom_kills > 0) HostMemoryEvidence(seen, report);
  if (seen.host_forks_denied > 0) HostForkEvidence(seen, report);
}

}  // namespace

absl::Span<const DecisionRow> DecisionTable() { return kTable; }

absl::Status HostRanOut(const Observations& seen) {
  if (seen.host_oom_kills > 0) {
    return Error(absl::StatusCode::kResourceExhausted,
                 absl::StrCat("the host was out of memory and killed ", seen.host_oom_kills,
                              " processes of the job, which was below its own limit: it had used ",
                              seen.memory_peak, " of ", seen.memory_limit, " bytes"))
        .Layer("cgroup")
        .Hint(
            "a control group above the job's, or the machine, has less memory than those in it may "
            "use together: raise that limit, or run fewer jobs at a time");
  }
  return Error(absl::StatusCode::kResourceExhausted,
               absl::StrCat("the host refused the job ", seen.host_forks_denied,
                            " processes or threads, while it was below its own limit of ",
                            seen.process_limit))
      .Layer("cgroup")
      .Hint(
          "a control group above the job's has a lower pids.max (TasksMax= of a unit of systemd) "
          "than those in it may use together: raise that limit, or run fewer jobs at a time");
}

void Decide(const Observations& seen, v1::Report* report) {
  if (seen.main_ended && seen.wait_code == CLD_EXITED) report->set_exit_code(seen.wait_status);
  if (seen.main_ended && seen.wait_code != CLD_EXITED) report->set_signal(seen.wait_status);
  // Killed with the whole sandbox: by us, with SIGKILL.
  if (!seen.main_ended) report->set_signal(SIGKILL);
  if (report->has_signal()) report->set_signal_name(SignalName(report->signal()));
  for (const DecisionRow& row : kTable) {
    if (!row.applies(seen)) continue;
    report->set_verdict(row.verdict);
    row.add_evidence(seen, report);
    break;
  }
  AddCircumstances(seen, report);
  if (seen.main_ended) {
    AddEvidence(report, "wait.status",
                seen.wait_code == CLD_EXITED ? absl::StrCat("exit ", seen.wait_status)
                                             : SignalName(seen.wait_status),
                "", "waitid");
  }
}

}  // namespace cordon
