// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/limits.h"

#include "gtest/gtest.h"

namespace cordon {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(WallDeadlineTest, IsStartPlusLimit) {
  EXPECT_EQ(WallDeadline(5, 7), 12u);
  EXPECT_EQ(WallDeadline(5, 0), 5u);
}

TEST(WallDeadlineTest, SaturatesFarAwayInsteadOfWrapping) {
  EXPECT_GT(WallDeadline(1000 * kSecond, UINT64_MAX), uint64_t{1} << 61);
  EXPECT_GT(WallDeadline(UINT64_MAX, 1), uint64_t{1} << 61);
  // timerfd takes signed seconds and nanoseconds.
  EXPECT_LE(WallDeadline(UINT64_MAX, UINT64_MAX), uint64_t{INT64_MAX});
}

CpuSupply Cpus(uint32_t cpus) { return {cpus, 0, 0}; }

TEST(NextCpuCheckTest, ComesWhenAllCpusTogetherCouldHaveUsedTheRest) {
  EXPECT_EQ(NextCpuCheck(100, 0, kSecond, Cpus(1)), 100 + kSecond);
  EXPECT_EQ(NextCpuCheck(100, kSecond / 2, kSecond, Cpus(1)), 100 + kSecond / 2);
  EXPECT_EQ(NextCpuCheck(100, 0, kSecond, Cpus(4)), 100 + kSecond / 4);
}

TEST(NextCpuCheckTest, IsNeverSoonerThanItsFloor) {
  EXPECT_EQ(NextCpuCheck(100, kSecond - 1, kSecond, Cpus(64)), 100 + kCpuCheckFloorNs);
  EXPECT_EQ(NextCpuCheck(100, 2 * kSecond, kSecond, Cpus(1)), 100 + kCpuCheckFloorNs);
}

TEST(NextCpuCheckTest, NoCpusAreTakenForOne) {
  EXPECT_EQ(NextCpuCheck(0, 0, kSecond, Cpus(0)), kSecond);
}

// 20 ms in each 100 ms: a second of CPU time takes five, whatever the number of processors.
TEST(NextCpuCheckTest, AQuotaIsWaitedFor) {
  const CpuSupply supply = {64, 20'000'000, 100'000'000};
  const uint64_t next = NextCpuCheck(0, 0, kSecond, supply);
  EXPECT_GE(next, 4 * kSecond);
  EXPECT_LE(next, 5 * kSecond);
  // Near the end a period's quota may come at once.
  EXPECT_EQ(NextCpuCheck(0, kSecond - 40'000'000, kSecond, supply), 40'000'000u / 64);
}

// The kernel's own rule at its worst: the rest of one period, then whole ones.
TEST(NextCpuCheckTest, AQuotaIsNeverWaitedForTooLong) {
  constexpr uint64_t kQuota = 30'000'000;
  constexpr uint64_t kPeriod = 100'000'000;
  const CpuSupply supply = {8, kQuota, kPeriod};
  for (uint64_t limit = 1'000'000; limit < 3 * kSecond; limit += 7'777'777) {
    const uint64_t next = NextCpuCheck(0, 0, limit, supply);
    const uint64_t most = kQuota * (next / kPeriod + 2);
    if (next > kCpuCheckFloorNs && next >= kPeriod) {
      EXPECT_LE(most, limit) << limit;
    }
  }
}

TEST(NextCpuCheckTest, HugeNumbersDoNotWrapRound) {
  const CpuSupply supply = {1, 1000, UINT64_MAX / 2};
  EXPECT_GT(NextCpuCheck(kSecond, 0, UINT64_MAX - 1, supply), uint64_t{1} << 61);
}

TEST(SupplyOfTest, TheGroupsOwnBoundsCount) {
  v1::CgroupPlan plan;
  plan.set_enabled(true);
  EXPECT_EQ(SupplyOf(plan, 8).cpus, 8u);
  EXPECT_EQ(SupplyOf(plan, 8).quota_ns, 0u);
  plan.set_cpuset_cpus("0-1,5");
  plan.set_cpu_quota_us(50000);
  plan.set_cpu_period_us(100000);
  EXPECT_EQ(SupplyOf(plan, 8).cpus, 3u);
  EXPECT_EQ(SupplyOf(plan, 2).cpus, 2u);  // the others are offline
  EXPECT_EQ(SupplyOf(plan, 8).quota_ns, 50'000'000u);
  EXPECT_EQ(SupplyOf(plan, 8).period_ns, 100'000'000u);
}

TEST(SupplyOfTest, WithoutAGroupNothingBinds) {
  v1::CgroupPlan plan;
  plan.set_cpuset_cpus("0");
  plan.set_cpu_quota_us(1000);
  EXPECT_EQ(SupplyOf(plan, 4).cpus, 4u);
  EXPECT_EQ(SupplyOf(plan, 4).quota_ns, 0u);
  EXPECT_EQ(SupplyOf(plan, 0).cpus, 1u);
}

// Looking whenever told to, a job that burns all CPUs is found over its limit within one floor,
// after a number of looks that grows with the logarithm of the limit only.
TEST(NextCpuCheckTest, FindsTheLimitSoonAndWithFewLooks) {
  constexpr uint64_t kLimit = 10 * kSecond;
  constexpr uint32_t kCpus = 2;
  for (const uint64_t rate : {uint64_t{1}, uint64_t{2}}) {  // CPU seconds per second
    uint64_t now = 0;
    int looks = 0;
    while (now * rate < kLimit) {
      now = NextCpuCheck(now, now * rate, kLimit, Cpus(kCpus));
      ++looks;
    }
    EXPECT_LE(now * rate - kLimit, 2 * kCpuCheckFloorNs);
    EXPECT_LE(looks, 25);
  }
}

class IdleClockTest : public testing::Test {
 protected:
  void SetUp() override { clock_.Restart(kSecond); }
  // The next look, with what the job did until then.
  bool Look(uint64_t cpu_ns = 0, uint64_t bytes = 0, bool output_waits = false) {
    cpu_ += cpu_ns;
    bytes_ += bytes;
    now_ = clock_.NextLook();
    return clock_.Look(now_, cpu_, bytes_, output_waits);
  }
  IdleClock clock_{kSecond};
  uint64_t now_ = 0;
  uint64_t cpu_ = 0;
  uint64_t bytes_ = 0;
};

TEST_F(IdleClockTest, AJobThatDoesNothingIsIdleAfterItsLimit) {
  EXPECT_FALSE(Look());
  EXPECT_EQ(now_, kSecond + kSecond / 4);
  EXPECT_FALSE(Look());
  EXPECT_FALSE(Look());
  EXPECT_TRUE(Look());
  EXPECT_EQ(now_, 2 * kSecond);
  EXPECT_EQ(clock_.since_ns(), kSecond);
}

TEST_F(IdleClockTest, EachOfTheThreeIsDoingSomething) {
  const uint64_t busy = kSecond / 4 / IdleClock::kBusyPart;
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(Look(busy));
    EXPECT_FALSE(Look(0, 1));
    EXPECT_FALSE(Look(0, 0, true));
    EXPECT_FALSE(Look());
  }
}

