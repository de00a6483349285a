// SPDX-License-Identifier: Apache-2.0
// PURE: observations -> verdict with evidence. One decision table, first cause wins. Nothing that
// the job says of itself is an input, but for its exit status.
#ifndef CORDON_SANDBOX_SUPERVISE_VERDICT_H_
#define CORDON_SANDBOX_SUPERVISE_VERDICT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "policy/proto/report.pb.h"

namespace cordon {

// Why the supervisor ended the job, if it did; also which limit of time it reached first.
enum class KillReason {
  kNone,
  kWall,
  kCpu,
  kIdle,
  kMemory,
  kOutput,
  kSyscall,  // a call under KILL
  kCancelled,
  kUnhealthy,
  kDeadlock,  // of sandboxes that talk; `why` says who waits for whom
  kDecided,   // another sandbox of the same job had decided it; `why` says which
};

// A limit of output, and what was counted against it.
struct OutputSeen {
  std::string name;    // "output", "stdout", "stderr"
  uint64_t bytes = 0;  // as read
  uint64_t limit = 0;
};

struct Observations {
  KillReason killed = KillReason::kNone;
  int cancel_signal = 0;         // with kCancelled; 0: by the caller's descriptor
  int asked_signal = 0;          // that the main process got first, with a grace; 0: none
  uint64_t cancel_grace_ns = 0;  // that it had then
  bool cancel_killed = false;    // it did not end by itself
  std::string health_end;        // of the last health check
  std::string health_output;     // how its output began: bytes of the job's
  std::string checker_end;       // what became of the process that starts them; empty: it is there
  uint32_t health_in_row = 0;    // failures that counted
  uint32_t health_retries = 0;
  std::vector<std::string> why;
  // From the init: how the main process ended. Without it, it was killed with the rest.
  bool main_ended = false;
  int wait_code = 0;    // CLD_EXITED, CLD_KILLED, CLD_DUMPED
  int wait_status = 0;  // exit code or signal
  // Of a SIGSYS: the kernel says that a filter killed the first thread. When it does not, a filter
  // may have killed all the same, or the job sent the signal to itself (DESIGN.md 45).
  bool killed_by_filter = false;
  // Of a SIGXFSZ: what the main process wrote in its life, where the kernel says it (DESIGN.md 59).
  std::optional<uint64_t> written;
  // The first limit of wall or CPU time that the supervisor saw reached, also when the job went on
  // and was ended by something else.
  KillReason first_clock = KillReason::kNone;
  // With kSyscall: the call that the filter asked about, as CallInWords has it, and by whom.
  std::string violation;
  uint32_t violating_thread = 0;
  uint64_t wall_ns = 0;
  uint64_t wall_limit_ns = UINT64_MAX;
  uint64_t cpu_ns = 0;
  uint64_t cpu_limit_ns = UINT64_MAX;  // UINT64_MAX: none
  uint64_t idle_ns = 0;                // at the end of the job
  uint64_t idle_limit_ns = UINT64_MAX;
  OutputSeen output;                      // with KillReason::kOutput: the limit that was crossed
  uint64_t file_size_limit = UINT64_MAX;  // UINT64_MAX: none
  bool memory_known = false;              // exactly, by a group: the two numbers below
  uint64_t memory_peak = 0;
  uint64_t memory_limit = 0;
  uint64_t oom_kills = 0;
  uint64_t host_oom_kills = 0;  // this and the next host_: not by the job's own limit
  std::string oom_source;
  uint64_t forks_denied = 0;
  uint64_t host_forks_denied = 0;
  uint64_t process_limit = 0;
  std::string forks_source;
};

// One row: `verdict` when it applies and no row above does; the evidence is of that cause.
struct DecisionRow {
  const char* cause;
  v1::Verdict verdict;
  bool (*applies)(const Observations& seen);
  void (*add_evidence)(const Observations& seen, v1::Report* report);
};

// Rows in order of precedence (CLN-03): what Cordon was told to do (CANCELLED), then a limit of
// time that a job was allowed to outrun (`extra_time`), since whatever ended it came later; then
// the kernel's own counters in the order in which they stop a job (out of memory, output, file
// size, filter), what the host took from a job that had broken no limit until then, a failed health
// check, a refused process of a job that did not end well (a program that copes with EAGAIN has
// done nothing wrong), a deadlock, and the clocks. A job that was ended because another sandbox had
// decided is CANCELLED, unless it had broken a limit before. The last row always applies.
absl::Span<const DecisionRow> DecisionTable();

// Sets verdict, exit_code, signal, signal_name and evidence. SETUP_FAILED: there is no verdict,
// because the host ran out of what the job might still have had; see HostRanOut.
void Decide(const Observations& seen, v1::Report* report);
absl::Status HostRanOut(const Observations& seen);

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_VERDICT_H_
