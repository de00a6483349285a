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

class CgroupV2Test : public testing::Test {
 protected:
  void SetUp() override {
    facts_ = HostFactsOfTest();
    CORDON_NEEDS("memory and pids controllers on cgroup v2",
                 HaveCgroup() && facts_.cgroup_mode() == v1::HostFacts::CGROUP_V2);
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

TEST_F(CgroupV2Test, ADestroyedLeaseLeavesNothing) {
  { ASSERT_THAT(CreateCgroupV2(SmallGroup(facts_)), IsOk()); }
  EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
}

}  // namespace
}  // namespace cordon
