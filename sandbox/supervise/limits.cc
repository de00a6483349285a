// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/limits.h"

#include <algorithm>

namespace cordon {
namespace {

// timerfd takes signed seconds; this is far enough (146 years) and cannot overflow.
constexpr uint64_t kLatest = UINT64_C(1) << 62;

}  // namespace

uint64_t WallDeadline(uint64_t start_ns, uint64_t limit_ns) {
  if (limit_ns >= kLatest || start_ns >= kLatest - limit_ns) return kLatest;
  return start_ns + limit_ns;
}

uint64_t NextCpuCheck(uint64_t now_ns, uint64_t used_ns, uint64_t limit_ns, uint32_t cpus) {
  const uint64_t remaining = limit_ns > used_ns ? limit_ns - used_ns : 0;
  const uint64_t wait = std::max(remaining / std::max(cpus, 1u), kCpuCheckFloorNs);
  return WallDeadline(now_ns, wait);
}

}  // namespace cordon
