// SPDX-License-Identifier: Apache-2.0
// What every cgroup backend must do alike: limits are set, a process enters, counts and is killed,
// nothing is left. Entry points: SmallGroup, LifeOfAGroup.
#ifndef CORDON_TESTS_SUPPORT_LEASE_CASES_H_
#define CORDON_TESTS_SUPPORT_LEASE_CASES_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/os/process.h"
#include "tests/support/host_watch.h"
#include "tests/support/status_matchers.h"

namespace cordon {

inline v1::CgroupPlan SmallGroup(const v1::HostFacts& facts) {
  v1::CgroupPlan plan;
  plan.set_enabled(true);
  plan.set_memory_max_bytes(32 << 20);
  plan.set_pids_max(3);
  plan.set_cpu_period_us(100000);
  plan.add_controllers("memory");
  plan.add_controllers("pids");
  if (facts.cgroup_mode() == v1::HostFacts::CGROUP_V1) plan.add_controllers("cpuacct");
  return plan;
}

inline std::vector<CgroupLine> MembershipOf(pid_t pid) {
  return ParseCgroupFile(FileText("/proc/" + std::to_string(pid) + "/cgroup")).value();
}

inline void LifeOfAGroup(const v1::HostFacts& facts) {
  absl::StatusOr<std::unique_ptr<CgroupLease>> lease = CreateCgroup(SmallGroup(facts), facts);
  ASSERT_THAT(lease, IsOk());
  EXPECT_FALSE(GroupsOfTest().empty());
  EXPECT_FALSE((*lease)->Verify(MembershipOf(::getpid())).ok());  // not a member
  absl::StatusOr<Clone3Result> child = Clone3(0, (*lease)->CloneFd());
  ASSERT_THAT(child, IsOk());
  if (child->pid == 0) {
    for (volatile int on = 1; on != 0;) continue;
  }
  ASSERT_THAT((*lease)->Enter(child->pid), IsOk());
  EXPECT_THAT((*lease)->Verify(MembershipOf(child->pid)), IsOk());
  // It burns CPU, and its group counts it.
  const uint64_t before = (*lease)->CpuNs().value();
  for (int i = 0; i < 500 && (*lease)->CpuNs().value() < before + 20'000'000; ++i) ::usleep(2000);
  EXPECT_GE((*lease)->CpuNs().value(), before + 20'000'000);
  EXPECT_FALSE((*lease)->Remove().ok());  // a member is left
  EXPECT_THAT((*lease)->Kill(), IsOk());
  EXPECT_THAT(KillPidfd(child->pidfd.get()), IsOk());
  ASSERT_THAT(WaitPidfd(child->pidfd.get(), true), IsOk());
  const auto usage = (*lease)->Collect();
  ASSERT_THAT(usage, IsOk());
  EXPECT_GE(usage->cpu_ns, 20'000'000u);
  EXPECT_EQ(usage->oom_kills, 0u);
  EXPECT_EQ(usage->forks_denied, 0u);
  EXPECT_THAT((*lease)->Remove(), IsOk());
  EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_LEASE_CASES_H_
