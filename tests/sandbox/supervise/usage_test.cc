// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/usage.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_lease.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(UsageTest, TheGroupCountsFromTheGateOn) {
  FakeLease lease;
  lease.usage.cpu_ns = 5 * kSecond;
  lease.usage.user_ns = 3 * kSecond;
  lease.usage.memory_peak_bytes = 123;
  lease.usage.pids_peak = 4;
  lease.usage.pids_peak_known = true;
  lease.usage.oom_kills = 2;
  const auto usage = CollectUsage(&lease, kSecond, {});
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->cpu_ns, 4 * kSecond);
  EXPECT_EQ(usage->user_ns + usage->system_ns, usage->cpu_ns);
  EXPECT_EQ(usage->memory_peak_bytes, 123u);
  EXPECT_EQ(usage->pids_peak, 3u);  // the init is ours
  EXPECT_EQ(usage->oom_kills, 2u);
  EXPECT_TRUE(usage->lower_bound.empty());
}

TEST(UsageTest, ABaselineAboveTheClockIsZeroAndNeverWraps) {
  FakeLease lease;
  lease.usage.cpu_ns = 5;
  lease.usage.user_ns = 10;
  const auto usage = CollectUsage(&lease, 6, {});
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->cpu_ns, 0u);
  EXPECT_EQ(usage->user_ns, 0u);
  EXPECT_EQ(usage->system_ns, 0u);
}

TEST(UsageTest, AnUnknownPeakOfProcessesIsALowerBound) {
  FakeLease lease;
  const auto usage = CollectUsage(&lease, 0, {});
  ASSERT_THAT(usage, IsOk());
  EXPECT_THAT(usage->lower_bound, testing::ElementsAre("pids_peak"));
}

TEST(UsageTest, WithoutAGroupEverythingIsALowerBound) {
  InitUsage init;
  init.user_ns = 2 * kSecond;
  init.system_ns = kSecond;
  init.max_rss_bytes = 4096;
  const auto usage = CollectUsage(nullptr, 0, init);
  ASSERT_THAT(usage, IsOk());
  EXPECT_EQ(usage->cpu_ns, 3 * kSecond);
  EXPECT_EQ(usage->memory_peak_bytes, 4096u);
  EXPECT_EQ(usage->lower_bound.size(), 5u);
}

TEST(UsageTest, TheReportHasExactDurations) {
  JobUsage usage;
  usage.cpu_ns = kSecond + 1;
  usage.lower_bound = {"pids_peak"};
  v1::Usage out;
  FillUsage(usage, 2 * kSecond - 1, 77, &out);
  EXPECT_EQ(out.cpu_time().seconds(), 1);
  EXPECT_EQ(out.cpu_time().nanos(), 1);
  EXPECT_EQ(out.wall_time().seconds(), 1);
  EXPECT_EQ(out.wall_time().nanos(), 999'999'999);
  EXPECT_EQ(out.output_bytes(), 77u);
  EXPECT_EQ(out.lower_bound(0), "pids_peak");
  EXPECT_GT(out.supervisor_peak_rss_bytes(), 0u);
}

}  // namespace
}  // namespace cordon
