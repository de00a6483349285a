// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/cgroup_group.h"
#include "tests/support/host_watch.h"
#include "tests/support/kernel_test.h"
#include "tests/support/lease_cases.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class CgroupV2Test : public testing::Test {
 protected:
  void SetUp() override {
    facts_ = HostFactsOfTest();
    CORDON_NEEDS("memory and pids controllers on cgroup v2",
                 HaveCgroup() && facts_.cgroup_mode() == v1::HostFacts::CGROUP_V2);
  }
  bool SwapIsLimited() {
    const auto lease = CreateCgroupV2(SmallGroup(facts_));
    bool has = false;
    for (const std::string& group : GroupsOfTest()) {
      has |= std::filesystem::exists(group + "/memory.swap.max");
    }
    return has;
  }
  v1::HostFacts facts_;
};

TEST_F(CgroupV2Test, LivesTheLifeOfAGroup) { LifeOfAGroup(facts_); }

// The kernel's own files, read by path and not through the lease.
TEST_F(CgroupV2Test, EveryLimitIsInTheKernelsFiles) {
  const auto lease = CreateCgroupV2(SmallGroup(facts_));
  ASSERT_THAT(lease, IsOk());
  std::string memory;
  std::string pids;
  for (const std::string& group : GroupsOfTest()) {
    memory += FileText(group + "/memory.max");
    const std::string max = FileText(group + "/pids.max");
    if (max != "max\n") pids += max;
  }
  EXPECT_EQ(memory, "33554432\n");
  EXPECT_EQ(pids, "4\n");  // and one for the init
}

TEST_F(CgroupV2Test, NoLimitChangesUnseen) {
  const std::string device =
      FullGroup(facts_).io_size() > 0 ? FullGroup(facts_).io(0).device() : "";
  const size_t tried = EveryLimitIsCompared(facts_, {{"memory.max", "8388608"},
                                                     {"memory.high", "max"},
                                                     {"memory.swap.max", "4096"},
                                                     {"memory.oom.group", "0"},
                                                     {"pids.max", "5"},
                                                     {"cgroup.max.descendants", "1"},
                                                     {"cpu.max", "60000 100000"},
                                                     {"cpu.weight", "100"},
                                                     {"cpuset.cpus", "0-1"},
                                                     {"io.max", device + " wbps=4096"}});
  // Kernel: a group with processes is never left without a processor, so one is added.
  size_t wanted = 6;
  if (HaveController("cpu")) wanted += 2;
  if (HaveController("cpuset") && ::sysconf(_SC_NPROCESSORS_ONLN) > 1) wanted += 1;
  if (!device.empty()) wanted += 1;
  if (!SwapIsLimited()) wanted -= 1;
  EXPECT_EQ(tried, wanted);
}

// Each of them may be the last one, and hand the base back, while another one begins.
TEST_F(CgroupV2Test, ThreadsMakeAndEndGroupsBesideEachOther) {
  constexpr size_t kThreads = 4;
  constexpr int kEach = 50;
  std::vector<absl::Status> failed(kThreads);
  std::vector<std::thread> threads;
  for (absl::Status& mine : failed) {
    threads.emplace_back([this, &mine] {
      for (int j = 0; j < kEach && mine.ok(); ++j) {
        mine = CreateCgroupV2(SmallGroup(facts_)).status();
      }
    });
  }
  for (std::thread& each : threads) each.join();
  for (const absl::Status& each : failed) EXPECT_THAT(each, IsOk());
  EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
}

// As a second supervisor would do at the same time.
TEST_F(CgroupV2Test, TwoGroupsDoNotDisturbEachOther) {
  auto first = CreateCgroupV2(SmallGroup(facts_));
  ASSERT_THAT(first, IsOk());
  auto second = CreateCgroupV2(SmallGroup(facts_));
  ASSERT_THAT(second, IsOk());
  first->reset();
  absl::StatusOr<Clone3Result> child = Clone3(0, (*second)->CloneFd());
  ASSERT_THAT(child, IsOk());
  if (child->pid == 0) {
    for (;;) ::pause();
  }
  EXPECT_THAT(VerifyLease(**second, MembershipOf(child->pid)), IsOk());
  EXPECT_THAT(KillPidfd(child->pidfd.get()), IsOk());
  EXPECT_THAT(WaitPidfd(child->pidfd.get(), true), IsOk());
  second->reset();
  EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
}

TEST_F(CgroupV2Test, ADestroyedLeaseLeavesNothing) {
  { ASSERT_THAT(CreateCgroupV2(SmallGroup(facts_)), IsOk()); }
  EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
}

}  // namespace
}  // namespace cordon
