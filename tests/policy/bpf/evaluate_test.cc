// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/evaluate.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

sock_filter Op(uint32_t code, uint32_t k = 0, uint8_t jt = 0, uint8_t jf = 0) {
  return {static_cast<uint16_t>(code), jt, jf, k};
}

uint32_t Result(const std::vector<sock_filter>& code, const CallSample& call = {}) {
  const auto program = BpfProgram::Make(absl::string_view(
      reinterpret_cast<const char*>(code.data()), code.size() * sizeof(sock_filter)));
  EXPECT_THAT(program, IsOk());
  return program.ok() ? Evaluate(*program, call) : 0xdeadbeef;
}

const sock_filter kReturnA = Op(BPF_RET | BPF_A);

// a op k, and a op x.
uint32_t Alu(uint32_t op, uint32_t a, uint32_t operand) {
  const uint32_t by_constant =
      Result({Op(BPF_LD | BPF_IMM, a), Op(BPF_ALU | op | BPF_K, operand), kReturnA});
  const uint32_t by_register = Result({Op(BPF_LD | BPF_IMM, a), Op(BPF_LDX | BPF_IMM, operand),
                                       Op(BPF_ALU | op | BPF_X), kReturnA});
  EXPECT_EQ(by_constant, by_register);
  return by_constant;
}

bool Branches(uint32_t op, uint32_t a, uint32_t operand) {
  const bool by_constant = Result({Op(BPF_LD | BPF_IMM, a), Op(BPF_JMP | op | BPF_K, operand, 0, 1),
                                   Op(BPF_RET | BPF_K, 1), Op(BPF_RET | BPF_K, 0)}) == 1;
  const bool by_register = Result({Op(BPF_LD | BPF_IMM, a), Op(BPF_LDX | BPF_IMM, operand),
                                   Op(BPF_JMP | op | BPF_X, 0, 0, 1), Op(BPF_RET | BPF_K, 1),
                                   Op(BPF_RET | BPF_K, 0)}) == 1;
  EXPECT_EQ(by_constant, by_register);
  return by_constant;
}

TEST(EvaluateTest, LoadsEveryWordOfTheCall) {
  CallSample call;
  call.number = 0x11;
  call.architecture = 0x22;
  call.instruction_pointer = 0x4400000033;
  for (uint64_t i = 0; i < 6; ++i) call.args[i] = (0x100 + i) << 32 | (0x200 + i);
  const auto word = [&](uint32_t offset) {
    return Result({Op(BPF_LD | BPF_W | BPF_ABS, offset), kReturnA}, call);
  };
  EXPECT_EQ(word(0), 0x11u);
  EXPECT_EQ(word(4), 0x22u);
  EXPECT_EQ(word(8), 0x33u);
  EXPECT_EQ(word(12), 0x44u);
  for (uint32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(word(16 + 8 * i), 0x200 + i);
    EXPECT_EQ(word(20 + 8 * i), 0x100 + i);
  }
}

TEST(EvaluateTest, Computes) {
  EXPECT_EQ(Alu(BPF_ADD, UINT32_MAX, 2), 1u);
  EXPECT_EQ(Alu(BPF_SUB, 1, 2), UINT32_MAX);
  EXPECT_EQ(Alu(BPF_MUL, 0x10000, 0x10001), 0x10000u);
  EXPECT_EQ(Alu(BPF_DIV, 7, 2), 3u);
  EXPECT_EQ(Alu(BPF_AND, 0xf0f0, 0xff00), 0xf000u);
  EXPECT_EQ(Alu(BPF_OR, 0xf0f0, 0x0f00), 0xfff0u);
  EXPECT_EQ(Alu(BPF_XOR, 0xf0f0, 0xff00), 0x0ff0u);
  EXPECT_EQ(Alu(BPF_LSH, 3, 31), 0x80000000u);
  EXPECT_EQ(Alu(BPF_RSH, 0x80000000, 31), 1u);
  EXPECT_EQ(Result({Op(BPF_LD | BPF_IMM, 1), Op(BPF_ALU | BPF_NEG), kReturnA}), UINT32_MAX);
}

TEST(EvaluateTest, DivisionByAZeroRegisterEndsWithZero) {
  EXPECT_EQ(Result({Op(BPF_LD | BPF_IMM, 5), Op(BPF_LDX | BPF_IMM, 0),
                    Op(BPF_ALU | BPF_DIV | BPF_X), Op(BPF_RET | BPF_K, 9)}),
            0u);
}

TEST(EvaluateTest, BranchesUnsigned) {
  EXPECT_TRUE(Branches(BPF_JEQ, 5, 5));
  EXPECT_FALSE(Branches(BPF_JEQ, 5, 6));
  EXPECT_TRUE(Branches(BPF_JGT, UINT32_MAX, 1));
  EXPECT_FALSE(Branches(BPF_JGT, 5, 5));
  EXPECT_TRUE(Branches(BPF_JGE, 5, 5));
  EXPECT_FALSE(Branches(BPF_JGE, 4, 5));
  EXPECT_TRUE(Branches(BPF_JSET, 6, 2));
  EXPECT_FALSE(Branches(BPF_JSET, 6, 1));
}

TEST(EvaluateTest, JumpsOverInstructions) {
  EXPECT_EQ(Result({Op(BPF_JMP | BPF_JA, 2), Op(BPF_RET | BPF_K, 1), Op(BPF_RET | BPF_K, 2),
                    Op(BPF_RET | BPF_K, 3)}),
            3u);
}

TEST(EvaluateTest, KeepsScratchMemoryAndTheIndexRegister) {
  EXPECT_EQ(Result({Op(BPF_LD | BPF_IMM, 7), Op(BPF_ST, 3), Op(BPF_LD | BPF_IMM, 0),
                    Op(BPF_LD | BPF_MEM, 3), kReturnA}),
            7u);
  EXPECT_EQ(Result({Op(BPF_LDX | BPF_IMM, 8), Op(BPF_STX, 0), Op(BPF_LDX | BPF_IMM, 0),
                    Op(BPF_LDX | BPF_MEM, 0), Op(BPF_MISC | BPF_TXA), kReturnA}),
            8u);
  EXPECT_EQ(Result({Op(BPF_LD | BPF_IMM, 9), Op(BPF_MISC | BPF_TAX), Op(BPF_LD | BPF_IMM, 0),
                    Op(BPF_MISC | BPF_TXA), kReturnA}),
            9u);
  EXPECT_EQ(Result({Op(BPF_LD | BPF_MEM, 5), kReturnA}), 0u);
  EXPECT_EQ(Result({Op(BPF_LD | BPF_W | BPF_LEN), kReturnA}), 64u);
  EXPECT_EQ(Result({Op(BPF_LDX | BPF_W | BPF_LEN), Op(BPF_MISC | BPF_TXA), kReturnA}), 64u);
}

}  // namespace
}  // namespace cordon
