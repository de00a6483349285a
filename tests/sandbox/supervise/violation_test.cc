// SPDX-License-Identifier: Apache-2.0
// Calls under KILL, on a real kernel, through the library: named, and the job ended. What the host
// sees of them is in tests/escape/violation_test.py.
#include <signal.h>
#include <sys/socket.h>

#include <cstdio>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "tests/support/job.h"
#include "tests/support/job_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;

// SECCOMP_MODE_DEAD: Linux 5.17.
bool KernelLeavesTheMode() {
  int major = 0;
  int minor = 0;
  std::sscanf(HostFactsOfTest().kernel_release().c_str(), "%d.%d", &major, &minor);
  return major > 5 || (major == 5 && minor >= 17);
}

using ViolationTest = OneJobTest;

TEST_F(ViolationTest, TheCallIsNamedAndTheWholeJobEnds) {
  Run({"sigsys"});
  EXPECT_STREQ(result_.verdict(), "SYSCALL_VIOLATION");
  EXPECT_EQ(report().signal(), SIGKILL);
  ASSERT_TRUE(report().has_violation());
  const v1::CallViolation& violation = report().violation();
  EXPECT_EQ(violation.call(), "ptrace");
  EXPECT_THAT(violation.argument(), ElementsAre("0", "0", "0x0", "0x0"));
  EXPECT_EQ(violation.words(), "ptrace(0, 0, 0x0, 0x0)");
  EXPECT_EQ(violation.architecture(), HostFactsOfTest().architecture());
  EXPECT_EQ(violation.thread(), 3u) << "as the job itself sees it";
  EXPECT_EQ(violation.decided_by(), "seccomp.kill[0]");
  ASSERT_NE(EvidenceOf(report(), "seccomp.call"), nullptr);
  EXPECT_EQ(EvidenceOf(report(), "seccomp.call")->observed(), violation.words());
}

TEST_F(ViolationTest, AChildsViolationEndsTheJobToo) {
  Run({"sigsys_in_child"});
  EXPECT_STREQ(result_.verdict(), "SYSCALL_VIOLATION");
  EXPECT_EQ(report().violation().thread(), 4u);
}

// The control: with the call allowed the same payload ends as it likes.
TEST_F(ViolationTest, WithTheCallAllowedNothingIsNamed) {
  options_.seccomp += " rule { calls: \"ptrace\" action: ALLOW }";
  Run({"sigsys_in_child"});
  EXPECT_STREQ(result_.verdict(), "EXITED");
  EXPECT_FALSE(report().has_violation());
}

TEST_F(ViolationTest, OfSeveralArgumentsThoseOfTheRuleDecide) {
  options_.seccomp +=
      " rule { calls: \"socket\" when { arg: 0 equals: \"AF_INET\" } action: KILL }"
      " rule { calls: \"socket\" when { arg: 0 equals: \"AF_UNIX\" } action: NOTIFY }";
  Run({"sockets", "3", std::to_string(AF_UNIX)});
  EXPECT_STREQ(result_.verdict(), "EXITED");
  EXPECT_EQ(report().notified_call_size(), 1);
  Run({"sockets", "3", std::to_string(AF_INET)});
  EXPECT_STREQ(result_.verdict(), "SYSCALL_VIOLATION");
  EXPECT_EQ(report().violation().words(), "socket(AF_INET=2, 1, 0)");
  EXPECT_EQ(report().violation().decided_by(), "seccomp.rule[0]");
}

// The rules that kill are the default's as well.
TEST_F(ViolationTest, AWhitelistNamesWhatIsNotOnIt) {
  options_.seccomp += " default_action: KILL";
  Run({"sockets", "1", std::to_string(AF_INET)});
  EXPECT_STREQ(result_.verdict(), "SYSCALL_VIOLATION");
  EXPECT_EQ(report().violation().call(), "socket");
  EXPECT_EQ(report().violation().decided_by(), "seccomp.default_action");
}

// A flood of calls that are only listed keeps no violation from being seen.
TEST_F(ViolationTest, AViolationBehindAFloodIsFound) {
  options_.seccomp +=
      " rule { calls: \"socket\" when { arg: 2 at_most: \"5000\" } action: NOTIFY }"
      " rule { calls: \"socket\" when { arg: 2 greater_than: \"5000\" } action: KILL }";
  Run({"socket_flood", "3"});
  EXPECT_STREQ(result_.verdict(), "SYSCALL_VIOLATION");
  EXPECT_EQ(report().violation().words(), "socket(AF_INET=2, 1, 5001)");
  EXPECT_GT(report().notified_call_size(), 60);
}

TEST_F(ViolationTest, AKillOfTheKernelHasNoName) {
  options_.seccomp += " kill_evidence: KERNEL";
  Run({"sigsys"});
  EXPECT_STREQ(result_.verdict(), "SYSCALL_VIOLATION");
  EXPECT_FALSE(report().has_violation());
  EXPECT_EQ(report().signal(), SIGSYS);
}

// A listener costs init nothing of what it knew of a dead payload (DESIGN.md 45).
TEST_F(ViolationTest, BesideAListenerAKillOfTheKernelIsStillTold) {
  options_.seccomp += " rule { calls: \"socket\" action: NOTIFY }";
  options_.seccomp += " kill_evidence: KERNEL";
  Run({"sigsys"});
  EXPECT_STREQ(result_.verdict(), "SYSCALL_VIOLATION");
  EXPECT_EQ(EvidenceOf(report(), "seccomp.kill") != nullptr, KernelLeavesTheMode());
}

TEST_F(ViolationTest, TheLayersRowSaysWhetherViolationsAreNamed) {
  for (const bool named : {true, false}) {
    options_.seccomp += named ? "" : " kill_evidence: KERNEL";
    Run({"exit", "0"});
    bool found = false;
    for (const v1::LayerReport& layer : report().layers()) {
      if (layer.layer() != "seccomp") continue;
      found = true;
      EXPECT_EQ(layer.detail(), named ? "violations are named" : "");
    }
    EXPECT_TRUE(found);
  }
}

}  // namespace
}  // namespace cordon
