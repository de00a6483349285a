// SPDX-License-Identifier: Apache-2.0
#include "sandbox/host/probe.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/host_watch.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(ProbeTest, SaysWhatTheKernelSays) {
  const auto facts = ProbeHost();
  ASSERT_THAT(facts, IsOk());
  struct utsname name = {};
  ASSERT_EQ(::uname(&name), 0);
  EXPECT_EQ(facts->kernel_release(), name.release);
  EXPECT_EQ(facts->architecture(), name.machine);
  EXPECT_EQ(facts->privileged(), ::geteuid() == 0);
  EXPECT_GE(facts->cpus(), 1u);
  EXPECT_EQ(facts->page_size(), static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
  EXPECT_GT(facts->rlimit_hard().open_files(), 0u);
  EXPECT_TRUE(facts->rlimit_hard().has_core());
  EXPECT_TRUE(facts->rlimit_hard().has_pending_signals());
  const std::string pattern = FileText("/proc/sys/kernel/core_pattern");
  EXPECT_EQ(facts->core_dumps() == v1::HostFacts::CORE_TO_PROGRAM, pattern.substr(0, 1) == "|");
  EXPECT_EQ(facts->core_dumps() == v1::HostFacts::CORE_TO_SOCKET, pattern.substr(0, 1) == "@");
  const auto& actions = facts->seccomp_actions();
  EXPECT_NE(std::find(actions.begin(), actions.end(), "kill_process"), actions.end());
}

TEST(ProbeTest, WhatIsMissingHasAReason) {
  const auto facts = ProbeHost();
  ASSERT_THAT(facts, IsOk());
  const auto& controllers = facts->cgroup_controllers();
  const bool all =
      std::find(controllers.begin(), controllers.end(), "memory") != controllers.end() &&
      std::find(controllers.begin(), controllers.end(), "pids") != controllers.end();
  if (!all) {
    EXPECT_FALSE(facts->cgroup_why().empty());
  }
}

TEST(ProbeTest, LandlockHasAnAbiOrAReason) {
  const auto facts = ProbeHost();
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->landlock_abi() == 0, !facts->landlock_why().empty());
  // Where the kernel lists its security modules, it says the same.
  const std::string modules = FileText("/sys/kernel/security/lsm");
  if (!modules.empty()) {
    EXPECT_EQ(facts->landlock_abi() > 0, modules.find("landlock") != std::string::npos);
  }
}

TEST(ProbeTest, TryingNamespacesLeavesNothing) {
  const auto facts = ProbeHostThoroughly();
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->user_namespaces(), facts->user_namespaces_why().empty());
  EXPECT_THAT(ChildrenOfTest(), testing::IsEmpty());
  EXPECT_THAT(GroupsOfTest(), testing::IsEmpty());
}

}  // namespace
}  // namespace cordon
