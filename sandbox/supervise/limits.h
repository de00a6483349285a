// SPDX-License-Identifier: Apache-2.0
// Deadlines as values. No clock is read here: times are arguments, in nanoseconds.
#ifndef CORDON_SANDBOX_SUPERVISE_LIMITS_H_
#define CORDON_SANDBOX_SUPERVISE_LIMITS_H_

#include <cstdint>

namespace cordon {

// start + limit; saturates instead of wrapping round to "already over".
uint64_t WallDeadline(uint64_t start_ns, uint64_t limit_ns);

// The earliest moment at which a job that has used `used_ns` of `limit_ns` on `cpus` CPUs can have
// used all of it: looking earlier would be in vain, so this is the only wake-up needed. Never
// sooner than kCpuCheckFloorNs, which bounds the overshoot and the number of wake-ups near the end.
uint64_t NextCpuCheck(uint64_t now_ns, uint64_t used_ns, uint64_t limit_ns, uint32_t cpus);

inline constexpr uint64_t kCpuCheckFloorNs = 500'000;

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_LIMITS_H_
