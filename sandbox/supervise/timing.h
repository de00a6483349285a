// SPDX-License-Identifier: Apache-2.0
// PURE: whether the times in a usage may be compared with those of another run. Entry point:
// JudgeTiming.
#ifndef CORDON_SANDBOX_SUPERVISE_TIMING_H_
#define CORDON_SANDBOX_SUPERVISE_TIMING_H_

#include <cstdint>

#include "policy/proto/report.pb.h"

namespace cordon {

// Above these something else than the job made it slower; report.proto says them to readers.
inline constexpr uint64_t kMostThrottledPermille = 10;  // of the wall time
inline constexpr uint64_t kMostStolenPermille = 10;     // of the wall time of all processors
inline constexpr uint64_t kLeastStolenNs = 20'000'000;  // the kernel counts in steps of 10 ms
inline constexpr uint64_t kMostCpuWaitPermille = 20;    // of the group's life
inline constexpr uint64_t kMostMemoryWaitPermille = 10;
inline constexpr uint64_t kMostPreemptionsPerSecond = 50;  // of CPU time
inline constexpr uint64_t kLeastPreemptions = 20;

// Sets timing_quality and timing_reason. `life_ns` is the age of the job's group, over which the
// kernel sums pressure up; `cpus` the number of processors of the host.
void JudgeTiming(const v1::Usage& usage, uint64_t life_ns, uint32_t cpus, v1::Report* report);

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_TIMING_H_
