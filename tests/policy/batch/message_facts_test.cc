// SPDX-License-Identifier: Apache-2.0
// Messages as facts: names, units and numbers of every kind of field, and an end to long ones.
#include "policy/batch/message_facts.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/proto/policy.pb.h"
#include "policy/proto/report.pb.h"

namespace cordon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::Optional;

testing::Matcher<Fact> Number(const std::string& name, const std::string& unit, uint64_t value) {
  return AllOf(Field(&Fact::name, name), Field(&Fact::unit, unit),
               Field(&Fact::number, Optional(value)));
}

testing::Matcher<Fact> Text(const std::string& name, const std::string& text) {
  return AllOf(Field(&Fact::name, name), Field(&Fact::unit, "text"),
               Field(&Fact::number, std::nullopt), Field(&Fact::text, text));
}

TEST(MessageFactsTest, UnitsFollowTheSchema) {
  v1::Usage usage;
  usage.mutable_cpu_time()->set_seconds(2);
  usage.mutable_cpu_time()->set_nanos(5);
  usage.set_memory_peak_bytes(4096);
  usage.set_pids_peak(3);
  usage.add_lower_bound("cpu_time");
  size_t left_out = 9;
  EXPECT_THAT(
      FactsOf(usage, {"lower_bound"}, 99, &left_out),
      ElementsAre(Number("cpu_time", "ns", 2'000'000'005),
                  Number("memory_peak_bytes", "bytes", 4096), Number("pids_peak", "count", 3)));
  EXPECT_EQ(left_out, 0U);
}

TEST(MessageFactsTest, MessagesInsideAndListsHaveAPath) {
  v1::Report report;
  report.set_verdict(v1::EXITED);
  report.set_signal(-7);
  report.set_setup_only(true);
  report.add_steps()->set_duration_ns(8);
  report.mutable_error()->set_errno_name("ENOENT");
  report.add_skipped("/a");
  report.add_skipped("/b");
  size_t left_out = 0;
  EXPECT_THAT(FactsOf(report, {}, 99, &left_out),
              ElementsAre(Text("verdict", "EXITED"), Text("signal", "-7"),
                          Text("error.errno_name", "ENOENT"), Text("skipped[0]", "/a"),
                          Text("skipped[1]", "/b"), Number("steps[0].duration_ns", "ns", 8),
                          Text("setup_only", "true")));
}

TEST(MessageFactsTest, LongMessagesEnd) {
  v1::Report report;
  for (int i = 0; i < 10; ++i) report.add_skipped("x");
  size_t left_out = 0;
  EXPECT_EQ(FactsOf(report, {}, 4, &left_out).size(), 4U);
  EXPECT_EQ(left_out, 6U);
  EXPECT_THAT(FactsOf(v1::Report(), {}, 4, &left_out), IsEmpty());
  EXPECT_EQ(left_out, 0U);
}

TEST(MessageFactsTest, ATimeBelowZeroIsNoNumber) {
  v1::Usage usage;
  usage.mutable_cpu_time()->set_seconds(-1);
  size_t left_out = 0;
  EXPECT_THAT(FactsOf(usage, {}, 9, &left_out), ElementsAre(Text("cpu_time", "-1000000000")));
}

TEST(MessageFactsTest, LimitsAreNumbersWhereTheyAreLimits) {
  EXPECT_THAT(LimitFact("memory", "128MiB"), Number("memory", "bytes", 128 << 20));
  EXPECT_THAT(LimitFact("cpu_time", "1500ms"), Number("cpu_time", "ns", 1'500'000'000));
  EXPECT_THAT(LimitFact("stack", "unlimited"), Text("stack", "unlimited"));
  EXPECT_THAT(LimitFact("swap", "0"), Number("swap", "bytes", 0));
}

}  // namespace
}  // namespace cordon
