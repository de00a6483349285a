// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/usage.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_lease.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::CountKind;
using testing::Contains;
using testing::Not;

constexpr uint64_t kSecond = 1'000'000'000;

uint64_t Ns(const google::protobuf::Duration& duration) {
  return static_cast<uint64_t>(duration.seconds()) * kSecond +
         static_cast<uint64_t>(duration.nanos());
}

child::StatusFrame Frame(child::FrameKind kind, uint32_t aux, uint64_t first, uint64_t second) {
  child::StatusFrame frame = {};
  frame.kind = kind;
  frame.aux = aux;
  frame.aux64 = first << 32 | second;
  return frame;
}

// Everything that a host can say.
FakeLease FullLease() {
  FakeLease lease;
  lease.usage.cpu_ns = 5 * kSecond;
  lease.usage.user_ns = 3 * kSecond;
  lease.usage.memory_peak_bytes = 123;
  lease.usage.pids_peak = 4;
  lease.usage.pids_peak_known = true;
  lease.usage.oom_kills = 2;
  lease.usage.memory = MemoryParts{0, 20, 30, 4};
  lease.usage.kernel_peak = 44;
  lease.usage.swap_peak = 7;
  lease.usage.swap_peak_exact = true;
  lease.usage.io = IoCounts{1, 2, 3, 4};
  lease.usage.throttled = Throttling{kSecond, 9};
  lease.usage.cpu_pressure = Pressure{10, 11};
  lease.usage.memory_pressure = Pressure{12, 13};
  lease.usage.io_pressure = Pressure{14, 15};
  return lease;
}

UsageInput FullInput() {
  UsageInput input;
  input.cpu_baseline_ns = kSecond;
  input.cpu_at_end_ns = 4 * kSecond;
  input.wall_ns = 2 * kSecond - 1;
  input.stdout_bytes = 70;
  input.stderr_bytes = 7;
  input.stolen_ns = 5;
  input.memory.Add({50, 10, 31, 1});
  input.init.Add(
      Frame(child::FrameKind::kUsageCount, static_cast<uint32_t>(CountKind::kSwitches), 5, 6));
  input.init.Add(
      Frame(child::FrameKind::kUsageCount, static_cast<uint32_t>(CountKind::kFaults), 7, 8));
  input.init.Add(
      Frame(child::FrameKind::kUsageCount, static_cast<uint32_t>(CountKind::kBlocks), 9, 10));
  input.init.Add(Frame(child::FrameKind::kUsage, 4, 2'000'000, 1'000'000));
  return input;
}

// The names that the report may list: fields of Usage, each at most once, in one list only.
void ExpectNamesAreFields(const v1::Usage& usage) {
  std::set<std::string> names;
  for (const auto* list : {&usage.lower_bound(), &usage.unknown()}) {
    for (const std::string& name : *list) {
      EXPECT_NE(v1::Usage::descriptor()->FindFieldByName(name), nullptr) << name;
      EXPECT_TRUE(names.insert(name).second) << name << " is listed twice";
    }
  }
}

TEST(UsageTest, TheGroupCountsFromTheGateOn) {
  FakeLease lease = FullLease();
  const auto usage = CollectUsage(&lease, FullInput());
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->cpu_ns, 4 * kSecond);
  const v1::Usage& report = usage->report;
  EXPECT_EQ(Ns(report.cpu_time()), 4 * kSecond);
  EXPECT_EQ(Ns(report.user_time()) + Ns(report.system_time()), 4 * kSecond);
  EXPECT_EQ(report.memory_peak_bytes(), 123u);
  EXPECT_EQ(report.pids_peak(), 3u);  // the init is ours
  EXPECT_EQ(usage->oom_kills, 2u);
}

TEST(UsageTest, APeakThatWasOnlySampledIsALowerBound) {
  FakeLease lease = FullLease();
  EXPECT_THAT(CollectUsage(&lease, FullInput())->report.lower_bound(),
              Not(Contains("memory_peak_bytes")));
  lease.usage.memory_peak_exact = false;
  const auto usage = CollectUsage(&lease, FullInput());
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->report.memory_peak_bytes(), 123u);
  EXPECT_THAT(usage->report.lower_bound(), Contains("memory_peak_bytes"));
  Observations seen;
  ObserveGroup(*usage, {}, &seen);
  EXPECT_FALSE(seen.memory_known);
}

