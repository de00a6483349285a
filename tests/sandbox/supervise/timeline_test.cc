// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/timeline.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tests/support/fake_lease.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::HasSubstr;

constexpr uint64_t kMs = 1'000'000;

uint64_t Ns(const google::protobuf::Duration& duration) {
  return static_cast<uint64_t>(duration.seconds()) * 1'000'000'000u +
         static_cast<uint64_t>(duration.nanos());
}

v1::Timeline Filled(const Timeline& timeline) {
  v1::Timeline out;
  timeline.Fill(&out);
  return out;
}

// A clock that is always on time.
Timeline After(size_t samples, uint64_t interval_ns) {
  Timeline timeline(interval_ns);
  for (size_t i = 0; i < samples; ++i) {
    const uint64_t at = timeline.NextOffset();
    timeline.Add({at, at / 2, at + 1, static_cast<uint32_t>(i)});
  }
  return timeline;
}

TEST(TimelineTest, SamplesAreKeptAsTheyCome) {
  Timeline timeline(10 * kMs);
  EXPECT_EQ(timeline.NextOffset(), 0u);
  timeline.Add({kMs / 10, 5, 4096, 1});
  EXPECT_EQ(timeline.NextOffset(), 10 * kMs);
  timeline.Add({10 * kMs + 3, 7, 8192, 2});
  const v1::Timeline out = Filled(timeline);
  EXPECT_EQ(Ns(out.interval()), 10 * kMs);
  EXPECT_EQ(Ns(out.asked_interval()), 10 * kMs);
  ASSERT_EQ(out.sample_size(), 2);
  EXPECT_EQ(Ns(out.sample(0).offset()), kMs / 10);
  EXPECT_EQ(Ns(out.sample(1).offset()), 10 * kMs + 3);
  EXPECT_EQ(Ns(out.sample(1).cpu_time()), 7u);
  EXPECT_EQ(out.sample(1).memory_bytes(), 8192u);
  EXPECT_EQ(out.sample(1).pids(), 2u);
}

TEST(TimelineTest, WhatWasMissedIsLeftOut) {
  Timeline timeline(10 * kMs);
  timeline.Add({35 * kMs, 0, 0, 0});
  EXPECT_EQ(timeline.NextOffset(), 40 * kMs);
  timeline.Add({40 * kMs, 0, 0, 0});
  EXPECT_EQ(timeline.NextOffset(), 50 * kMs);
}

TEST(TimelineTest, AFullOneKeepsEverySecondSample) {
  const v1::Timeline full = Filled(After(Timeline::kMostSamples, kMs));
  ASSERT_EQ(full.sample_size(), 600);
  EXPECT_EQ(Ns(full.interval()), kMs);
  const v1::Timeline thinned = Filled(After(Timeline::kMostSamples + 1, kMs));
  ASSERT_EQ(thinned.sample_size(), 301);
  EXPECT_EQ(Ns(thinned.interval()), 2 * kMs);
  EXPECT_EQ(Ns(thinned.asked_interval()), kMs);
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(Ns(thinned.sample(i).offset()), static_cast<uint64_t>(i) * 2 * kMs);
    EXPECT_EQ(thinned.sample(i).pids(), static_cast<uint32_t>(2 * i));
  }
  EXPECT_EQ(Ns(thinned.sample(300).offset()), 600 * kMs);
}

TEST(TimelineTest, AnyLifeFitsAndIsCovered) {
  constexpr uint64_t kWeek = uint64_t{7} * 24 * 3600 * 1000 * kMs;
  for (const uint64_t life : {kMs, 599 * kMs, 600 * kMs, 1801 * kMs, 123456789 * kMs, kWeek}) {
    Timeline timeline(kMs);
    while (timeline.NextOffset() <= life) timeline.Add({timeline.NextOffset(), 0, 0, 0});
    const v1::Timeline out = Filled(timeline);
    const uint64_t interval = Ns(out.interval());
    EXPECT_LE(out.sample_size(), 600);
    EXPECT_EQ(Ns(out.sample(0).offset()), 0u);
    for (int i = 1; i < out.sample_size(); ++i) {
      ASSERT_EQ(Ns(out.sample(i).offset()) - Ns(out.sample(i - 1).offset()), interval) << life;
    }
    EXPECT_LT(life - Ns(out.sample(out.sample_size() - 1).offset()), interval);
    if (life >= 600 * kMs) {
      EXPECT_GE(out.sample_size(), 300);
    }
  }
}

