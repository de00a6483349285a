// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/launcher.h"

#include <signal.h>

#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/launch/status_pipe.h"
#include "sandbox/os/event.h"
#include "sandbox/program/build.h"
#include "sandbox/program/init_filter.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::IsEmpty;

// The steps between clone3 and the open gate, without a control group.
class LauncherTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
    const absl::StatusOr<CompiledPlan> plan = PlanOf(WithoutListener());
    ASSERT_THAT(plan, IsOk());
    plan_ = plan->proto();
    launch_ = LaunchOf(*plan, {"exit", "0"}).value();
    absl::StatusOr<ResolvedSources> sources = ResolveSources(plan_.mount(), IsRoot());
    ASSERT_THAT(sources, IsOk());
    absl::StatusOr<CheckedProgram> program =
        BuildProgram({plan_, *sources, IsRoot()}, InitFilter());
    ASSERT_THAT(program, IsOk());
    program_.emplace(*std::move(program));
    options_.privileged = IsRoot();
    options_.inside_uid = plan_.userns().uid();
    options_.inside_gid = plan_.userns().gid();
  }
  v1::Plan plan_;
  v1::LaunchPlan launch_;
  std::optional<CheckedProgram> program_;
  StartOptions options_;
};

TEST_F(LauncherTest, ReachesTheGateAndExecsBehindIt) {
  absl::StatusOr<Child> child = StartChild(*program_, options_, nullptr);
  ASSERT_THAT(child, IsOk());
  ASSERT_THAT(EnterGroup(*child, nullptr), IsOk());
  ASSERT_THAT(AwaitGate(*child, *program_, 10000), IsOk());
  ASSERT_THAT(OpenGate(*child, *program_, launch_), IsOk());
  const auto frame = ReadFrame(child->status.get(), 10000);
  ASSERT_THAT(frame, IsOk());
  ASSERT_TRUE(frame->has_value());
  EXPECT_EQ((*frame)->kind, child::FrameKind::kExecDone);
}

TEST_F(LauncherTest, WaitsForItsGroupBeforeTheGate) {
  absl::StatusOr<Child> child = StartChild(*program_, options_, nullptr);
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(AwaitGate(*child, *program_, 200).code(), absl::StatusCode::kDeadlineExceeded);
}

// A supervisor that vanishes closes the pipe; a child that still waits must not wait for ever.
TEST_F(LauncherTest, EndsWhenTheControlPipeIsClosed) {
  absl::StatusOr<Child> child = StartChild(*program_, options_, nullptr);
  ASSERT_THAT(child, IsOk());
  child->control.Reset();
  const absl::StatusOr<WaitResult> ended = WaitPidfd(child->pidfd.get(), true);
  ASSERT_THAT(ended, IsOk());
  child->reaped = true;
  EXPECT_EQ(ended->code, CLD_EXITED);
  EXPECT_EQ(ended->status, 125);
}

TEST_F(LauncherTest, DestroyingTheChildReapsIt) {
  {
    absl::StatusOr<Child> child = StartChild(*program_, options_, nullptr);
    ASSERT_THAT(child, IsOk());
    EXPECT_EQ(ChildrenOfTest().size(), 1u);
  }
  EXPECT_THAT(ChildrenOfTest(), IsEmpty());
}

TEST_F(LauncherTest, AChildThatDiesBeforeTheGateIsAnError) {
  absl::StatusOr<Child> child = StartChild(*program_, options_, nullptr);
  ASSERT_THAT(child, IsOk());
  ASSERT_THAT(KillPidfd(child->pidfd.get()), IsOk());
  EXPECT_THAT(AwaitGate(*child, *program_, 10000),
              StatusIs(absl::StatusCode::kInternal, "died without a word"));
}

TEST_F(LauncherTest, ArgumentsThatDoNotFitNeverOpenTheGate) {
  absl::StatusOr<Child> child = StartChild(*program_, options_, nullptr);
  ASSERT_THAT(child, IsOk());
  ASSERT_THAT(EnterGroup(*child, nullptr), IsOk());
  ASSERT_THAT(AwaitGate(*child, *program_, 10000), IsOk());
  launch_.add_argv(std::string(2 << 20, 'x'));
  EXPECT_THAT(OpenGate(*child, *program_, launch_),
              StatusIs(absl::StatusCode::kResourceExhausted, "at most"));
  EXPECT_EQ(ReadFrame(child->status.get(), 100).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(LauncherTest, RootsChildHasTheOwnersIdsWhenThereIsOne) {
  CORDON_NEEDS("root", IsRoot());
  options_.has_owner = true;
  options_.owner = {4711, 4712};
  absl::StatusOr<Child> child = StartChild(*program_, options_, nullptr);
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(child->ids.uid, 4711u);
  const std::string pid = std::to_string(child->pid);
  EXPECT_NE(FileText("/proc/" + pid + "/uid_map").find("4711"), std::string::npos);
  EXPECT_NE(FileText("/proc/" + pid + "/gid_map").find("4712"), std::string::npos);
}

}  // namespace
}  // namespace cordon