TEST(UsageTest, TheVerdictGetsWhatTheGroupCounted) {
  FakeLease lease = FullLease();
  lease.usage.host_oom_kills = 3;
  lease.usage.forks_denied = 4;
  lease.usage.host_forks_denied = 5;
  lease.usage.oom_source = "memory.events";
  lease.usage.forks_source = "pids.events";
  v1::CgroupPlan plan;
  plan.set_memory_max_bytes(456);
  plan.set_pids_max(7);
  Observations seen;
  ObserveGroup(*CollectUsage(&lease, FullInput()), plan, &seen);
  EXPECT_TRUE(seen.memory_known);
  EXPECT_EQ(seen.memory_peak, 123u);
  EXPECT_EQ(seen.memory_limit, 456u);
  EXPECT_EQ(seen.oom_kills, 2u);
  EXPECT_EQ(seen.host_oom_kills, 3u);
  EXPECT_EQ(seen.forks_denied, 4u);
  EXPECT_EQ(seen.host_forks_denied, 5u);
  EXPECT_EQ(seen.process_limit, 7u);
  EXPECT_EQ(seen.oom_source + seen.forks_source, "memory.eventspids.events");
}

// What ending the tree cost is the group's, too, and not the job's.
TEST(UsageTest, TheCleanUpIsApart) {
  FakeLease lease = FullLease();
  UsageInput input = FullInput();
  input.cpu_at_end_ns = 4 * kSecond - 7;
  const auto usage = CollectUsage(&lease, input);
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->cpu_ns, 4 * kSecond - 7);
  EXPECT_EQ(Ns(usage->report.cpu_time()), 4 * kSecond - 7);
  EXPECT_EQ(Ns(usage->report.cleanup_cpu_time()), 7u);
  EXPECT_EQ(Ns(usage->report.user_time()) + Ns(usage->report.system_time()), usage->cpu_ns);
}

TEST(UsageTest, WithoutALookAtTheEndTheWholeIsTheJobs) {
  FakeLease lease = FullLease();
  UsageInput input = FullInput();
  input.cpu_at_end_ns.reset();
  const auto usage = CollectUsage(&lease, input);
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->cpu_ns, 4 * kSecond);
  EXPECT_EQ(Ns(usage->report.cleanup_cpu_time()), 0u);
}

TEST(UsageTest, ABaselineAboveTheClockIsZeroAndNeverWraps) {
  FakeLease lease;
  lease.usage.cpu_ns = 5;
  lease.usage.user_ns = 10;
  UsageInput input;
  input.cpu_baseline_ns = 6;
  const auto usage = CollectUsage(&lease, input);
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->cpu_ns, 0u);
  EXPECT_EQ(Ns(usage->report.user_time()), 0u);
  EXPECT_EQ(Ns(usage->report.system_time()), 0u);
}

TEST(UsageTest, EveryNumberArrivesUnderItsName) {
  FakeLease lease = FullLease();
  const auto usage = CollectUsage(&lease, FullInput());
  ASSERT_THAT(usage, IsOk());
  const v1::Usage& report = usage->report;
  EXPECT_EQ(Ns(report.wall_time()), 2 * kSecond - 1);
  EXPECT_EQ(report.output_bytes(), 77u);
  EXPECT_EQ(report.stdout_bytes(), 70u);
  EXPECT_EQ(report.stderr_bytes(), 7u);
  // The largest that was seen of each kind, whenever that was.
  EXPECT_EQ(report.memory_anon_bytes(), 50u);
  EXPECT_EQ(report.memory_file_bytes(), 20u);
  EXPECT_EQ(report.memory_shmem_bytes(), 31u);
  EXPECT_EQ(report.memory_kernel_bytes(), 44u);
  EXPECT_EQ(report.swap_peak_bytes(), 7u);
  EXPECT_EQ(report.io_read_bytes(), 1u);
  EXPECT_EQ(report.io_write_bytes(), 2u);
  EXPECT_EQ(report.io_read_operations(), 3u);
  EXPECT_EQ(report.io_write_operations(), 4u);
  EXPECT_EQ(report.voluntary_switches(), 5u);
  EXPECT_EQ(report.involuntary_switches(), 6u);
  EXPECT_EQ(report.minor_faults(), 7u);
  EXPECT_EQ(report.major_faults(), 8u);
  EXPECT_EQ(Ns(report.throttled_time()), kSecond);
  EXPECT_EQ(report.throttled_periods(), 9u);
  EXPECT_EQ(Ns(report.cpu_pressure()), 10u);
  EXPECT_EQ(Ns(report.cpu_pressure_full()), 11u);
  EXPECT_EQ(Ns(report.memory_pressure()), 12u);
  EXPECT_EQ(Ns(report.io_pressure()), 14u);
  EXPECT_EQ(Ns(report.stolen_time()), 5u);
  EXPECT_GT(report.supervisor_peak_rss_bytes(), 0u);
  EXPECT_THAT(report.unknown(), testing::IsEmpty());
  EXPECT_THAT(report.lower_bound(),
              testing::UnorderedElementsAre(
                  "memory_anon_bytes", "memory_file_bytes", "memory_shmem_bytes",
                  "voluntary_switches", "involuntary_switches", "minor_faults", "major_faults"));
  ExpectNamesAreFields(report);
}

