// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/twin_back.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/file.h"
#include "tests/support/host_watch.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(TwinBackTest, AnAnswerIsFoundByNameAndPointOrIsNone) {
  TwinBack twin;
  twin.answers["a"][child::kProbeStart] = -13;
  EXPECT_EQ(twin.Answer("a", child::kProbeStart), -13);
  EXPECT_EQ(twin.Answer("a", child::kProbeConfined), kNoAnswer);
  EXPECT_EQ(twin.Answer("b", child::kProbeStart), kNoAnswer);
}

TEST(TwinBackTest, AnswersAreSpokenAsPeopleKnowThem) {
  EXPECT_EQ(AnswerText(-13), "EACCES");
  EXPECT_EQ(AnswerText(0), "0");
  EXPECT_EQ(AnswerText(7), "7");
  EXPECT_EQ(AnswerText(kNoAnswer), "no answer");
}

TEST(TwinBackTest, TextEndsAtItsEndOrThatOfTheBuffer) {
  TwinBack twin;
  twin.buffer = std::string("ab\0cd", 5);
  EXPECT_EQ(twin.Text(0), "ab");
  EXPECT_EQ(twin.Text(3), "cd");
  EXPECT_EQ(twin.Text(5), "");
  EXPECT_EQ(twin.Text(600), "");
}

// Only the points that the twin says it reached count, whatever is in memory.
TEST(TwinBackTest, WhatTheTwinDidNotMakeIsNoAnswer) {
  SetupBuilder builder;
  builder.AddProbe("one", MakeProbe(1, {2, 3}, child::kProbeStart));
  builder.AddProbe("two", MakeProbe(4, {}, child::kProbeFiltered));
  const SetupProgram program = builder.Finish();
  const auto region = std::make_unique<child::SharedRegion>();
  region->probes_made[0] = child::kProbeStart;
  region->probe_result[0][0] = 5;
  region->probe_result[1][3] = 6;
  TwinBack twin;
  ReadAnswers(program, *region, &twin);
  EXPECT_EQ(twin.Answer("one", child::kProbeStart), 5);
  EXPECT_EQ(twin.Answer("two", child::kProbeFiltered), kNoAnswer);
}

// A process that holds still.
class StandingTest : public testing::Test {
 protected:
  void SetUp() override {
    pid_ = ::fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      for (;;) ::pause();
    }
  }
  void TearDown() override {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid_ = -1;
};

TEST_F(StandingTest, AnInitWithoutAChildIsRefused) {
  absl::StatusOr<ReadBack> init = TakeReadBack(pid_);
  ASSERT_THAT(init, IsOk());
  TwinBack twin;
  EXPECT_THAT(OpenTwin(*init, &twin), StatusIs(absl::StatusCode::kFailedPrecondition, "children"));
}

TEST_F(StandingTest, AllOfItIsRead) {
  TwinBack twin;
  absl::StatusOr<UniqueFd> proc =
      OpenAt(kCwd, "/proc/" + std::to_string(pid_), O_RDONLY | O_DIRECTORY);
  ASSERT_THAT(proc, IsOk());
  twin.proc = *std::move(proc);
  ASSERT_THAT(ReadStandingTwin("/nowhere", &twin), IsOk());
  EXPECT_EQ(twin.standing["Pid"], std::to_string(pid_));
  EXPECT_EQ(twin.place.session, ::getsid(0));
  EXPECT_EQ(twin.place.group, ::getpgid(0));
  EXPECT_FALSE(twin.limits.empty());
  EXPECT_FALSE(twin.cgroup.empty());
  EXPECT_FALSE(twin.descriptors.empty());
  EXPECT_EQ(twin.directory, CurrentDirectory());
  EXPECT_FALSE(twin.directory_is_planned);
  // Another way to the same directory is the planned one.
  ASSERT_THAT(ReadStandingTwin(CurrentDirectory() + "/.", &twin), IsOk());
  EXPECT_TRUE(twin.directory_is_planned);
}

}  // namespace
}  // namespace cordon
