// SPDX-License-Identifier: Apache-2.0
#include "sandbox/child/interpreter.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "gtest/gtest.h"
#include "sandbox/launch/status_pipe.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::FrameKind;
using child::Opcode;
using child::StatusFrame;

// Runs operations in a forked process, not checked by anybody, and gives what it reported.
struct Ended {
  std::optional<StatusFrame> frame;
  int status = -1;
};

Ended RunOps(const std::vector<Opcode>& codes, uint64_t* done_ns) {
  Ended run;
  SetupBuilder builder;
  for (const Opcode code : codes) builder.Add(code, {"", "", ""});
  const SetupProgram program = builder.Finish();
  absl::StatusOr<SharedMemory> shared = SharedMemory::Make(sizeof(child::SharedRegion));
  absl::StatusOr<Pipe> pipe = MakePipe();
  if (!shared.ok() || !pipe.ok()) return run;
  auto* region = static_cast<child::SharedRegion*>(shared->data());
  const child::ProgramView view = program.View();
  const int fd = pipe->write.get();
  const pid_t pid = ::fork();
  if (pid == 0) child::RunProgram(view, region, fd);
  pipe->write.Reset();
  ::waitpid(pid, &run.status, 0);
  const auto frame = ReadFrame(pipe->read.get(), 1000);
  if (frame.ok()) run.frame = *frame;
  *done_ns = region->op_done_ns[0];
  return run;
}

TEST(InterpreterTest, AnUnknownOpcodeIsReportedAndEndsTheChild) {
  uint64_t done = 0;
  const Ended run = RunOps({Opcode::kSetUmask, Opcode::kCount}, &done);
  ASSERT_TRUE(run.frame.has_value());
  EXPECT_EQ(run.frame->kind, FrameKind::kStepFailed);
  EXPECT_EQ(run.frame->op_index, 1);
  EXPECT_EQ(run.frame->error, EINVAL);
  EXPECT_TRUE(WIFEXITED(run.status));
  EXPECT_EQ(WEXITSTATUS(run.status), 125);
  EXPECT_NE(done, 0u);  // the operation before was timed
}

TEST(InterpreterTest, TheFirstFailureIsTheLastStep) {
  uint64_t done = 0;
  // Without a root there is nothing to pivot to.
  const Ended run = RunOps({Opcode::kPivotRoot, Opcode::kCount}, &done);
  ASSERT_TRUE(run.frame.has_value());
  EXPECT_EQ(run.frame->op_index, 0);
  EXPECT_EQ(run.frame->opcode, Opcode::kPivotRoot);
  EXPECT_EQ(run.frame->error, EBADF);
  EXPECT_EQ(done, 0u);
}

TEST(InterpreterTest, AProgramThatDoesNotReapFailsClosed) {
  uint64_t done = 0;
  const Ended run = RunOps({Opcode::kSetUmask}, &done);
  EXPECT_FALSE(run.frame.has_value());
  EXPECT_EQ(WEXITSTATUS(run.status), 125);
}

}  // namespace
}  // namespace cordon