TEST_F(IdleClockTest, LessThanAHundredthOfAProcessorIsNothing) {
  const uint64_t less = kSecond / 4 / IdleClock::kBusyPart - 1;
  EXPECT_FALSE(Look(less));
  EXPECT_FALSE(Look(less));
  EXPECT_FALSE(Look(less));
  EXPECT_TRUE(Look(less));
}

TEST_F(IdleClockTest, WhatItDidBeforeALookStartsTheTimeAgain) {
  EXPECT_FALSE(Look());
  EXPECT_FALSE(Look());
  EXPECT_FALSE(Look(0, 7));
  const uint64_t since = now_;
  EXPECT_FALSE(Look());
  EXPECT_FALSE(Look());
  EXPECT_FALSE(Look());
  EXPECT_TRUE(Look());
  EXPECT_EQ(clock_.since_ns(), since);
  EXPECT_EQ(now_ - since, kSecond);
}

// A supervisor that was kept from looking finds less, never more.
TEST_F(IdleClockTest, ALateLookCountsWhatWasDoneMeanwhile) {
  EXPECT_FALSE(clock_.Look(10 * kSecond, kSecond, 0, false));
  EXPECT_EQ(clock_.since_ns(), 10 * kSecond);
}

// The host stood still for nine seconds, and the job with it.
TEST_F(IdleClockTest, WhatALookIsLateIsNoIdleness) {
  EXPECT_FALSE(Look());
  EXPECT_FALSE(clock_.Look(clock_.NextLook() + 9 * kSecond, 0, 0, false));
  EXPECT_FALSE(Look());
  EXPECT_TRUE(Look());
  EXPECT_EQ(now_, 11 * kSecond);
  EXPECT_EQ(clock_.since_ns(), 10 * kSecond);
}

TEST_F(IdleClockTest, LooksThatAreAllALittleLateAreNotOneMore) {
  clock_ = IdleClock(1001);  // no multiple of four
  clock_.Restart(0);
  for (int i = 1; i <= 4; ++i) {
    EXPECT_EQ(clock_.Look(clock_.NextLook() + 7, 0, 0, false), i == 4) << i;
  }
}

}  // namespace
}  // namespace cordon
