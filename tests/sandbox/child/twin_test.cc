// SPDX-License-Identifier: Apache-2.0
// The twin of a real sandbox: it makes the payload's steps, dies before the gate, and what goes
// wrong in it ends the set-up.
#include <signal.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/good_program.h"
#include "tests/support/host_watch.h"
#include "tests/support/sandbox_parts.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;

class TwinTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    ASSERT_THAT(parts_.Build({}), IsOk());
  }
  // Replaces the first probe of the program.
  SetupProgram WithProbe(child::Probe probe) const {
    SetupProgram program = parts_.good;
    const Op& fork = program.ops[IndexOf(program, Opcode::kForkTwin)];
    std::memcpy(program.arena.data() + fork.data2, &probe, sizeof(probe));
    program.probes[0] = "test";
    return program;
  }
  SandboxParts parts_;
};

TEST_F(TwinTest, ProbesAreMadeAtTheirPointsAndAnswered) {
  child::Probe probe = MakeProbe(__NR_getpid, {}, 15);
  const absl::StatusOr<AtGate> at_gate = parts_.Start(WithProbe(probe));
  ASSERT_THAT(at_gate, IsOk());
  for (const uint32_t point : {1u, 2u, 4u, 8u}) {
    EXPECT_EQ(at_gate->twin.Answer("test", point), 2) << point;
  }
  EXPECT_EQ(at_gate->twin.end_code, CLD_EXITED);
  EXPECT_EQ(at_gate->twin.end_status, 0);
}

// The twin cannot be brought to disturb init: it may kill itself at any point.
TEST_F(TwinTest, ATwinThatDiesBeforeItStandsIsAnError) {
  child::Probe probe = MakeProbe(__NR_kill, {2, SIGKILL}, child::kProbeStart);
  EXPECT_THAT(parts_.Start(WithProbe(probe)), HasErrorWith("ReapTwin"));
}

TEST_F(TwinTest, ATwinThatDiesBehindItsStopIsReportedWithItsSignal) {
  child::Probe probe = MakeProbe(__NR_kill, {2, SIGKILL}, child::kProbeReleased);
  const absl::StatusOr<AtGate> at_gate = parts_.Start(WithProbe(probe));
  ASSERT_THAT(at_gate, IsOk());
  EXPECT_EQ(at_gate->twin.end_code, CLD_KILLED);
  EXPECT_EQ(at_gate->twin.end_status, SIGKILL);
  EXPECT_FALSE(parts_.Confirm(*at_gate).ok());
}

// The steps of the payload fail in it, and the error is that of the step, however far the
// supervisor is with its reading.
TEST_F(TwinTest, AStepThatFailsInItIsNamed) {
  for (int i = 0; i < 20; ++i) {
    SandboxParts parts;
    ASSERT_THAT(parts.Build({}), IsOk());
    InsertOp(&parts.good, IndexOf(parts.good, Opcode::kCloseInitFds),
             parts.good.ops[IndexOf(parts.good, Opcode::kPayloadSession)]);
    EXPECT_THAT(parts.Start(parts.good), HasErrorWith("PayloadSession"));
  }
}

// A filter that denies everything: nothing but memory is left to speak through.
TEST_F(TwinTest, EndsUnderAFilterThatDeniesEveryCall) {
  SetupProgram program = parts_.good;
  Op& load = program.ops[IndexOf(program, Opcode::kSeccompLoad)];
  const uint64_t kill_all[] = {uint64_t{0x80000000} << 32 | 0x06};  // BPF_RET | BPF_K, KILL_PROCESS
  load.data2 = static_cast<uint32_t>((program.arena.size() + 7) / 8 * 8);
  load.size2 = sizeof(kill_all);
  program.arena.resize(load.data2 + sizeof(kill_all) + 1);
  std::memcpy(program.arena.data() + load.data2, kill_all, sizeof(kill_all));
  const absl::StatusOr<AtGate> at_gate = parts_.Start(program);
  ASSERT_THAT(at_gate, IsOk());
  EXPECT_EQ(at_gate->twin.end_status, SIGSYS);
  EXPECT_NE(at_gate->twin.dead.at("Seccomp"), "0");
  EXPECT_THAT(parts_.Confirm(*at_gate), HasErrorWith("the twin"));
}

TEST_F(TwinTest, AFilterThatTheKernelRefusesNamesTheStep) {
  SetupProgram program = parts_.good;
  program.ops[IndexOf(program, Opcode::kSeccompLoad)].size2 = 8;
  EXPECT_THAT(parts_.Start(program), HasErrorWith("SeccompLoad"));
}

TEST_F(TwinTest, NothingOfItIsLeftForThePayload) {
  ASSERT_THAT(parts_.Start(parts_.good), IsOk());
  const Ran ran = parts_.Run({"exit", "7"});
  EXPECT_TRUE(ran.executed);
  EXPECT_EQ(ran.exit_code, 7);
}

}  // namespace
}  // namespace cordon
