// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/limits.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace cordon {
namespace {

// timerfd takes signed seconds; this is far enough (146 years) and cannot overflow.
constexpr uint64_t kLatest = UINT64_C(1) << 62;

// A stretch of time touches one period more than fit into it, and the kernel lets a group run over
// its quota by a tick of each processor before it takes the rest back.
constexpr uint64_t kPeriodsAhead = 3;

// Of "0-2,5", as the plan writes it. 0 of what it does not write.
uint32_t CountCpus(absl::string_view list) {
  uint32_t count = 0;
  for (const absl::string_view range : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(range, '-');
    uint32_t first = 0;
    uint32_t last = 0;
    if (!absl::SimpleAtoi(ends.first, &first)) return 0;
    last = first;
    if (!ends.second.empty() && !absl::SimpleAtoi(ends.second, &last)) return 0;
    if (last < first) return 0;
    count += last - first + 1;
  }
  return count;
}

// How long a quota alone keeps a job from using `wanted_ns`.
uint64_t QuotaWait(uint64_t wanted_ns, const CpuSupply& supply) {
  if (supply.quota_ns == 0) return 0;
  const uint64_t periods = wanted_ns / supply.quota_ns;
  if (periods <= kPeriodsAhead) return 0;
  const uint64_t whole = periods - kPeriodsAhead;
  return whole >= kLatest / std::max<uint64_t>(supply.period_ns, 1) ? kLatest
                                                                    : whole * supply.period_ns;
}

}  // namespace

uint64_t WallDeadline(uint64_t start_ns, uint64_t limit_ns) {
  if (limit_ns >= kLatest || start_ns >= kLatest - limit_ns) return kLatest;
  return start_ns + limit_ns;
}

CpuSupply SupplyOf(const v1::CgroupPlan& plan, uint32_t online) {
  CpuSupply supply;
  supply.cpus = std::max(online, 1u);
  if (!plan.enabled()) return supply;
  const uint32_t allowed = CountCpus(plan.cpuset_cpus());
  if (allowed != 0) supply.cpus = std::min(supply.cpus, allowed);
  if (plan.has_cpu_quota_us()) {
    supply.quota_ns = plan.cpu_quota_us() * 1000;
    supply.period_ns = plan.cpu_period_us() * 1000;
  }
  return supply;
}

uint64_t NextCpuCheck(uint64_t now_ns, uint64_t used_ns, uint64_t limit_ns,
                      const CpuSupply& supply) {
  const uint64_t remaining = limit_ns > used_ns ? limit_ns - used_ns : 0;
  const uint64_t wait = std::max(
      {remaining / std::max(supply.cpus, 1u), QuotaWait(remaining, supply), kCpuCheckFloorNs});
  return WallDeadline(now_ns, wait);
}

void IdleClock::Restart(uint64_t now_ns) {
  since_ns_ = now_ns;
  looked_ns_ = now_ns;
}

uint64_t IdleClock::NextLook() const {
  return WallDeadline(looked_ns_, limit_ns_ / 4 + (limit_ns_ % 4 != 0 ? 1 : 0));
}

bool IdleClock::Look(uint64_t now_ns, uint64_t cpu_ns, uint64_t moved_bytes, bool output_waits) {
  const uint64_t late = now_ns - std::min(now_ns, NextLook());
  const uint64_t elapsed = now_ns - std::min(now_ns, looked_ns_);
  const uint64_t used = cpu_ns - std::min(cpu_ns, cpu_ns_);
  const bool busy = used >= elapsed / kBusyPart || moved_bytes != moved_bytes_ || output_waits;
  looked_ns_ = now_ns;
  cpu_ns_ = cpu_ns;
  moved_bytes_ = moved_bytes;
  since_ns_ = busy ? now_ns : since_ns_ + late;
  return now_ns - since_ns_ >= limit_ns_;
}

}  // namespace cordon
