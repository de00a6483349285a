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

TEST(NextCpuCheckTest, ComesWhenAllCpusTogetherCouldHaveUsedTheRest) {
  EXPECT_EQ(NextCpuCheck(100, 0, kSecond, 1), 100 + kSecond);
  EXPECT_EQ(NextCpuCheck(100, kSecond / 2, kSecond, 1), 100 + kSecond / 2);
  EXPECT_EQ(NextCpuCheck(100, 0, kSecond, 4), 100 + kSecond / 4);
}

TEST(NextCpuCheckTest, IsNeverSoonerThanItsFloor) {
  EXPECT_EQ(NextCpuCheck(100, kSecond - 1, kSecond, 64), 100 + kCpuCheckFloorNs);
  EXPECT_EQ(NextCpuCheck(100, 2 * kSecond, kSecond, 1), 100 + kCpuCheckFloorNs);
}

TEST(NextCpuCheckTest, NoCpusAreTakenForOne) { EXPECT_EQ(NextCpuCheck(0, 0, kSecond, 0), kSecond); }

// Looking whenever told to, a job that burns all CPUs is found over its limit within one floor,
// after a number of looks that grows with the logarithm of the limit only.
TEST(NextCpuCheckTest, FindsTheLimitSoonAndWithFewLooks) {
  constexpr uint64_t kLimit = 10 * kSecond;
  constexpr uint32_t kCpus = 2;
  for (const uint64_t rate : {uint64_t{1}, uint64_t{2}}) {  // CPU seconds per second
    uint64_t now = 0;
    int looks = 0;
    while (now * rate < kLimit) {
      now = NextCpuCheck(now, now * rate, kLimit, kCpus);
      ++looks;
    }
    EXPECT_LE(now * rate - kLimit, 2 * kCpuCheckFloorNs);
    EXPECT_LE(looks, 25);
  }
}

}  // namespace
}  // namespace cordon
