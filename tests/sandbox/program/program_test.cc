// SPDX-License-Identifier: Apache-2.0
#include "sandbox/program/program.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/good_program.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::Opcode;

TEST(OpcodeTest, EveryOpcodeHasItsOwnNameAndAReason) {
  std::set<std::string> names;
  for (uint16_t code = 0; code < static_cast<uint16_t>(Opcode::kCount); ++code) {
    const auto opcode = static_cast<Opcode>(code);
    EXPECT_TRUE(names.insert(std::string(OpcodeName(opcode))).second);
    EXPECT_FALSE(OpcodeWhy(opcode).empty()) << OpcodeName(opcode);
  }
  EXPECT_EQ(OpcodeName(Opcode::kCount), "unknown");
  EXPECT_EQ(OpcodeName(static_cast<Opcode>(0xffff)), "unknown");
  EXPECT_EQ(OpcodeWhy(Opcode::kCount), "");
  EXPECT_FALSE(IsPayloadOp(Opcode::kCount));
}

TEST(OpcodeTest, KernelCallsHaveNames) {
  EXPECT_EQ(KernelCallName(child::KernelCall::k_open_tree), "open_tree");
  EXPECT_EQ(KernelCallName(child::KernelCall::k_none), "");
  EXPECT_EQ(KernelCallName(child::KernelCall::kCount), "");
}

TEST(SetupBuilderTest, TextsAreTerminatedAndBytesAligned) {
  SetupBuilder builder;
  const uint32_t one = builder.Text("one");
  const uint32_t bytes = builder.Bytes(absl::string_view("\0\1\2", 3));
  const uint32_t empty = builder.Text("");
  const SetupProgram program = builder.Finish();
  EXPECT_STREQ(program.arena.c_str() + one, "one");
  EXPECT_EQ(bytes % 8, 0u);
  EXPECT_EQ(program.arena.substr(bytes, 3), std::string("\0\1\2", 3));
  EXPECT_STREQ(program.arena.c_str() + empty, "");
  EXPECT_LT(empty, program.arena.size());
}

TEST(SetupBuilderTest, AFreshOperationPointsNowhere) {
  SetupBuilder builder;
  const child::Op& op = builder.Add(Opcode::kGate, {"", "", ""});
  EXPECT_EQ(op.slot, child::kNoSlot);
  EXPECT_EQ(op.data, child::kNoData);
  EXPECT_EQ(op.data2, child::kNoData);
  EXPECT_EQ(op.size2, 0u);
}

TEST(ProgramTextTest, OneLinePerOperationSafeForATerminal) {
  SetupBuilder builder;
  builder.Add(Opcode::kMakeRoot, {"mount", "", "/"}).a = 4096;
  builder.Add(Opcode::kMaskPath, {"mount", "", "/x\x1b[31m\n"});
  EXPECT_EQ(ProgramText(builder.Finish()), "0 MakeRoot / a=4096\n1 MaskPath /x\\033[31m\\n\n");
}

// The order of a set-up, pinned: a change here is a change of what security rests on.
TEST(ProgramTextTest, ARealProgramHasOneOriginPerOperation) {
  const auto program = GoodProgram();
  ASSERT_THAT(program, IsOk());
  ASSERT_EQ(program->ops.size(), program->origins.size());
  const std::string text = ProgramText(*program);
  EXPECT_EQ(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')), program->ops.size());
  const child::ProgramView view = program->View();
  EXPECT_EQ(view.op_count, program->ops.size());
  EXPECT_EQ(view.arena_size, program->arena.size());
}

}  // namespace
}  // namespace cordon
