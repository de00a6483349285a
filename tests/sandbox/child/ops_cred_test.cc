// SPDX-License-Identifier: Apache-2.0
// Handlers of ids, capabilities and filters, seen from the host on a running job.
#include <signal.h>

#include <filesystem>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "tests/support/host_watch.h"
#include "tests/support/running_job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class OpsCredTest : public RunningJobTest {};

TEST_F(OpsCredTest, ThePayloadHasNothingToGiveUp) {
  Start();
  auto status = Status(payload_);
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(status[set], "0000000000000000") << set;
  }
  EXPECT_EQ(status["NoNewPrivs"], "1");
  EXPECT_EQ(status["Seccomp"], "2");
  EXPECT_EQ(status["Seccomp_filters"], "1");
}

TEST_F(OpsCredTest, TheInitWearsAFilterOfItsOwn) {
  Start();
  EXPECT_EQ(Status(init_)["Seccomp"], "2");
  EXPECT_EQ(Status(init_)["CapEff"], "0000000000000000");
}

TEST_F(OpsCredTest, LimitsReachThePayload) {
  Start();
  const auto limits = ParseLimits(FileText("/proc/" + payload_ + "/limits"));
  ASSERT_THAT(limits, IsOk());
  EXPECT_EQ(limits->at("Max file size").hard, 1u << 20);
  EXPECT_EQ(limits->at("Max core file size").hard, 1u);
}

TEST_F(OpsCredTest, RootIsAnOrdinaryIdInside) {
  JobOptions options;
  options.more = "identity { uid: 0 gid: 0 }";
  Start(options);
  auto status = Status(payload_);
  EXPECT_EQ(status["CapPrm"], "0000000000000000");
  EXPECT_NE(status["Uid"].substr(0, 2), "0\t");
}

}  // namespace
}  // namespace cordon
