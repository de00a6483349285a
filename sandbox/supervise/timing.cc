// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/timing.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace cordon {
namespace {

uint64_t Nanoseconds(const google::protobuf::Duration& duration) {
  return static_cast<uint64_t>(duration.seconds()) * 1'000'000'000 +
         static_cast<uint64_t>(duration.nanos());
}

// "throttled for 12.3% of its wall time, at most 1% is clean".
void AddShare(absl::string_view what, absl::string_view of, uint64_t part, uint64_t whole,
              uint64_t most_permille, v1::Report* report) {
  const double share =
      static_cast<double>(part) / static_cast<double>(std::max<uint64_t>(whole, 1));
  if (share * 1000 <= static_cast<double>(most_permille)) return;
  report->add_timing_reason(absl::StrFormat("%s for %.1f%% of %s; up to %d%% is clean", what,
                                            share * 100, of, most_permille / 10));
}

}  // namespace

void JudgeTiming(const v1::Usage& usage, uint64_t life_ns, uint32_t cpus, v1::Report* report) {
  const uint64_t wall = Nanoseconds(usage.wall_time());
  const uint64_t cpu = Nanoseconds(usage.cpu_time());
  AddShare("throttled", "its wall time", Nanoseconds(usage.throttled_time()), wall,
           kMostThrottledPermille, report);
  const uint64_t stolen = Nanoseconds(usage.stolen_time());
  if (stolen >= kLeastStolenNs) {
    AddShare("processors were stolen", "their time", stolen, wall * std::max(cpus, 1u),
             kMostStolenPermille, report);
  }
  AddShare("waited for a processor", "its time", Nanoseconds(usage.cpu_pressure_full()), life_ns,
           kMostCpuWaitPermille, report);
  AddShare("waited for memory", "its time", Nanoseconds(usage.memory_pressure()), life_ns,
           kMostMemoryWaitPermille, report);
  const double seconds = static_cast<double>(cpu) / 1e9;
  const auto preemptions = static_cast<double>(usage.involuntary_switches());
  if (usage.involuntary_switches() >= kLeastPreemptions &&
      preemptions > seconds * static_cast<double>(kMostPreemptionsPerSecond)) {
    report->add_timing_reason(absl::StrCat(
        "preempted ", usage.involuntary_switches(), " times in ", absl::StrFormat("%.3f", seconds),
        "s of CPU time; up to ", kMostPreemptionsPerSecond, " per second, or ",
        kLeastPreemptions - 1, " in all, is clean"));
  }
  report->set_timing_quality(report->timing_reason_size() == 0 ? v1::CLEAN : v1::TAINTED);
}

}  // namespace cordon