// A group that says nothing but the times: every other field is named, and none is a number that
// somebody could take for one.
TEST(UsageTest, WhatTheHostDoesNotSayIsNamedAndZero) {
  FakeLease lease;
  const auto usage = CollectUsage(&lease, {});
  ASSERT_THAT(usage, IsOk());
  ExpectNamesAreFields(usage->report);
  for (const char* name :
       {"memory_anon_bytes",   "memory_file_bytes",  "memory_shmem_bytes",   "memory_kernel_bytes",
        "swap_peak_bytes",     "io_read_bytes",      "io_write_bytes",       "io_read_operations",
        "io_write_operations", "voluntary_switches", "involuntary_switches", "minor_faults",
        "major_faults",        "throttled_time",     "throttled_periods",    "cpu_pressure",
        "memory_pressure",     "io_pressure",        "cpu_pressure_full",    "stolen_time"}) {
    EXPECT_THAT(usage->report.unknown(), Contains(name));
  }
  EXPECT_THAT(usage->report.lower_bound(), testing::ElementsAre("pids_peak"));
}

// Only a look at a living job shows what its processes had.
TEST(UsageTest, MemoryOfProcessesIsUnknownWhenNobodyLookedInTime) {
  FakeLease lease = FullLease();
  UsageInput input = FullInput();
  input.memory = MemorySamples();
  lease.usage.memory->anon = 6;  // what is left says nothing of it
  const auto usage = CollectUsage(&lease, input);
  ASSERT_THAT(usage, IsOk());
  EXPECT_THAT(usage->report.unknown(), testing::ElementsAre("memory_anon_bytes"));
  EXPECT_EQ(usage->report.memory_anon_bytes(), 0u);
  EXPECT_EQ(usage->report.memory_shmem_bytes(), 30u);
}

TEST(UsageTest, SamplesAreTakenFromTheGroup) {
  FakeLease lease;
  MemorySamples samples;
  samples.Take(nullptr);
  samples.Take(&lease);
  EXPECT_FALSE(samples.any());
  lease.memory = MemoryParts{9, 1, 0, 0};
  samples.Take(&lease);
  lease.memory = MemoryParts{1, 9, 0, 0};
  samples.Take(&lease);
  EXPECT_TRUE(samples.any());
  EXPECT_EQ(samples.largest().anon, 9u);
  EXPECT_EQ(samples.largest().file, 9u);
}

TEST(UsageTest, WithoutAnIoControllerBlocksOfTheReapedAreALowerBound) {
  FakeLease lease = FullLease();
  lease.usage.io.reset();
  const auto usage = CollectUsage(&lease, FullInput());
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->report.io_read_bytes(), 9u * 512);
  EXPECT_EQ(usage->report.io_write_bytes(), 10u * 512);
  EXPECT_THAT(usage->report.lower_bound(), Contains("io_write_bytes"));
  EXPECT_THAT(usage->report.unknown(), Contains("io_write_operations"));
}

TEST(UsageTest, WithoutAGroupEverythingIsALowerBound) {
  UsageInput input = FullInput();
  input.memory = MemorySamples();
  const auto usage = CollectUsage(nullptr, input);
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->cpu_ns, 3 * kSecond);
  EXPECT_EQ(usage->report.memory_peak_bytes(), 4096u);
  ExpectNamesAreFields(usage->report);
  for (const char* name :
       {"cpu_time", "user_time", "system_time", "memory_peak_bytes", "pids_peak"}) {
    EXPECT_THAT(usage->report.lower_bound(), Contains(name));
  }
  for (const char* name : {"memory_anon_bytes", "throttled_time", "cpu_pressure"}) {
    EXPECT_THAT(usage->report.unknown(), Contains(name));
  }
  EXPECT_THAT(usage->report.lower_bound(), Not(Contains("wall_time")));
}

// 8: the steal column. Real lines of a virtual machine, and of a kernel that does not count it.
TEST(UsageTest, StolenTimeIsTheEighthNumberOfTheFirstLine) {
  EXPECT_EQ(*ParseStolen("cpu  2256059 19639 376360 251369 2754 0 1218 7229 0 0\ncpu0 1 2 3 4 5 6 "
                         "7 8 9 10\n"),
            uint64_t{7229} * 10'000'000);
  EXPECT_FALSE(ParseStolen("cpu  1 2 3 4 5 6 7\n").has_value());
  EXPECT_FALSE(ParseStolen("").has_value());
  EXPECT_FALSE(ParseStolen("intr 1 2 3 4 5 6 7 8 9\n").has_value());
  EXPECT_TRUE(StolenNow().has_value());
}

}  // namespace
}  // namespace cordon
