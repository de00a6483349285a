// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/timing.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cordon {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

void Set(uint64_t ns, google::protobuf::Duration* out) {
  out->set_seconds(static_cast<int64_t>(ns / kSecond));
  out->set_nanos(static_cast<int32_t>(ns % kSecond));
}

// Two seconds on the wall, one of the processor, on two processors.
v1::Report Judge(const std::function<void(v1::Usage*)>& change) {
  v1::Usage usage;
  Set(2 * kSecond, usage.mutable_wall_time());
  Set(kSecond, usage.mutable_cpu_time());
  change(&usage);
  v1::Report report;
  JudgeTiming(usage, 2 * kSecond, 2, &report);
  return report;
}

struct Row {
  const char* reason;
  std::function<void(v1::Usage*)> most;   // still clean
  std::function<void(v1::Usage*)> above;  // and no longer
};

TEST(TimingTest, EachReasonHasItsBound) {
  const std::vector<Row> rows = {
      {"throttled", [](v1::Usage* u) { Set(20'000'000, u->mutable_throttled_time()); },
       [](v1::Usage* u) { Set(20'000'001, u->mutable_throttled_time()); }},
      {"stolen", [](v1::Usage* u) { Set(40'000'000, u->mutable_stolen_time()); },
       [](v1::Usage* u) { Set(50'000'000, u->mutable_stolen_time()); }},
      {"waited for a processor",
       [](v1::Usage* u) { Set(40'000'000, u->mutable_cpu_pressure_full()); },
       [](v1::Usage* u) { Set(40'000'001, u->mutable_cpu_pressure_full()); }},
      {"waited for memory", [](v1::Usage* u) { Set(20'000'000, u->mutable_memory_pressure()); },
       [](v1::Usage* u) { Set(20'000'001, u->mutable_memory_pressure()); }},
      {"preempted 51 times", [](v1::Usage* u) { u->set_involuntary_switches(50); },
       [](v1::Usage* u) { u->set_involuntary_switches(51); }},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Judge(row.most).timing_quality(), v1::CLEAN) << row.reason;
    const v1::Report tainted = Judge(row.above);
    EXPECT_EQ(tainted.timing_quality(), v1::TAINTED) << row.reason;
    ASSERT_EQ(tainted.timing_reason_size(), 1) << row.reason;
    EXPECT_THAT(tainted.timing_reason(0), testing::HasSubstr(row.reason));
    EXPECT_THAT(tainted.timing_reason(0), testing::HasSubstr("is clean"));
  }
}

TEST(TimingTest, NothingAgainstItIsClean) {
  const v1::Report report = Judge([](v1::Usage*) {});
  EXPECT_EQ(report.timing_quality(), v1::CLEAN);
  EXPECT_EQ(report.timing_reason_size(), 0);
}

// Waits of single threads for one another or for a disk are the job's own.
TEST(TimingTest, WhatTheJobDoesToItselfIsClean) {
  const v1::Report report = Judge([](v1::Usage* u) {
    Set(kSecond, u->mutable_cpu_pressure());
    Set(kSecond, u->mutable_io_pressure());
    u->set_voluntary_switches(100000);
  });
  EXPECT_EQ(report.timing_quality(), v1::CLEAN);
}

TEST(TimingTest, AllReasonsAreListed) {
  const v1::Report report = Judge([](v1::Usage* u) {
    Set(kSecond, u->mutable_throttled_time());
    u->set_involuntary_switches(1000);
  });
  EXPECT_EQ(report.timing_reason_size(), 2);
  EXPECT_THAT(report.timing_reason(0), testing::HasSubstr("50.0%"));
}

// Nothing is divided by zero, and a few switches of a very short job are nothing.
TEST(TimingTest, AJobOfNoTimeIsJudged) {
  v1::Usage usage;
  usage.set_involuntary_switches(19);
  v1::Report report;
  JudgeTiming(usage, 0, 0, &report);
  EXPECT_EQ(report.timing_quality(), v1::CLEAN);
  usage.set_involuntary_switches(20);
  JudgeTiming(usage, 0, 0, &report);
  EXPECT_EQ(report.timing_quality(), v1::TAINTED);
}

}  // namespace
}  // namespace cordon
