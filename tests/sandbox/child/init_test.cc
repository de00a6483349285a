// SPDX-License-Identifier: Apache-2.0
// Pid 1 of a sandbox: what it forks, what it reaps, and that it cannot be disturbed.
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

class InitTest : public RunningJobTest {};

TEST_F(InitTest, ThePayloadIsNeverPidOne) {
  Start();
  // NSpid: the number on the host, then the one inside.
  EXPECT_EQ(Status(init_)["NSpid"], init_ + "\t1");
  EXPECT_EQ(Status(payload_)["NSpid"], payload_ + "\t3");
  // 2 was the twin, which is gone.
}

TEST_F(InitTest, ThePayloadCannotKillIt) {
  const JobResult result = RunPayload({"kill_init"});
  ASSERT_THAT(result.report, IsOk());
  // The signals were sent, to no effect: the init lived to report this exit code.
  EXPECT_EQ(result.report->verdict(), v1::EXITED);
  EXPECT_EQ(result.report->exit_code(), 5);
}

TEST_F(InitTest, OrphansAreReapedAndTheirTimeIsCounted) {
  const JobResult result = RunPayload({"burning_orphan"});
  ASSERT_THAT(result.report, IsOk());
  EXPECT_EQ(result.report->verdict(), v1::EXITED);
  EXPECT_GE(result.report->usage().cpu_time().nanos(), 50'000'000);
  EXPECT_THAT(ChildrenOfTest(), testing::IsEmpty());
}

TEST_F(InitTest, ItDiesWithItsSupervisorsDescriptor) {
  Start();
  ASSERT_THAT(KillPidfd(sandbox_->child().pidfd.get()), IsOk());
  ASSERT_THAT(WaitPidfd(sandbox_->child().pidfd.get(), true), IsOk());
  sandbox_->child().reaped = true;
  EXPECT_FALSE(std::filesystem::exists("/proc/" + payload_));
}

}  // namespace
}  // namespace cordon
