// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/cgroup_limits.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;

TEST(CheckMemberTest, TheProcessIsInItsGroupOfThatHierarchy) {
  const std::vector<CgroupLine> shown = {
      {3, {"cpu", "cpuacct"}, "/a/job"}, {2, {"memory"}, "/b/job"}, {0, {}, "/c/job"}};
  EXPECT_THAT(CheckMember(shown, "memory", "/b/job"), IsOk());
  EXPECT_THAT(CheckMember(shown, "cpuacct", "/a/job"), IsOk());
  EXPECT_THAT(CheckMember(shown, "", "/c/job"), IsOk());
  constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(CheckMember(shown, "memory", "/b"),
              StatusIs(kRefused, "group of init for memory: expected /b, found /b/job"));
  EXPECT_THAT(CheckMember(shown, "", "/a/job"),
              StatusIs(kRefused, "group of init: expected /a/job, found /c/job"));
  EXPECT_THAT(CheckMember(shown, "pids", "/a/job"), StatusIs(kRefused, "no such hierarchy"));
  EXPECT_FALSE(CheckMember({}, "", "/c/job").ok());
}

TEST(ShownBytesTest, AreWholePagesRoundedDown) {
  EXPECT_EQ(ShownBytes(4096, 4096), "4096");
  EXPECT_EQ(ShownBytes(8191, 4096), "4096");
  EXPECT_EQ(ShownBytes(4095, 4096), "0");
  EXPECT_EQ(ShownBytes(0, 4096), "0");
  EXPECT_EQ(ShownBytes(65537, 65536), "65536");
}

TEST(ShownBytesTest, TheLargestCountIsMaxOrTheNumberOfV1) {
  EXPECT_EQ(ShownBytes(UINT64_MAX, 4096), "max");
  EXPECT_EQ(ShownBytes(INT64_MAX, 4096), "max");
  EXPECT_EQ(ShownBytes(INT64_MAX - 8191, 4096), "9223372036854767616");
  EXPECT_EQ(ShownBytesV1(UINT64_MAX, 4096), "9223372036854771712");
  EXPECT_EQ(ShownBytesV1(8191, 4096), "4096");
}

std::map<std::string, std::string> Expected(const std::vector<LimitFile>& limits) {
  std::map<std::string, std::string> all;
  for (const LimitFile& each : limits) all[each.file] = each.expected;
  return all;
}

v1::CgroupPlan FullPlan() {
  v1::CgroupPlan plan;
  plan.set_memory_max_bytes(33554433);
  plan.set_memory_high_bytes(16777216);
  plan.set_swap_max_bytes(0);
  plan.set_pids_max(64);
  plan.set_cpu_quota_us(150000);
  plan.set_cpu_period_us(100000);
  plan.set_cpu_weight(7);
  plan.set_cpuset_cpus("0-1,3");
  v1::IoPlan* io = plan.add_io();
  io->set_device("8:0");
  io->set_read_bps(1048576);
  io->set_write_iops(20);
  io = plan.add_io();
  io->set_device("8:16");
  io->set_write_bps(UINT64_MAX);
  return plan;
}

TEST(LimitsOfV2Test, NameEveryFileThatThePlanFills) {
  const std::map<std::string, std::string> wanted = {
      {"memory.max", "33554432"},
      {"memory.high", "16777216"},
      {"memory.swap.max", "0"},
      {"memory.oom.group", "1"},
      {"pids.max", "65"},
      {"cgroup.max.descendants", "0"},
      {"cpu.max", "150000 100000"},
      {"cpu.weight", "7"},
      {"cpuset.cpus", "0-1,3"},
      {"cpuset.cpus.effective", "0-1,3"},
      // A device without a limit has no line.
      {"io.max", "8:0 rbps=1048576 wbps=max riops=max wiops=20"},
  };
  EXPECT_EQ(Expected(LimitsOfV2(FullPlan(), 4096, true)), wanted);
  for (const LimitFile& each : LimitsOfV2(FullPlan(), 4096, true)) {
    EXPECT_EQ(each.writes.empty(), each.file == "cpuset.cpus.effective") << each.file;
    if (each.file == "io.max") {
      EXPECT_THAT(each.writes, ElementsAre("8:0 rbps=1048576 wbps=max riops=max wiops=20",
                                           "8:16 rbps=max wbps=max riops=max wiops=max"));
    }
  }
}

TEST(LimitsOfV2Test, WhatThePlanLeavesOpenIsNotTouched) {
  v1::CgroupPlan plan;
  plan.set_memory_max_bytes(4096);
  plan.set_pids_max(1);
  const auto files = Expected(LimitsOfV2(plan, 4096, false));
  EXPECT_EQ(files.size(), 4u);
  EXPECT_EQ(files.count("memory.swap.max"), 0u);
  EXPECT_EQ(files.count("cpuset.cpus.effective"), 0u);
}

class LimitFileTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = Group::Make(folder_.path(), "/", "g");
    ASSERT_THAT(made, IsOk());
    group_.emplace(*std::move(made));
  }
  void Put(const std::string& text) { std::ofstream(group_->directory() + "/f") << text; }

  SharedFolder folder_;
  std::optional<Group> group_;
};

TEST_F(LimitFileTest, IsWrittenAndCompared) {
  Put("max\n");
  EXPECT_THAT(SetLimit(*group_, {"f", {"123"}, "123"}), IsOk());
  Put("123\n");
  EXPECT_THAT(CheckLimit(*group_, {"f", {"123"}, "123"}), IsOk());
  EXPECT_THAT(SetLimit(*group_, {"nothing", {"123"}, "123"}), HasErrorWith("ENOENT"));
  EXPECT_FALSE(CheckLimit(*group_, {"nothing", {"123"}, "123"}).ok());
}

TEST_F(LimitFileTest, ADifferenceNamesFileExpectedAndFound) {
  Put("456\n");
  EXPECT_THAT(CheckLimit(*group_, {"f", {"123"}, "123"}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "f: expected 123, found 456"));
  Put("1234\n");
  EXPECT_FALSE(CheckLimit(*group_, {"f", {"123"}, "123"}).ok());
  Put("");
  EXPECT_FALSE(CheckLimit(*group_, {"f", {"123"}, "123"}).ok());
}

TEST_F(LimitFileTest, LinesHaveNoOrderButNoneIsMissingOrOver) {
  Put("8:16 b\n8:0 a\n");
  EXPECT_THAT(CheckLimit(*group_, {"f", {}, "8:0 a\n8:16 b"}), IsOk());
  EXPECT_FALSE(CheckLimit(*group_, {"f", {}, "8:0 a"}).ok());
  EXPECT_FALSE(CheckLimit(*group_, {"f", {}, "8:0 a\n8:16 b\n8:32 c"}).ok());
  EXPECT_FALSE(CheckLimit(*group_, {"f", {}, ""}).ok());
}

}  // namespace
}  // namespace cordon