class TimelineSamplerTest : public testing::Test {
 protected:
  v1::Timeline Of(const TimelineSampler& sampler) {
    v1::Report report;
    sampler.Fill(&report);
    EXPECT_TRUE(report.has_timeline());
    return report.timeline();
  }
  FakeLease lease_;
};

TEST_F(TimelineSamplerTest, WithoutAGroupItSaysSo) {
  absl::StatusOr<TimelineSampler> sampler = TimelineSampler::Make(kMs, nullptr, "no delegation");
  ASSERT_THAT(sampler, IsOk());
  EXPECT_THAT(sampler->Begin(MonotonicNs(), 0, 1), IsOk());
  EXPECT_THAT(sampler->Step(), IsOk());
  sampler->End();
  const v1::Timeline out = Of(*sampler);
  EXPECT_EQ(out.sample_size(), 0);
  EXPECT_EQ(out.unavailable_why(), "the job has no control group: no delegation");
  EXPECT_FALSE(Readable(sampler->fd(), 50));  // no timer runs in vain
}

TEST_F(TimelineSamplerTest, SamplesAreOfTheJobAlone) {
  lease_.now = CgroupNow{1'000'000, 4096, 5};
  absl::StatusOr<TimelineSampler> sampler = TimelineSampler::Make(kMs, &lease_, "");
  ASSERT_THAT(sampler, IsOk());
  ASSERT_THAT(sampler->Begin(MonotonicNs(), 400'000, 2), IsOk());
  const v1::Timeline out = Of(*sampler);
  ASSERT_EQ(out.sample_size(), 1);
  EXPECT_EQ(Ns(out.sample(0).cpu_time()), 600'000u);
  EXPECT_EQ(out.sample(0).memory_bytes(), 4096u);
  EXPECT_EQ(out.sample(0).pids(), 3u);
  EXPECT_EQ(out.unavailable_why(), "");
}

TEST_F(TimelineSamplerTest, CountersBelowTheBaselineAreNought) {
  lease_.now = CgroupNow{5, 0, 0};
  absl::StatusOr<TimelineSampler> sampler = TimelineSampler::Make(kMs, &lease_, "");
  ASSERT_THAT(sampler, IsOk());
  ASSERT_THAT(sampler->Begin(MonotonicNs() + 1'000'000'000, 10, 1), IsOk());
  const v1::Timeline out = Of(*sampler);
  ASSERT_EQ(out.sample_size(), 1);
  EXPECT_EQ(Ns(out.sample(0).cpu_time()), 0u);
  EXPECT_EQ(Ns(out.sample(0).offset()), 0u);
  EXPECT_EQ(out.sample(0).pids(), 0u);
}

TEST_F(TimelineSamplerTest, TheTimerIsForTheNextSampleAndEndsWithTheJob) {
  absl::StatusOr<TimelineSampler> sampler = TimelineSampler::Make(2 * kMs, &lease_, "");
  ASSERT_THAT(sampler, IsOk());
  EXPECT_FALSE(Readable(sampler->fd(), 20));  // not before it began
  sampler->End();                             // of a job that never began
  EXPECT_EQ(Of(*sampler).sample_size(), 0);
  ASSERT_THAT(sampler->Begin(MonotonicNs(), 0, 1), IsOk());
  ASSERT_TRUE(Readable(sampler->fd(), 10'000));
  ASSERT_THAT(sampler->Step(), IsOk());
  ASSERT_TRUE(Readable(sampler->fd(), 10'000));
  sampler->End();
  EXPECT_EQ(Of(*sampler).sample_size(), 3);
  EXPECT_FALSE(Readable(sampler->fd(), 20));
}

TEST_F(TimelineSamplerTest, AGroupThatCannotBeReadIsSaidAndNotAskedAgain) {
  absl::StatusOr<TimelineSampler> sampler = TimelineSampler::Make(kMs, &lease_, "");
  ASSERT_THAT(sampler, IsOk());
  ASSERT_THAT(sampler->Begin(MonotonicNs(), 0, 1), IsOk());
  ASSERT_TRUE(Readable(sampler->fd(), 10'000));
  lease_.now = ErrnoStatus("read", "memory.current", 5);
  EXPECT_THAT(sampler->Step(), IsOk());
  EXPECT_FALSE(Readable(sampler->fd(), 20));
  sampler->End();
  const v1::Timeline out = Of(*sampler);
  EXPECT_EQ(out.sample_size(), 1);
  EXPECT_THAT(out.unavailable_why(), HasSubstr("memory.current"));
}

}  // namespace
}  // namespace cordon
