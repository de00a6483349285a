// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/cgroup.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/host_watch.h"
#include "tests/support/kernel_test.h"
#include "tests/support/lease_cases.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(CreateCgroupTest, AHostWithoutGroupsIsAnErrorWithTheReason) {
  v1::HostFacts facts;
  facts.set_cgroup_why("mount it");
  EXPECT_THAT(CreateCgroup(SmallGroup(facts), facts), HasErrorWith("mount it"));
}

TEST(ProbeCgroupTest, NamesTheModeAndWhatIsOffered) {
  v1::HostFacts facts;
  ASSERT_THAT(ProbeCgroup(&facts), IsOk());
  if (facts.cgroup_mode() == v1::HostFacts::CGROUP_NONE) {
    EXPECT_FALSE(facts.cgroup_why().empty());
  }
}

TEST(CreateCgroupTest, WhateverTheBackendTheSameLifeOfAGroup) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  LifeOfAGroup(HostFactsOfTest());
}

TEST(CreateCgroupTest, AControllerThatDoesNotExistLeavesNothing) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  const v1::HostFacts facts = HostFactsOfTest();
  v1::CgroupPlan plan = SmallGroup(facts);
  plan.add_controllers("no-such-controller");
  EXPECT_FALSE(CreateCgroup(plan, facts).ok());
  EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
}

}  // namespace
}  // namespace cordon
