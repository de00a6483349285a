// SPDX-License-Identifier: Apache-2.0
// The clocks with a made-up group: what they say and when, never how exactly a timer fires.
#include "sandbox/supervise/clocks.h"

#include "gtest/gtest.h"
#include "policy/base/units.h"
#include "sandbox/os/process.h"
#include "tests/support/fake_lease.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
// Less than any machine has been up: what is "so long ago" must lie behind its start.
constexpr uint64_t kLimit = 5 * kSecond;

class ClocksTest : public testing::Test {
 protected:
  ClocksTest() {
    v1::WatchPlan& watch = *plan_.mutable_watch();
    watch.set_wall_time_ns(kLimit);
    watch.set_cpu_time_ns(kLimit);
    watch.set_idle_time_ns(kUnlimited);
    lease_.usage.cpu_ns = kBaseline;
  }
  // A job that began `ago_ns` ago.
  JobClocks Begin(uint64_t ago_ns, bool with_group = true) {
    JobClocks clocks = JobClocks::Make(plan_, with_group ? &lease_ : nullptr).value();
    now_ = MonotonicNs();
    EXPECT_THAT(clocks.Launched(now_ - ago_ns, kBaseline), IsOk());
    EXPECT_THAT(clocks.Began(now_ - ago_ns), IsOk());
    return clocks;
  }
  void Use(uint64_t cpu_ns) { lease_.usage.cpu_ns = kBaseline + cpu_ns; }
  JobClocks BeginIdle() {
    plan_.mutable_watch()->set_idle_time_ns(kIdleLimit);
    return Begin(0);
  }
  // What up to `most` looks find, each when it is due, of a job that has done so much before each.
  KillReason Looks(JobClocks* clocks, uint64_t most, uint64_t cpu_ns, uint64_t bytes, bool waits) {
    KillReason found = KillReason::kNone;
    for (uint64_t i = 1; i <= most && found == KillReason::kNone; ++i) {
      EXPECT_TRUE(Readable(clocks->idle_fd(), 10'000));
      Use(i * cpu_ns);
      found = clocks->OnIdle(i * bytes, waits).value();
    }
    return found;
  }
  static bool Fires(int fd) { return Readable(fd, 0); }

  static constexpr uint64_t kBaseline = 77;
  static constexpr uint64_t kIdleLimit = kSecond / 25;
  v1::Plan plan_;
  FakeLease lease_;
  uint64_t now_ = 0;
};

TEST_F(ClocksTest, AJobWithinItsLimitsIsNotEnded) {
  JobClocks clocks = Begin(kSecond);
  EXPECT_FALSE(Fires(clocks.wall_fd()));
  EXPECT_EQ(*clocks.OnWall(), KillReason::kNone);
  EXPECT_EQ(*clocks.OnCpu(), KillReason::kNone);
  EXPECT_EQ(clocks.first(), KillReason::kNone);
}

TEST_F(ClocksTest, TheWallLimitEndsIt) {
  JobClocks clocks = Begin(kLimit);
  EXPECT_TRUE(Readable(clocks.wall_fd(), 10'000));
  EXPECT_EQ(*clocks.OnWall(), KillReason::kWall);
  EXPECT_EQ(clocks.first(), KillReason::kWall);
}

TEST_F(ClocksTest, TheCpuLimitEndsItAndTheBaselineIsNotTheJobs) {
  JobClocks clocks = Begin(0);
  Use(kLimit - 1);
  EXPECT_EQ(*clocks.OnCpu(), KillReason::kNone);
  Use(kLimit);
  EXPECT_EQ(*clocks.OnCpu(), KillReason::kCpu);
  EXPECT_EQ(*clocks.CpuUsed(), kLimit);
}

// The kernel counts what a running thread uses at ticks, and when it is made to.
TEST_F(ClocksTest, WhatRunsIsCountedBeforeTheCpuLimitIsJudged) {
  JobClocks clocks = Begin(0);
  Use(kLimit - 1);
  lease_.unsettled_ns = 1;
  EXPECT_EQ(*clocks.OnCpu(), KillReason::kCpu);
}

// Both timers may be due: the group's clock says that the CPU limit was there already.
TEST_F(ClocksTest, AtTheWallLimitTheCpuClockIsAskedFirst) {
  JobClocks clocks = Begin(kLimit);
  Use(kLimit);
  EXPECT_EQ(*clocks.OnWall(), KillReason::kCpu);
}

TEST_F(ClocksTest, ExtraTimeDelaysTheEndAndNotTheFinding) {
  plan_.mutable_watch()->set_extra_time_ns(kLimit);
  JobClocks clocks = Begin(kLimit);
  EXPECT_EQ(*clocks.OnWall(), KillReason::kNone);
  EXPECT_EQ(clocks.first(), KillReason::kWall);
  // What it uses in its extra time changes nothing.
  Use(kLimit);
  EXPECT_EQ(*clocks.OnCpu(), KillReason::kNone);
  EXPECT_EQ(clocks.first(), KillReason::kWall);
  Use(2 * kLimit);
  EXPECT_EQ(*clocks.OnCpu(), KillReason::kWall);
}

TEST_F(ClocksTest, ExtraTimeOfTheCpuClockIsCpuTime) {
  plan_.mutable_watch()->set_extra_time_ns(kSecond);
  JobClocks clocks = Begin(0);
  Use(kLimit);
  EXPECT_EQ(*clocks.OnCpu(), KillReason::kNone);
  EXPECT_EQ(clocks.first(), KillReason::kCpu);
  Use(kLimit + kSecond);
  EXPECT_EQ(*clocks.OnCpu(), KillReason::kCpu);
}

TEST_F(ClocksTest, AnExpiryOfBeforeTheJobBeganDecidesNothing) {
  JobClocks clocks = JobClocks::Make(plan_, &lease_).value();
  const uint64_t now = MonotonicNs();
  ASSERT_THAT(clocks.Launched(now - kLimit, kBaseline), IsOk());
  ASSERT_TRUE(Readable(clocks.wall_fd(), 10'000));
  ASSERT_THAT(clocks.Began(now), IsOk());
  EXPECT_EQ(*clocks.OnWall(), KillReason::kNone);
  EXPECT_EQ(clocks.first(), KillReason::kNone);
}

TEST_F(ClocksTest, AnIdleJobIsEnded) {
  JobClocks clocks = BeginIdle();
  EXPECT_EQ(Looks(&clocks, 4, 0, 0, false), KillReason::kIdle);
  EXPECT_GE(clocks.IdleNs(MonotonicNs()), kIdleLimit);
}

TEST_F(ClocksTest, AJobThatComputesTalksOrWaitsForAReaderIsNotIdle) {
  {
    JobClocks clocks = BeginIdle();
    EXPECT_EQ(Looks(&clocks, 8, kSecond, 0, false), KillReason::kNone);
    Use(0);
  }
  {
    JobClocks clocks = BeginIdle();
    EXPECT_EQ(Looks(&clocks, 8, 0, 1, false), KillReason::kNone);
  }
  {
    JobClocks clocks = BeginIdle();
    EXPECT_EQ(Looks(&clocks, 8, 0, 0, true), KillReason::kNone);
  }
}

// It wants to run, and the host does not let it.
TEST_F(ClocksTest, AStarvedJobIsNotIdle) {
  lease_.runnable = true;
  JobClocks clocks = BeginIdle();
  EXPECT_EQ(Looks(&clocks, 4, 0, 0, false), KillReason::kNone);
  // Its time starts again.
  lease_.runnable = false;
  EXPECT_EQ(Looks(&clocks, 3, 0, 0, false), KillReason::kNone);
  EXPECT_EQ(Looks(&clocks, 1, 0, 0, false), KillReason::kIdle);
}

TEST_F(ClocksTest, WithoutAGroupOnlyTheWallClockCounts) {
  plan_.mutable_watch()->set_cpu_time_ns(1);
  plan_.mutable_watch()->set_idle_time_ns(1);
  JobClocks clocks = Begin(kLimit, false);
  EXPECT_FALSE(clocks.CpuUsed().has_value());
  EXPECT_FALSE(Readable(clocks.cpu_fd(), 20));
  EXPECT_FALSE(Readable(clocks.idle_fd(), 0));
  EXPECT_EQ(*clocks.OnWall(), KillReason::kWall);
}

TEST_F(ClocksTest, WhenTheJobIsOverOneTimerIsLeft) {
  plan_.mutable_watch()->set_cpu_time_ns(1);
  plan_.mutable_watch()->set_idle_time_ns(4);
  JobClocks clocks = Begin(0);
  ASSERT_TRUE(Readable(clocks.cpu_fd(), 10'000));
  ASSERT_TRUE(Readable(clocks.idle_fd(), 10'000));
  ASSERT_THAT(clocks.Over(MonotonicNs()), IsOk());
  EXPECT_TRUE(Readable(clocks.wall_fd(), 10'000));
  EXPECT_FALSE(Fires(clocks.cpu_fd()));
  EXPECT_FALSE(Fires(clocks.idle_fd()));
  clocks.Disarm();
  EXPECT_FALSE(Fires(clocks.wall_fd()));
}

}  // namespace
}  // namespace cordon
