// SPDX-License-Identifier: Apache-2.0
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;

TEST(RlimitLayerTest, EverySoftAndHardLimitIsCompared) {
  const VerifyCase good;
  EXPECT_THAT(good.Verify(VerifyRlimit), IsOk());
  ASSERT_GT(good.plan.rlimit().entry_size(), 3);
  for (const v1::RlimitEntry& entry : good.plan.rlimit().entry()) {
    const std::string row = RowName(entry.resource());
    VerifyCase soft;
    ++soft.back.limits[row].soft;
    EXPECT_THAT(soft.Verify(VerifyRlimit), StatusIs(kRefused, entry.name()));
    VerifyCase hard;
    ++hard.back.limits[row].hard;
    EXPECT_THAT(hard.Verify(VerifyRlimit), StatusIs(kRefused, entry.name()));
    VerifyCase missing;
    missing.back.limits.erase(row);
    EXPECT_THAT(missing.Verify(VerifyRlimit), StatusIs(kRefused, "none"));
  }
}

TEST(RlimitLayerTest, AResourceThatTheKernelDoesNotShowIsRefused) {
  VerifyCase each;
  each.plan.mutable_rlimit()->mutable_entry(0)->set_resource(16);
  EXPECT_THAT(each.Verify(VerifyRlimit), StatusIs(kRefused, "known resource"));
}

TEST(RlimitLayerTest, OneOperationPerLimitWithBothValues) {
  const VerifyCase good;
  const auto program = Lowered(LowerRlimit, Phase::kLock, good);
  ASSERT_THAT(program, IsOk());
  ASSERT_EQ(program->ops.size(), static_cast<size_t>(good.plan.rlimit().entry_size()));
  for (size_t i = 0; i < program->ops.size(); ++i) {
    const v1::RlimitEntry& entry = good.plan.rlimit().entry(static_cast<int>(i));
    EXPECT_EQ(program->ops[i].a, entry.resource());
    EXPECT_EQ(program->ops[i].b, entry.soft());
    EXPECT_EQ(program->ops[i].c, entry.hard());
  }
}

TEST(RlimitLayerTest, TheTwinHasTheSameLimits) {
  VerifyCase each;
  ++each.twin.limits["Max open files"].hard;
  EXPECT_THAT(each.Verify(VerifyRlimit),
              StatusIs(absl::StatusCode::kFailedPrecondition, "of the twin"));
}

TEST(RlimitLayerTest, SwitchedOffItNeitherActsNorCompares) {
  VerifyCase off;
  off.plan.mutable_rlimit()->set_enabled(false);
  off.back.limits.clear();
  EXPECT_THAT(off.Verify(VerifyRlimit), IsOk());
  EXPECT_TRUE(Lowered(LowerRlimit, Phase::kLock, off)->ops.empty());
}

}  // namespace
}  // namespace cordon
