// SPDX-License-Identifier: Apache-2.0
// What is not the job's fault: limits above its own, and refusals that it coped with.
#include <signal.h>

#include <string>

#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "sandbox/supervise/verdict.h"
#include "tests/support/job.h"
#include "tests/support/observations.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

// A job that ended with that exit code.
Observations Exited(int code) {
  Observations seen = Fine();
  seen.wait_status = code;
  return seen;
}

TEST(VerdictHostTest, ARefusedForkOfAJobThatEndedWellIsOnlyEvidence) {
  Observations seen = Exited(0);
  seen.forks_denied = 3;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::EXITED);
  const v1::Evidence* denied = EvidenceOf(report, "cgroup.forks_denied");
  ASSERT_NE(denied, nullptr);
  EXPECT_EQ(denied->observed(), "3");
  EXPECT_EQ(denied->limit(), "4");
  EXPECT_EQ(denied->source(), "pids.events");
}

TEST(VerdictHostTest, AKillForTheHostsMemoryIsNoVerdict) {
  Observations seen = Exited(0);
  seen.main_ended = false;
  seen.killed = KillReason::kMemory;
  seen.host_oom_kills = 2;
  EXPECT_EQ(Judge(seen).verdict(), v1::SETUP_FAILED);
  const absl::Status error = HostRanOut(seen);
  EXPECT_THAT(error, HasErrorWith("the host was out of memory and killed 2 processes of the job"));
  EXPECT_THAT(error, HasErrorWith("it had used 1048576 of 67108864 bytes"));
  // At its own limit, too: that is what it is told.
  seen.oom_kills = 1;
  EXPECT_EQ(Judge(seen).verdict(), v1::MEMORY_LIMIT);
}

TEST(VerdictHostTest, ARefusalOfTheHostsIsNoVerdictUnlessTheJobCoped) {
  Observations seen = Exited(1);
  seen.host_forks_denied = 3;
  EXPECT_EQ(Judge(seen).verdict(), v1::SETUP_FAILED);
  EXPECT_THAT(HostRanOut(seen), HasErrorWith("the host refused the job 3 processes or threads"));
  seen.wait_status = 0;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::EXITED);
  EXPECT_NE(EvidenceOf(report, "host.forks_denied"), nullptr);
  EXPECT_EQ(EvidenceOf(report, "cgroup.forks_denied"), nullptr);
}

// What it had broken before stays broken.
TEST(VerdictHostTest, ALimitThatTheJobHasBrokenComesFirst) {
  Observations seen = Exited(0);
  seen.host_oom_kills = 1;
  seen.killed = KillReason::kOutput;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::OUTPUT_LIMIT);
  EXPECT_NE(EvidenceOf(report, "host.oom_kill"), nullptr);
}

}  // namespace
}  // namespace cordon
