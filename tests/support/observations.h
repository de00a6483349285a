// SPDX-License-Identifier: Apache-2.0
// What a supervisor has seen of a job, for tests of the verdict: Fine, Judge.
#ifndef CORDON_TESTS_SUPPORT_OBSERVATIONS_H_
#define CORDON_TESTS_SUPPORT_OBSERVATIONS_H_

#include <signal.h>

#include "sandbox/supervise/verdict.h"

namespace cordon {

// A job that ran within every limit and ended with exit code 0.
inline Observations Fine() {
  Observations seen;
  seen.main_ended = true;
  seen.wait_code = CLD_EXITED;
  seen.wall_ns = 1'000'000;
  seen.wall_limit_ns = 2'000'000'000;
  seen.cpu_ns = 1'000'000;
  seen.cpu_limit_ns = 1'000'000'000;
  seen.idle_limit_ns = 500'000'000;
  seen.output = {"output", 10, 1000};
  seen.file_size_limit = 4096;
  seen.memory_peak = 1 << 20;
  seen.memory_limit = 64 << 20;
  seen.oom_source = "memory.events";
  seen.process_limit = 4;
  seen.forks_source = "pids.events";
  return seen;
}

inline v1::Report Judge(const Observations& seen) {
  v1::Report report;
  Decide(seen, &report);
  return report;
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_OBSERVATIONS_H_
