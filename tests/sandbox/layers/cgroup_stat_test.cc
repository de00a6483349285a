// SPDX-License-Identifier: Apache-2.0
// Texts are those of real kernels (6.1, 6.18), shortened.
#include "sandbox/layers/cgroup_stat.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(CgroupStatTest, MemoryOfV2WithASumOfTheKernels) {
  const auto parts = ParseMemoryStatV2(
      "anon 1000\nfile 700\nkernel 50\nkernel_stack 20\npagetables 10\nsock 3\nshmem 300\n");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->anon, 1000u);
  EXPECT_EQ(parts->file, 400u);  // the kernel counts shmem in both
  EXPECT_EQ(parts->shmem, 300u);
  EXPECT_EQ(parts->kernel, 53u);
}

TEST(CgroupStatTest, MemoryOfV2BeforeTheSumWasShown) {
  const auto parts = ParseMemoryStatV2(
      "anon 1\nfile 2\nkernel_stack 20\npagetables 10\npercpu 5\nsock 3\nshmem 0\nslab 40\n");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->kernel, 78u);
}

TEST(CgroupStatTest, MemoryOfV1) {
  const auto parts = ParseMemoryStatV1(
      "cache 500\nrss 1000\nrss_huge 0\nshmem 200\nmapped_file 1\ntotal_rss 5\n", 77);
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->anon, 1000u);
  EXPECT_EQ(parts->file, 300u);
  EXPECT_EQ(parts->shmem, 200u);
  EXPECT_EQ(parts->kernel, 77u);
}

TEST(CgroupStatTest, AFileThatSaysNothingOfItIsNothing) {
  EXPECT_FALSE(ParseMemoryStatV2("").has_value());
  EXPECT_FALSE(ParseMemoryStatV1("", 1).has_value());
  EXPECT_FALSE(ParseThrottling("usage_usec 5\nuser_usec 3\nsystem_usec 2\n").has_value());
  EXPECT_FALSE(ParsePressure("").has_value());
  EXPECT_FALSE(ParseBlkio("", "").has_value());
}

// shmem may be counted later than the sum it is in.
TEST(CgroupStatTest, CountersThatRaceDoNotWrap) {
  EXPECT_EQ(ParseMemoryStatV2("anon 0\nfile 1\nshmem 2\n")->file, 0u);
  EXPECT_EQ(ParseMemoryStatV1("rss 0\ncache 1\nshmem 2\n", 0)->file, 0u);
}

TEST(CgroupStatTest, IoIsTheSumOfAllDevices) {
  const auto io = ParseIoStat(
      "8:16 rbytes=1 wbytes=20 rios=300 wios=4000 dbytes=9 dios=9\n"
      "8:0 rbytes=2 wbytes=30 rios=400 wios=5000 dbytes=0 dios=0\n254:0 \n");
  ASSERT_TRUE(io.has_value());
  EXPECT_EQ(io->read_bytes, 3u);
  EXPECT_EQ(io->write_bytes, 50u);
  EXPECT_EQ(io->read_operations, 700u);
  EXPECT_EQ(io->write_operations, 9000u);
  EXPECT_EQ(ParseIoStat("")->read_bytes, 0u);
}

TEST(CgroupStatTest, BlkioIsTheSumOfAllDevices) {
  const auto io = ParseBlkio(
      "8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Async 0\n8:0 Total 30\n7:0 Read 5\nTotal 35\n",
      "8:0 Read 1\n8:0 Write 2\n8:0 Total 3\n7:0 Read 4\nTotal 7\n");
  ASSERT_TRUE(io.has_value());
  EXPECT_EQ(io->read_bytes, 15u);
  EXPECT_EQ(io->write_bytes, 20u);
  EXPECT_EQ(io->read_operations, 5u);
  EXPECT_EQ(io->write_operations, 2u);
  EXPECT_EQ(ParseBlkio("Total 0\n", "Total 0\n")->read_bytes, 0u);
}

TEST(CgroupStatTest, ThrottlingHasTwoUnits) {
  const auto v2 = ParseThrottling("usage_usec 1\nnr_periods 9\nnr_throttled 4\nthrottled_usec 5\n");
  ASSERT_TRUE(v2.has_value());
  EXPECT_EQ(v2->ns, 5000u);
  EXPECT_EQ(v2->periods, 4u);
  const auto v1 = ParseThrottling("nr_periods 9\nnr_throttled 4\nthrottled_time 5\n");
  ASSERT_TRUE(v1.has_value());
  EXPECT_EQ(v1->ns, 5u);
}

