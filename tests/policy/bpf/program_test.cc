// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/program.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

std::string Bytes(const std::vector<sock_filter>& code) {
  return std::string(reinterpret_cast<const char*>(code.data()), code.size() * sizeof(sock_filter));
}

sock_filter Op(uint32_t code, uint32_t k = 0, uint8_t jt = 0, uint8_t jf = 0) {
  return {static_cast<uint16_t>(code), jt, jf, k};
}

const sock_filter kReturn = Op(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

testing::Matcher<const absl::StatusOr<BpfProgram>&> Refused(const char* why) {
  return StatusIs(absl::StatusCode::kInvalidArgument, why);
}

TEST(ProgramTest, KeepsTheInstructions) {
  const auto program = BpfProgram::Make(Bytes({Op(BPF_LD | BPF_W | BPF_ABS, 4), kReturn}));
  ASSERT_THAT(program, IsOk());
  ASSERT_EQ(program->instructions().size(), 2u);
  EXPECT_EQ(program->instructions()[0].k, 4u);
  EXPECT_EQ(program->instructions()[1].code, BPF_RET | BPF_K);
}

TEST(ProgramTest, RefusesWhatIsNoProgram) {
  EXPECT_THAT(BpfProgram::Make(""), Refused("0 bytes"));
  EXPECT_THAT(BpfProgram::Make("1234567"), Refused("7 bytes"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_LD | BPF_IMM)})), Refused("does not return"));
}

TEST(ProgramTest, RefusesMoreThanTheKernelLoads) {
  EXPECT_THAT(BpfProgram::Make(Bytes(std::vector<sock_filter>(4096, kReturn))), IsOk());
  EXPECT_THAT(BpfProgram::Make(Bytes(std::vector<sock_filter>(4097, kReturn))), Refused("4097"));
}

TEST(ProgramTest, RefusesJumpsBehindTheEnd) {
  const uint32_t jeq = BPF_JMP | BPF_JEQ | BPF_K;
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(jeq, 0, 0, 0), kReturn})), IsOk());
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(jeq, 0, 1, 0), kReturn})), Refused("jump"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(jeq, 0, 0, 1), kReturn})), Refused("jump"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_JMP | BPF_JA, 0), kReturn})), IsOk());
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_JMP | BPF_JA, 1), kReturn})), Refused("jump"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_JMP | BPF_JA, UINT32_MAX), kReturn})),
              Refused("jump"));
}

TEST(ProgramTest, RefusesLoadsOutsideTheCallsData) {
  const uint32_t load = BPF_LD | BPF_W | BPF_ABS;
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(load, 60), kReturn})), IsOk());
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(load, 64), kReturn})), Refused("load"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(load, 2), kReturn})), Refused("load"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_LD | BPF_B | BPF_ABS, 0), kReturn})),
              Refused("opcode"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_LD | BPF_W | BPF_IND, 0), kReturn})),
              Refused("opcode"));
}

TEST(ProgramTest, RefusesBadOperands) {
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_ST, 15), kReturn})), IsOk());
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_ST, 16), kReturn})), Refused("scratch"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_LD | BPF_MEM, 16), kReturn})), Refused("scratch"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_ALU | BPF_DIV | BPF_K, 0), kReturn})),
              Refused("division"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_ALU | BPF_LSH | BPF_K, 32), kReturn})),
              Refused("shift"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(BPF_ALU | BPF_MOD | BPF_K, 3), kReturn})),
              Refused("opcode"));
  EXPECT_THAT(BpfProgram::Make(Bytes({Op(0xffff), kReturn})), Refused("opcode"));
}

}  // namespace
}  // namespace cordon
