// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/process.h"

#include "gmock/gmock.h"
#include "policy/base/units.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

v1::Plan Compile(absl::string_view text) {
  v1::Plan plan;
  EXPECT_THAT(CompileProcess(*ParseNormal(text), FullHost(), &plan), IsOk());
  return plan;
}

TEST(ProcessTest, TakesEnvironmentAndWorkingDirectory) {
  const v1::Plan plan = Compile(R"(
    environment { name: "A" value: "1" } environment { name: "B" value: "" }
    working_directory: "/work")");
  EXPECT_EQ(plan.process().working_directory(), "/work");
  ASSERT_EQ(plan.process().environment_size(), 2);
  EXPECT_EQ(plan.process().environment(0).name(), "A");
  EXPECT_EQ(plan.process().environment(1).value(), "");
}

TEST(ProcessTest, NothingOfTheCallersEnvironmentIsInherited) {
  EXPECT_EQ(Compile("working_directory: \"/\"").process().environment_size(), 0);
}

TEST(ProcessTest, TimesAndOutputAreInBaseUnits) {
  const v1::WatchPlan watch =
      Compile("limits { wall_time: \"1.5s\" cpu_time: \"20ms\" output: \"32KiB\" }").watch();
  EXPECT_EQ(watch.wall_time_ns(), 1'500'000'000u);
  EXPECT_EQ(watch.cpu_time_ns(), 20'000'000u);
  EXPECT_EQ(watch.output_bytes(), 32'768u);
}

TEST(ProcessTest, IdleAndExtraTimeAndStreamsAreInBaseUnits) {
  const v1::WatchPlan watch =
      Compile(
          "limits { idle_time: \"2s\" extra_time: \"500ms\" stdout_size: \"1KiB\" "
          "stderr_size: \"2KiB\" stderr_action: TRUNCATE }")
          .watch();
  EXPECT_EQ(watch.idle_time_ns(), 2'000'000'000u);
  EXPECT_EQ(watch.extra_time_ns(), 500'000'000u);
  EXPECT_EQ(watch.out().bytes(), 1024u);
  EXPECT_FALSE(watch.out().truncate());
  EXPECT_EQ(watch.err().bytes(), 2048u);
  EXPECT_TRUE(watch.err().truncate());
}

TEST(ProcessTest, IdleTimeAndStreamsAreUnlimitedAndExtraTimeIsNothingUnlessTheySaySo) {
  const v1::WatchPlan watch = Compile("limits {}").watch();
  EXPECT_EQ(watch.idle_time_ns(), kUnlimited);
  EXPECT_EQ(watch.extra_time_ns(), 0u);
  EXPECT_EQ(watch.out().bytes(), kUnlimited);
  EXPECT_EQ(watch.err().bytes(), kUnlimited);
  EXPECT_FALSE(watch.out().truncate() || watch.err().truncate());
}

TEST(ProcessTest, AWallLimitAlwaysExists) {
  const v1::WatchPlan watch = Compile("limits { cpu_time: \"unlimited\" }").watch();
  EXPECT_EQ(watch.cpu_time_ns(), kUnlimited);
  EXPECT_EQ(watch.wall_time_ns(), 10'000'000'000u);
  EXPECT_EQ(watch.output_bytes(), 16u << 20);
}

}  // namespace
}  // namespace cordon
