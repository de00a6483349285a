// SPDX-License-Identifier: Apache-2.0
// PURE: observations -> verdict with evidence. One decision table, first cause wins. Nothing that
// the job says of itself is an input, but for its exit status.
#ifndef CORDON_SANDBOX_SUPERVISE_VERDICT_H_
#define CORDON_SANDBOX_SUPERVISE_VERDICT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "policy/proto/report.pb.h"

namespace cordon {

// Why the supervisor ended the job, if it did.
enum class KillReason {
  kNone,
  kWall,
  kCpu,
  kMemory,
  kOutput,
  kCancelled,
  kDeadlock,  // of sandboxes that talk; `why` says who waits for whom
  kDecided,   // another sandbox of the same job had decided it; `why` says which
};

struct Observations {
  KillReason killed = KillReason::kNone;
  int cancel_signal = 0;  // with kCancelled; 0: by the caller's descriptor
  std::vector<std::string> why;
  // From the init: how the main process ended. Without it, it was killed with the rest.
  bool main_ended = false;
  int wait_code = 0;    // CLD_EXITED, CLD_KILLED, CLD_DUMPED
  int wait_status = 0;  // exit code or signal
  // Of a SIGSYS: the kernel says that a filter killed the first thread. When it does not, a filter
  // may have killed all the same, or the job sent the signal to itself (DESIGN.md 45).
  bool killed_by_filter = false;
  uint64_t wall_ns = 0;
  uint64_t wall_limit_ns = 0;
  uint64_t cpu_ns = 0;
  uint64_t cpu_limit_ns = 0;  // UINT64_MAX: none
  uint64_t output_bytes = 0;
  uint64_t output_limit = 0;
  uint64_t file_size_limit = 0;
  uint64_t memory_peak = 0;
  uint64_t memory_limit = 0;
  uint64_t oom_kills = 0;
  std::string oom_source;
  uint64_t forks_denied = 0;
  uint64_t process_limit = 0;
  std::string forks_source;
};

// Sets verdict, exit_code, signal, signal_name and evidence.
//
// Precedence (CLN-03): what Cordon was told to do (CANCELLED), then the kernel's own counters in
// the order in which they stop a job (out of memory, output, file size, filter), then a deadlock
// and the clocks, and a refused process only for a job that did not end well: a program that copes
// with EAGAIN has done nothing wrong. A job that was ended because another sandbox had decided is
// CANCELLED, unless it had broken a limit before.
void Decide(const Observations& seen, v1::Report* report);

// "SIGSEGV" of 11; "SIGRTMIN+3"; "signal 99".
std::string SignalName(int number);

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_VERDICT_H_
