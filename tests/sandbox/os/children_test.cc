// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/children.h"

#include <signal.h>
#include <sys/wait.h>

#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "sandbox/os/process.h"
#include "tests/support/running_job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class ChildrenTest : public RunningJobTest {};

TEST_F(ChildrenTest, AProcessIsFoundByItsIdInside) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const pid_t init = sandbox_->child().pid;
  const absl::StatusOr<FoundChild> found = FindChild(init, 3);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(std::to_string(found->pid), payload_);
  // The descriptor is that process.
  EXPECT_FALSE(IsGone(found->pidfd.get()));
  ASSERT_THAT(SignalPidfd(found->pidfd.get(), SIGKILL), IsOk());
  ASSERT_THAT(WaitPidfd(sandbox_->child().pidfd.get(), true), IsOk());
  sandbox_->child().reaped = true;
  EXPECT_TRUE(IsGone(found->pidfd.get()));
}

TEST_F(ChildrenTest, OthersAreNot) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const pid_t init = sandbox_->child().pid;
  for (const uint32_t inside : {0u, 1u, 2u, 4u, static_cast<uint32_t>(std::stoul(payload_))}) {
    EXPECT_EQ(FindChild(init, inside).status().code(), absl::StatusCode::kNotFound) << inside;
  }
  // A child of ours in our own pid namespace has no id inside.
  EXPECT_FALSE(FindChild(CurrentPid(), static_cast<uint32_t>(init)).ok());
}

}  // namespace
}  // namespace cordon
