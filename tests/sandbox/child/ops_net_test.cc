// SPDX-License-Identifier: Apache-2.0
// Handlers of the UTS and network namespaces, asked by joining none of them.
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

class OpsNetTest : public RunningJobTest {};

TEST_F(OpsNetTest, LoopbackIsAllThereIsAndIsDownUnlessAsked) {
  Start();
  EXPECT_THAT(ParseNetDev(FileText("/proc/" + payload_ + "/net/dev")), testing::ElementsAre("lo"));
  // An interface that is up has its addresses in the table of local routes.
  EXPECT_EQ(FileText("/proc/" + payload_ + "/net/fib_trie").find("127.0.0.1"), std::string::npos);
}

TEST_F(OpsNetTest, LoopbackIsUpWhenThePolicyAsks) {
  JobOptions options;
  options.more = "network { mode: LOOPBACK }";
  Start(options);
  EXPECT_NE(FileText("/proc/" + payload_ + "/net/fib_trie").find("127.0.0.1"), std::string::npos);
}

TEST_F(OpsNetTest, TheHostKeepsItsName) {
  const std::string before = FileText("/proc/sys/kernel/hostname");
  JobOptions options;
  options.more = "identity { hostname: \"elsewhere\" }";
  options.streams.out = -1;
  const JobResult result = RunPayload({"hostname"}, options);
  ASSERT_THAT(result.report, IsOk());
  EXPECT_EQ(result.out, "elsewhere (none)");
  EXPECT_EQ(FileText("/proc/sys/kernel/hostname"), before);
}

}  // namespace
}  // namespace cordon
