// SPDX-License-Identifier: Apache-2.0
#include "sandbox/program/build.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/good_program.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::Opcode;

TEST(BuildProgramTest, ChecksWhatItBuilt) {
  EXPECT_THAT(GoodProgram(false), IsOk());
  EXPECT_THAT(GoodProgram(true), IsOk());
}

TEST(BuildProgramTest, OnlyRootDropsGroups) {
  for (const bool privileged : {false, true}) {
    const auto program = GoodProgram(privileged);
    ASSERT_THAT(program, IsOk());
    const child::Op& ids = program->ops[IndexOf(*program, Opcode::kSetIds)];
    EXPECT_EQ((ids.flags & child::kFlagDropGroups) != 0, privileged);
  }
}

// A change of credentials clears the signal of the parent's death.
TEST(BuildProgramTest, DieWithParentIsSetAgainBehindSetIds) {
  const auto program = GoodProgram();
  ASSERT_THAT(program, IsOk());
  EXPECT_LT(IndexOf(*program, Opcode::kDieWithParent), IndexOf(*program, Opcode::kAwaitParent));
  const size_t ids = IndexOf(*program, Opcode::kSetIds);
  EXPECT_EQ(program->ops[ids + 1].code, Opcode::kDieWithParent);
}

// A plan without NOTIFY and named kills pays for none of it: not one operation is there or differs.
TEST(BuildProgramTest, OnlyAFilterThatAsksNeedsItsSteps) {
  v1::Plan plan = RichPlan().value();
  const ResolvedSources sources = SourcesFor(plan.mount());
  const auto with = BuildProgram({plan, sources, false}, InitFilter());
  ASSERT_THAT(with, IsOk());
  plan.mutable_seccomp()->set_notify(false);
  plan.mutable_seccomp()->set_named_kill(false);
  const auto without = BuildProgram({plan, sources, false}, InitFilter());
  ASSERT_THAT(without, IsOk());
  const std::vector<child::Op>& ops = without->program().ops;
  EXPECT_EQ(ops.size() + 2, with->program().ops.size());
  for (const child::Op& op : ops) {
    EXPECT_NE(op.code, Opcode::kPassListener);
    EXPECT_NE(op.code, Opcode::kAwaitListener);
    if (op.code == Opcode::kForkPayload) {
      EXPECT_EQ(op.flags, 0);
    }
  }
}

TEST(BuildProgramTest, TheFilterOfTheInitIsCarriedWhole) {
  const auto program = GoodProgram();
  ASSERT_THAT(program, IsOk());
  const child::Op& op = program->ops[IndexOf(*program, Opcode::kInitFilter)];
  EXPECT_EQ(program->arena.substr(op.data2, op.size2), InitFilter());
}

TEST(BuildProgramTest, WithoutAFilterForTheInitThereIsNoProgram) {
  const v1::Plan plan = RichPlan().value();
  const ResolvedSources sources = SourcesFor(plan.mount());
  EXPECT_FALSE(BuildProgram({plan, sources, false}, "").ok());
}

TEST(BuildProgramTest, TheSamePlanGivesTheSameProgram) {
  const auto one = GoodProgram();
  const auto two = GoodProgram();
  ASSERT_THAT(one, IsOk());
  EXPECT_EQ(ProgramText(*one), ProgramText(*two));
  EXPECT_EQ(one->arena, two->arena);
}

}  // namespace
}  // namespace cordon
