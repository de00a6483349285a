// SPDX-License-Identifier: Apache-2.0
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(SeccompLayerTest, TheFilterOfThePlanIsLoadedWhole) {
  const VerifyCase good;
  const auto program = Lowered(LowerSeccomp, Phase::kFilter, good);
  ASSERT_THAT(program, IsOk());
  ASSERT_EQ(program->ops.size(), 1u);
  const child::Op& op = program->ops[0];
  EXPECT_EQ(op.code, child::Opcode::kSeccompLoad);
  EXPECT_EQ(program->arena.substr(op.data2, op.size2), good.plan.seccomp().filter());
  EXPECT_EQ(op.data2 % 8, 0u);
}

TEST(SeccompLayerTest, NoOtherPhaseLoadsIt) {
  for (const Phase phase : {Phase::kOpen, Phase::kBuild, Phase::kLock, Phase::kPayload}) {
    EXPECT_TRUE(Lowered(LowerSeccomp, phase, VerifyCase())->ops.empty());
  }
}

TEST(SeccompLayerTest, SwitchedOffItLoadsNothing) {
  VerifyCase off;
  off.plan.mutable_seccomp()->set_enabled(false);
  EXPECT_TRUE(Lowered(LowerSeccomp, Phase::kFilter, off)->ops.empty());
}

TEST(SeccompLayerTest, AKernelWithoutTheFieldIsRefused) {
  VerifyCase each;
  EXPECT_THAT(each.Verify(VerifySeccomp), IsOk());
  each.back.status.erase("Seccomp");
  EXPECT_THAT(each.Verify(VerifySeccomp),
              StatusIs(absl::StatusCode::kFailedPrecondition, "Seccomp"));
}

}  // namespace
}  // namespace cordon
