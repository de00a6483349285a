// SPDX-License-Identifier: Apache-2.0
#include "policy/addition_cost.h"

#include <string>

#include "gmock/gmock.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kTrace[] = "seccomp { rule { calls: \"ptrace\" action: ALLOW } }";

TEST(AdditionCostTest, WhatCostsNothing) {
  ShippedProfiles profiles;
  const auto policy = Shipped("base/strict");
  ASSERT_THAT(policy, IsOk());
  const auto cost = CostOfAddition(*policy, "limits { processes: 7 }", profiles);
  ASSERT_THAT(cost, IsOk());
  EXPECT_EQ(cost->forbidden, "");
  EXPECT_THAT(cost->notes, IsEmpty());
}

TEST(AdditionCostTest, OnlyNewWarningsAreNotes) {
  ShippedProfiles profiles;
  const auto policy = Shipped("base/strict");
  ASSERT_THAT(policy, IsOk());
  const auto cost = CostOfAddition(*policy, kTrace, profiles);
  ASSERT_THAT(cost, IsOk());
  EXPECT_EQ(cost->forbidden, "");
  EXPECT_THAT(cost->notes, Contains(HasSubstr("trace")));
  const auto with = WithAddition(*policy, kTrace);
  ASSERT_THAT(with, IsOk());
  const auto again = CostOfAddition(*with, kTrace, profiles);
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(again->notes, IsEmpty());
}

TEST(AdditionCostTest, ACeilingForbids) {
  RoofProfiles profiles("extends: \"base/strict\"");
  const auto free = Shipped("base/strict");
  ASSERT_THAT(free, IsOk());
  const auto policy = WithAddition(*free, "ceiling: \"roof\"");
  ASSERT_THAT(policy, IsOk());
  const auto cost = CostOfAddition(*policy, kTrace, profiles);
  ASSERT_THAT(cost, IsOk());
  EXPECT_THAT(cost->forbidden, HasSubstr("a ceiling of the policy forbids it"));
}

TEST(AdditionCostTest, WhatIsNoPolicyIsAnError) {
  ShippedProfiles profiles;
  const auto policy = Shipped("base/strict");
  ASSERT_THAT(policy, IsOk());
  EXPECT_FALSE(WithAddition(*policy, "seccomp {").ok());
  EXPECT_FALSE(CostOfAddition(*policy, "limits { memory: \"much\" }", profiles).ok());
}

}  // namespace
}  // namespace cordon
