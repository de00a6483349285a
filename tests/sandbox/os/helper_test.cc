// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "gmock/gmock.h"
#include "sandbox/os/process.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr int kLong = 60000;
constexpr char kShell[] = "/bin/sh";

TEST(HelperTest, PassesInputAndGivesBackBothStreams) {
  const std::string input(3 << 20, 'x');  // more than a pipe holds
  const auto result = RunHelper(kShell, {"-c", "echo to-err >&2; cat; exit 7"}, input, kLong);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->code, CLD_EXITED);
  EXPECT_EQ(result->status, 7);
  EXPECT_TRUE(result->out == input) << result->out.size();
  EXPECT_EQ(result->err, "to-err\n");
}

// What the caller has open, ignores or exports is not the helper's.
TEST(HelperTest, InheritsNothing) {
  ASSERT_EQ(::setenv("CORDON_CANARY", "1", 1), 0);
  const int leaked = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  ASSERT_GE(leaked, 0);
  sigset_t all;
  ::sigfillset(&all);
  sigset_t before;
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const auto result = RunHelper(kShell,
                                {"-c",
                                 "echo \"${CORDON_CANARY:-none}\"; pwd; ls /proc/self/fd | wc -l;"
                                 " grep SigBlk /proc/self/status"},
                                "", kLong);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ::close(leaked);
  ASSERT_THAT(result, IsOk());
  // ls has 0, 1, 2 and the folder.
  EXPECT_EQ(result->out, "none\n/\n4\nSigBlk:\t0000000000000000\n");
}

TEST(HelperTest, WhatDoesNotExistIsAnExitCode) {
  const auto result = RunHelper("/nonexistent/program", {}, "", kLong);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->status, 127);
}

TEST(HelperTest, OneThatHangsIsKilled) {
  const uint64_t began = MonotonicNs();
  EXPECT_THAT(RunHelper(kShell, {"-c", "exec sleep 1000"}, "", 200),
              StatusIs(absl::StatusCode::kDeadlineExceeded, "takes too long"));
  EXPECT_LT(MonotonicNs() - began, uint64_t{500} * 1000000000);
}

TEST(HelperTest, OutputHasACeiling) {
  EXPECT_THAT(RunHelper(kShell, {"-c", "exec cat /dev/zero"}, "", kLong),
              StatusIs(absl::StatusCode::kResourceExhausted, "writes too much"));
}

TEST(HelperTest, ASignalIsSaid) {
  const auto result = RunHelper(kShell, {"-c", "kill -9 $$"}, "", kLong);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->code, CLD_KILLED);
  EXPECT_EQ(result->status, SIGKILL);
}

}  // namespace
}  // namespace cordon
