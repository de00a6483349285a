// SPDX-License-Identifier: Apache-2.0
// What every cgroup backend must do alike: limits are set, a process enters, counts and is killed,
// nothing is left, and no limit can be changed unseen. Entry points: SmallGroup, LifeOfAGroup,
// FullGroup, EveryLimitIsCompared.
#ifndef CORDON_TESTS_SUPPORT_LEASE_CASES_H_
#define CORDON_TESTS_SUPPORT_LEASE_CASES_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/os/file.h"
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

inline absl::Status VerifyLease(CgroupLease& lease, const std::vector<CgroupLine>& membership) {
  CORDON_RETURN_IF_ERROR(lease.VerifyMember(membership));
  return lease.VerifyLimits();
}

inline void LifeOfAGroup(const v1::HostFacts& facts) {
  absl::StatusOr<std::unique_ptr<CgroupLease>> lease = CreateCgroup(SmallGroup(facts), facts);
  ASSERT_THAT(lease, IsOk());
  EXPECT_FALSE(GroupsOfTest().empty());
  EXPECT_FALSE(VerifyLease(**lease, MembershipOf(::getpid())).ok());  // not a member
  absl::StatusOr<Clone3Result> child = Clone3(0, (*lease)->CloneFd());
  ASSERT_THAT(child, IsOk());
  if (child->pid == 0) {
    for (volatile int on = 1; on != 0;) continue;
  }
  ASSERT_THAT((*lease)->Enter(child->pid), IsOk());
  EXPECT_THAT(VerifyLease(**lease, MembershipOf(child->pid)), IsOk());
  // It burns CPU, and its group counts it.
  const uint64_t before = (*lease)->CpuNs().value();
  for (int i = 0; i < 500 && (*lease)->CpuNs().value() < before + 20'000'000; ++i) ::usleep(2000);
  EXPECT_GE((*lease)->CpuNs().value(), before + 20'000'000);
  const auto now = (*lease)->Now();
  ASSERT_THAT(now, IsOk());
  EXPECT_GE(now->cpu_ns, before + 20'000'000);
  EXPECT_EQ(now->pids, 1u);
  EXPECT_LE(now->memory_bytes, uint64_t{32} << 20);
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

// Every limit whose controller the host offers. The device of `io` is the first that has one.
inline v1::CgroupPlan FullGroup(const v1::HostFacts& facts) {
  v1::CgroupPlan plan = SmallGroup(facts);
  const auto has = [&](const std::string& name) {
    const auto& all = facts.cgroup_controllers();
    return std::find(all.begin(), all.end(), name) != all.end();
  };
  if (facts.cgroup_mode() == v1::HostFacts::CGROUP_V2) plan.set_memory_high_bytes(16 << 20);
  if (has("cpu")) {
    plan.add_controllers("cpu");
    plan.set_cpu_quota_us(50000);
    plan.set_cpu_weight(7);
  }
  if (has("cpuset")) {
    plan.add_controllers("cpuset");
    plan.set_cpuset_cpus("0");
  }
  for (const std::string& name : NamesIn("/sys/block")) {
    std::string device = FileText("/sys/block/" + name + "/dev");
    if (!has("io") || device.empty()) continue;
    device.pop_back();
    plan.add_controllers("io");
    v1::IoPlan* io = plan.add_io();
    io->set_device(device);
    io->set_read_bps(1 << 20);
    io->set_write_iops(100);
    break;
  }
  return plan;
}

// Changes each file behind the lease's back, as a defect or a stranger would; Verify must name it.
// `spoiled` is what to write; a file that no group of the test has is left out. Gives the number
// of files that were tried.
inline size_t EveryLimitIsCompared(const v1::HostFacts& facts,
                                   const std::map<std::string, std::string>& spoiled) {
  size_t tried = 0;
  for (const auto& [file, value] : spoiled) {
    absl::StatusOr<std::unique_ptr<CgroupLease>> lease = CreateCgroup(FullGroup(facts), facts);
    EXPECT_THAT(lease, IsOk());
    if (!lease.ok()) return 0;
    absl::StatusOr<Clone3Result> child = Clone3(0, (*lease)->CloneFd());
    if (child.ok() && child->pid == 0) {
      for (;;) ::pause();
    }
    EXPECT_THAT((*lease)->Enter(child->pid), IsOk());
    EXPECT_THAT(VerifyLease(**lease, MembershipOf(child->pid)), IsOk());
    bool written = false;
    for (const std::string& group : GroupsOfTest()) {
      // The supervisor's own leaf has no limits of ours.
      const bool job =
          FileText(group + "/cgroup.procs").find(std::to_string(child->pid)) != std::string::npos;
      if (job && std::filesystem::exists(group + "/" + file)) {
        written |= WriteAt(kCwd, group + "/" + file, value).ok();
      }
    }
    if (written) {
      ++tried;
      EXPECT_THAT(VerifyLease(**lease, MembershipOf(child->pid)), HasErrorWith(file.c_str()))
          << file;
    }
    EXPECT_THAT(KillPidfd(child->pidfd.get()), IsOk());
    EXPECT_THAT(WaitPidfd(child->pidfd.get(), true), IsOk());
  }
  EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
  return tried;
}

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_LEASE_CASES_H_
