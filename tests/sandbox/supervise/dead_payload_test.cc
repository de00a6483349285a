// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/dead_payload.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/process.h"
#include "tests/support/host_watch.h"
#include "tests/support/kernel_test.h"

namespace cordon {
namespace {

// A child of this process that has written that much and is dead, unreaped.
pid_t DeadChild(size_t bytes) {
  const Pipe pipe = MakePipe().value();
  const std::string text(bytes, 'x');
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (bytes != 0 && ::write(pipe.write.get(), text.data(), bytes) < 0) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  siginfo_t info;
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  return pid;
}

TEST(DeadPayloadTest, SaysWhatAnUnreapedProcessHasWritten) {
  const pid_t little = DeadChild(0);
  const pid_t much = DeadChild(5000);
  const auto of_much = BytesWritten(::getpid(), static_cast<uint64_t>(much));
  const auto of_little = BytesWritten(::getpid(), static_cast<uint64_t>(little));
  // Some kernels show it to privileged processes only; then nothing is said, not 0.
  if (IsRoot() || of_much.has_value()) {
    EXPECT_EQ(of_much, 5000u);
    EXPECT_EQ(of_little, 0u);
  }
  ::waitpid(little, nullptr, 0);
  ::waitpid(much, nullptr, 0);
  EXPECT_FALSE(BytesWritten(::getpid(), static_cast<uint64_t>(much)).has_value());
}

TEST(DeadPayloadTest, OfNoProcessNothingIsKnown) {
  EXPECT_FALSE(BytesWritten(::getpid(), 1).has_value());
  EXPECT_FALSE(BytesWritten(0, 1).has_value());
}

}  // namespace
}  // namespace cordon
