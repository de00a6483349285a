// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/relation.h"

#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "policy/bpf/meaning.h"

namespace cordon {
namespace {

v1::ArgCompare Masked(uint64_t mask, uint64_t value) {
  v1::ArgCompare compare;
  compare.set_op(v1::ArgCompare::MASKED_EQ);
  compare.set_mask(mask);
  compare.set_value(value);
  return compare;
}

v1::ArgCompare Exactly(uint64_t value) {
  v1::ArgCompare compare;
  compare.set_op(v1::ArgCompare::EQ);
  compare.set_value(value);
  return compare;
}

// Every mask and value of three bits, and every value of three bits exactly.
std::vector<v1::ArgCompare> SmallComparisons() {
  std::vector<v1::ArgCompare> all;
  for (uint64_t mask = 0; mask < 8; ++mask) {
    for (uint64_t value = 0; value < 8; ++value) {
      // The upper bits are fixed, so that three bits are the whole world.
      if ((value & ~mask) == 0) all.push_back(Masked(mask | ~uint64_t{7}, value));
    }
  }
  for (uint64_t value = 0; value < 8; ++value) all.push_back(Exactly(value));
  return all;
}

TEST(RelationTest, AgreesWithTryingEveryValue) {
  for (const v1::ArgCompare& a : SmallComparisons()) {
    for (const v1::ArgCompare& b : SmallComparisons()) {
      bool meet = false;
      bool implies = true;
      for (uint64_t value = 0; value < 8; ++value) {
        meet = meet || (Holds(a, value) && Holds(b, value));
        implies = implies && (!Holds(a, value) || Holds(b, value));
      }
      EXPECT_EQ(ProvablyDisjoint(a, b), !meet) << a.DebugString() << b.DebugString();
      EXPECT_EQ(Implies(a, b), implies) << a.DebugString() << b.DebugString();
    }
  }
}

TEST(RelationTest, ClaimsNothingAboutOtherComparisons) {
  v1::ArgCompare below = Exactly(1);
  below.set_op(v1::ArgCompare::LT);
  EXPECT_FALSE(ProvablyDisjoint(below, Exactly(5)));
  EXPECT_FALSE(ProvablyDisjoint(Exactly(5), below));
  EXPECT_FALSE(Implies(Exactly(0), below));
  EXPECT_FALSE(Implies(below, Exactly(0)));
}

v1::SyscallRule Rule(const std::vector<std::pair<uint32_t, uint64_t>>& equals) {
  v1::SyscallRule rule;
  for (const auto& [arg, value] : equals) {
    *rule.add_when() = Exactly(value);
    rule.mutable_when(rule.when_size() - 1)->set_arg(arg);
  }
  return rule;
}

TEST(RelationTest, RulesAreDisjointWhenOneArgumentTellsThemApart) {
  EXPECT_TRUE(ProvablyDisjoint(Rule({{0, 1}, {1, 5}}), Rule({{0, 1}, {1, 6}})));
  EXPECT_FALSE(ProvablyDisjoint(Rule({{0, 1}}), Rule({{1, 2}})));
  EXPECT_FALSE(ProvablyDisjoint(Rule({}), Rule({{1, 2}})));
  EXPECT_FALSE(ProvablyDisjoint(Rule({}), Rule({})));
}

TEST(RelationTest, ANarrowerRuleImpliesAWiderOne) {
  EXPECT_TRUE(Implies(Rule({{0, 1}, {1, 5}}), Rule({{0, 1}})));
  EXPECT_TRUE(Implies(Rule({{0, 1}}), Rule({})));
  EXPECT_FALSE(Implies(Rule({{0, 1}}), Rule({{0, 1}, {1, 5}})));
  EXPECT_FALSE(Implies(Rule({}), Rule({{0, 1}})));
  EXPECT_FALSE(Implies(Rule({{0, 1}}), Rule({{1, 1}})));
}

}  // namespace
}  // namespace cordon