TEST(CgroupStatTest, PressureIsTheTotalInMicroseconds) {
  const auto both = ParsePressure(
      "some avg10=78.50 avg60=78.15 avg300=56.11 total=9474\n"
      "full avg10=0.00 avg60=0.00 avg300=0.00 total=12\n");
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->some_ns, 9'474'000u);
  EXPECT_EQ(both->full_ns, 12'000u);
  EXPECT_EQ(ParsePressure("some avg10=0.00 total=1\n")->full_ns, 0u);
}

// A folder with files as the kernel would show them.
class FakeGroupTest : public testing::Test {
 protected:
  void SetUp() override {
    auto group = Group::Make(folder_.path(), "/", "cordon-1-1");
    ASSERT_THAT(group, IsOk());
    group_.emplace(*std::move(group));
    Put("cpu.stat", "usage_usec 9\nuser_usec 6\nsystem_usec 3\n");
    Put("memory.current", "4096\n");
    Put("memory.peak", "8192\n");
    Put("memory.events", "low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\n");
    Put("pids.events", "max 0\n");
    Put("pids.peak", "4\n");
    Put("pids.max", "5000\n");
  }
  void Put(const std::string& file, const std::string& text) {
    std::ofstream(group_->directory() + "/" + file) << text;
  }
  void Drop(const std::string& file) { std::filesystem::remove(group_->directory() + "/" + file); }
  CgroupUsage Usage(uint64_t sampled = 0) {
    const auto usage = ReadUsageV2(*group_, sampled);
    EXPECT_THAT(usage, IsOk());
    return usage.value_or(CgroupUsage());
  }

  SharedFolder folder_;
  std::optional<Group> group_;
};

TEST_F(FakeGroupTest, WhatTheKernelKeepsIsTaken) {
  const CgroupUsage usage = Usage(1 << 20);
  EXPECT_EQ(usage.cpu_ns, 9000u);
  EXPECT_EQ(usage.user_ns, 6000u);
  EXPECT_EQ(usage.system_ns, 3000u);
  EXPECT_EQ(usage.memory_peak_bytes, 8192u);
  EXPECT_TRUE(usage.memory_peak_exact);
  EXPECT_EQ(usage.pids_peak, 4u);
  EXPECT_EQ(usage.oom_kills + usage.host_oom_kills, 0u);
  EXPECT_EQ(usage.forks_denied + usage.host_forks_denied, 0u);
}

// Linux 5.14 to 5.18.
TEST_F(FakeGroupTest, WithoutMemoryPeakItIsTheMostThatWasSeen) {
  Drop("memory.peak");
  EXPECT_EQ(Usage(1 << 20).memory_peak_bytes, 1u << 20);
  EXPECT_EQ(Usage(1).memory_peak_bytes, 4096u);
  EXPECT_FALSE(Usage(1).memory_peak_exact);
  Drop("memory.current");
  EXPECT_FALSE(ReadUsageV2(*group_, 1).ok());
}

TEST_F(FakeGroupTest, AKillWithoutTheGroupsOwnLimitIsTheHosts) {
  Put("memory.events", "low 0\nhigh 0\nmax 7\noom 0\noom_kill 3\n");
  EXPECT_EQ(Usage().oom_kills, 0u);
  EXPECT_EQ(Usage().host_oom_kills, 3u);
  Put("memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 3\n");
  EXPECT_EQ(Usage().oom_kills, 3u);
  EXPECT_EQ(Usage().host_oom_kills, 0u);
}

TEST_F(FakeGroupTest, ARefusedForkBelowTheGroupsOwnLimitIsTheHosts) {
  Put("pids.events", "max 2\n");
  EXPECT_EQ(Usage().forks_denied, 0u);
  EXPECT_EQ(Usage().host_forks_denied, 2u);
  Put("pids.peak", "4999\n");  // a lost write from the limit
  EXPECT_EQ(Usage().forks_denied, 2u);
  EXPECT_EQ(Usage().host_forks_denied, 0u);
  Drop("pids.peak");  // before Linux 6.1
  EXPECT_FALSE(Usage().pids_peak_known);
  EXPECT_EQ(Usage().forks_denied, 2u);
}

}  // namespace
}  // namespace cordon
