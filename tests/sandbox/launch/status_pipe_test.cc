// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/status_pipe.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "sandbox/os/process.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::FrameKind;
using child::Opcode;
using child::StatusFrame;

StatusFrame GoodFrame() {
  StatusFrame frame = {};
  frame.version = child::kWireVersion;
  frame.kind = FrameKind::kStepFailed;
  frame.op_index = 1;
  frame.opcode = Opcode::kMountTmpfs;
  frame.call = child::KernelCall::k_move_mount;
  frame.error = ENOENT;
  frame.aux = 7;
  frame.aux64 = 1ull << 40;
  frame.monotonic_ns = 5;
  return frame;
}

std::string BytesOf(const StatusFrame& frame) {
  return std::string(reinterpret_cast<const char*>(&frame), sizeof(frame));
}

SetupProgram TwoSteps() {
  SetupBuilder builder;
  builder.Add(Opcode::kMakeRoot, {"mount", "mounts", "/"});
  builder.Add(Opcode::kMountTmpfs, {"mount", "mounts.tmpfs[0]", "/tmp"});
  return builder.Finish();
}

TEST(DecodeFrameTest, GivesBackWhatWasWritten) {
  const auto frame = DecodeFrame(BytesOf(GoodFrame()));
  ASSERT_THAT(frame, IsOk());
  EXPECT_EQ(BytesOf(*frame), BytesOf(GoodFrame()));
}

