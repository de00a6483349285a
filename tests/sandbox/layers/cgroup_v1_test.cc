// SPDX-License-Identifier: Apache-2.0
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/cgroup_group.h"
#include "tests/support/host_watch.h"
#include "tests/support/kernel_test.h"
#include "tests/support/lease_cases.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class CgroupV1Test : public testing::Test {
 protected:
  void SetUp() override {
    facts_ = HostFactsOfTest();
    CORDON_NEEDS("memory and pids controllers on cgroup v1",
                 HaveCgroup() && facts_.cgroup_mode() == v1::HostFacts::CGROUP_V1);
  }
  v1::HostFacts facts_;
};

TEST_F(CgroupV1Test, LivesTheLifeOfAGroup) { LifeOfAGroup(facts_); }

// The kernel's own files, read by path and not through the lease.
TEST_F(CgroupV1Test, EveryLimitIsInTheKernelsFiles) {
  const auto lease = CreateCgroupV1(SmallGroup(facts_));
  ASSERT_THAT(lease, IsOk());
  std::string memory;
  std::string pids;
  for (const std::string& group : GroupsOfTest()) {
    memory += FileText(group + "/memory.limit_in_bytes");
    const std::string max = FileText(group + "/pids.max");
    if (max != "max\n") pids += max;
  }
  EXPECT_EQ(memory, "33554432\n");
  EXPECT_EQ(pids, "4\n");  // and one for the init
}

TEST_F(CgroupV1Test, NoLimitChangesUnseen) {
  const std::string device =
      FullGroup(facts_).io_size() > 0 ? FullGroup(facts_).io(0).device() : "";
  const size_t tried =
      EveryLimitIsCompared(facts_, {{"memory.limit_in_bytes", "8388608"},
                                    {"pids.max", "5"},
                                    {"cpu.cfs_quota_us", "60000"},
                                    {"cpu.cfs_period_us", "110000"},
                                    {"cpu.shares", "1024"},
                                    {"blkio.throttle.read_bps_device", device + " 2097152"},
                                    {"blkio.throttle.write_iops_device", device + " 0"}});
  EXPECT_GE(tried, 2u);
}

// Of a thread on another processor the kernel counts nothing between two ticks, unless it is made
// to. On one processor nothing of the job runs while it is looked at.
TEST_F(CgroupV1Test, WhatRunsIsCountedWhenItIsSettled) {
  CORDON_NEEDS("two processors", OnlineCpus() > 1);
  const auto lease = CreateCgroupV1(SmallGroup(facts_));
  ASSERT_THAT(lease, IsOk());
  absl::StatusOr<Clone3Result> child = Clone3(0, (*lease)->CloneFd());
  ASSERT_THAT(child, IsOk());
  if (child->pid == 0) {
    for (volatile int on = 1; on != 0;) continue;
  }
  ASSERT_THAT((*lease)->Enter(child->pid), IsOk());
  const auto moves = [&](bool settle) {
    if (settle) (*lease)->SettleCpu();
    const uint64_t before = (*lease)->CpuNs().value();
    for (const uint64_t end = MonotonicNs() + 200'000; MonotonicNs() < end;) continue;
    if (settle) (*lease)->SettleCpu();
    return (*lease)->CpuNs().value() > before ? 1 : 0;
  };
  int settled = 0;
  int unsettled = 0;
  for (int i = 0; i < 2000 && settled < unsettled + 60; ++i) {
    settled += moves(true);
    unsettled += moves(false);
  }
  EXPECT_GE(settled, unsettled + 60);
  EXPECT_THAT(KillPidfd(child->pidfd.get()), IsOk());
  ASSERT_THAT(WaitPidfd(child->pidfd.get(), true), IsOk());
}

TEST_F(CgroupV1Test, ADestroyedLeaseLeavesNothing) {
  { ASSERT_THAT(CreateCgroupV1(SmallGroup(facts_)), IsOk()); }
  EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
}

}  // namespace
}  // namespace cordon