TEST(DecodeFrameTest, OtherSizesAreErrors) {
  const std::string bytes = BytesOf(GoodFrame());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeFrame(absl::string_view(bytes.data(), size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeFrame(bytes + "x").ok());
}

TEST(DecodeFrameTest, FieldsOutOfRangeAreErrors) {
  const auto refused = [](void (*spoil)(StatusFrame*)) {
    StatusFrame frame = GoodFrame();
    spoil(&frame);
    return !DecodeFrame(BytesOf(frame)).ok();
  };
  EXPECT_TRUE(refused([](StatusFrame* f) { f->version = 0; }));
  EXPECT_TRUE(refused([](StatusFrame* f) { f->version = child::kWireVersion + 1; }));
  EXPECT_TRUE(refused([](StatusFrame* f) { f->kind = static_cast<FrameKind>(0); }));
  EXPECT_TRUE(refused([](StatusFrame* f) {
    f->kind = static_cast<FrameKind>(static_cast<int>(child::kLastFrameKind) + 1);
  }));
  EXPECT_TRUE(refused([](StatusFrame* f) { f->kind = static_cast<FrameKind>(255); }));
  EXPECT_TRUE(refused([](StatusFrame* f) { f->opcode = static_cast<Opcode>(0xffff); }));
  EXPECT_TRUE(refused([](StatusFrame* f) { f->call = child::KernelCall::kCount; }));
  EXPECT_TRUE(refused([](StatusFrame* f) { f->error = -1; }));
  EXPECT_TRUE(refused([](StatusFrame* f) { f->error = 4096; }));
}

class ReadFrameTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<Pipe> pipe = MakePipe();
    ASSERT_THAT(pipe, IsOk());
    pipe_ = *std::move(pipe);
  }
  void Send(const std::string& bytes) {
    ASSERT_EQ(::write(pipe_.write.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }
  Pipe pipe_;
};

TEST_F(ReadFrameTest, ReadsOneFrameAtATime) {
  StatusFrame second = GoodFrame();
  second.kind = FrameKind::kAtGate;
  Send(BytesOf(GoodFrame()) + BytesOf(second));
  EXPECT_EQ(ReadFrame(pipe_.read.get(), -1).value()->kind, FrameKind::kStepFailed);
  EXPECT_EQ(ReadFrame(pipe_.read.get(), -1).value()->kind, FrameKind::kAtGate);
}

TEST_F(ReadFrameTest, EofIsNoFrame) {
  pipe_.write.Reset();
  const auto frame = ReadFrame(pipe_.read.get(), -1);
  ASSERT_THAT(frame, IsOk());
  EXPECT_FALSE(frame->has_value());
}

TEST_F(ReadFrameTest, SilenceIsADeadlineOrUnavailable) {
  EXPECT_EQ(ReadFrame(pipe_.read.get(), 20).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(absl::IsUnavailable(ReadFrame(pipe_.read.get(), 0).status()));
}

TEST_F(ReadFrameTest, AShortFrameIsAnError) {
  Send(BytesOf(GoodFrame()).substr(0, 31));
  EXPECT_THAT(ReadFrame(pipe_.read.get(), -1), StatusIs(absl::StatusCode::kInternal, "31 bytes"));
}

TEST(StepErrorTest, NamesStepCallObjectErrnoAndHint) {
  const absl::Status status = StepError(GoodFrame(), TwoSteps());
  const v1::ErrorDetail detail = DetailsOf(status)[0];
  EXPECT_EQ(detail.stage(), "prepare");
  EXPECT_EQ(detail.layer(), "mount");
  EXPECT_EQ(detail.policy_field(), "mounts.tmpfs[0]");
  EXPECT_EQ(detail.step_index(), 1);
  EXPECT_EQ(detail.step(), "MountTmpfs");
  EXPECT_EQ(detail.syscall(), "move_mount");
  EXPECT_EQ(detail.object(), "/tmp");
  EXPECT_EQ(detail.errno_name(), "ENOENT");
  EXPECT_FALSE(detail.hint().empty());
}

TEST(StepErrorTest, PermissionsHaveTheirOwnCode) {
  StatusFrame frame = GoodFrame();
  frame.error = EPERM;
  EXPECT_EQ(StepError(frame, TwoSteps()).code(), absl::StatusCode::kPermissionDenied);
  frame.error = ENOSYS;
  EXPECT_EQ(StepError(frame, TwoSteps()).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(StepError(frame, TwoSteps()), HasErrorWith("too old"));
}

TEST(StepErrorTest, AnIndexOutsideTheProgramIsNoCrash) {
  StatusFrame frame = GoodFrame();
  frame.op_index = 0xffff;
  frame.opcode = Opcode::kCount;
  EXPECT_FALSE(StepError(frame, TwoSteps()).ok());
  EXPECT_FALSE(StepError(frame, SetupProgram()).ok());
}

TEST(StepErrorTest, AStepBehindTheGateIsOfStageLaunch) {
  SetupBuilder builder;
  builder.Add(Opcode::kGate, {"process", "", ""});
  builder.Add(Opcode::kReadLaunch, {"process", "", ""});
  builder.Add(Opcode::kChdir, {"process", "", ""});
  const SetupProgram program = builder.Finish();
  StatusFrame frame = GoodFrame();
  frame.opcode = Opcode::kReadLaunch;
  EXPECT_EQ(DetailsOf(StepError(frame, program))[0].stage(), "launch");
  frame.op_index = 0;
  EXPECT_EQ(DetailsOf(StepError(frame, program))[0].stage(), "prepare");
  // A step of the payload: its twin, before the gate, reports like init; itself it does not.
  frame.op_index = 2;
  frame.opcode = Opcode::kChdir;
  EXPECT_EQ(DetailsOf(StepError(frame, program))[0].stage(), "prepare");
  frame.kind = FrameKind::kExecFailed;
  EXPECT_EQ(DetailsOf(StepError(frame, program))[0].stage(), "launch");
}

TEST(SilentDeathErrorTest, NamesTheFirstStepThatHasNotEnded) {
  SetupBuilder builder;
  for (const Opcode code : {Opcode::kMakeRoot, Opcode::kGate, Opcode::kReap, Opcode::kExec}) {
    builder.Add(code, {"mount", "mounts", "/"});
  }
  const SetupProgram program = builder.Finish();
  const auto region = std::make_unique<child::SharedRegion>();
  const auto detail = [&] { return DetailsOf(SilentDeathError(*region, program))[0]; };
  EXPECT_EQ(detail().step(), "MakeRoot");
  EXPECT_EQ(detail().stage(), "prepare");
  EXPECT_EQ(detail().layer(), "mount");
  region->op_done_ns[0] = 1;
  EXPECT_EQ(detail().step(), "Gate");
  EXPECT_EQ(detail().stage(), "prepare");
  region->op_done_ns[1] = 2;
  EXPECT_EQ(detail().step(), "Exec");
  EXPECT_EQ(detail().stage(), "launch");
  EXPECT_EQ(detail().errno_name(), "EOWNERDEAD");
  region->op_done_ns[3] = 3;
  EXPECT_EQ(detail().stage(), "run");
}

TEST(StepErrorTest, AFailedExecIsOfStageLaunchAndNamesTheProgram) {
  StatusFrame frame = GoodFrame();
  frame.kind = FrameKind::kExecFailed;
  frame.opcode = Opcode::kExec;
  frame.error = EACCES;
  const absl::Status status = StepError(frame, TwoSteps(), "./a.out");
  const v1::ErrorDetail detail = DetailsOf(status)[0];
  EXPECT_EQ(detail.stage(), "launch");
  EXPECT_EQ(detail.object(), "./a.out");
  EXPECT_EQ(detail.step(), "Exec");
}

}  // namespace
}  // namespace cordon
