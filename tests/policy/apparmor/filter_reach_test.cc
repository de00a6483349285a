// SPDX-License-Identifier: Apache-2.0
#include "policy/apparmor/filter_reach.h"

#include <google/protobuf/text_format.h>

#include <string>

#include "gmock/gmock.h"
#include "policy/bpf/rules.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

v1::SeccompPlan Plan(absl::string_view policy) {
  v1::Seccomp parsed;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(policy), &parsed));
  v1::SeccompPlan plan;
  plan.set_enabled(true);
  const auto rules = BuildRules(parsed, Architecture::kX86_64);
  EXPECT_THAT(rules, IsOk());
  if (rules.ok()) *plan.mutable_rules() = *rules;
  return plan;
}

TEST(FilterReachTest, WithoutAFilterEverythingIsWithinReach) {
  EXPECT_TRUE(FilterMayAllow(v1::SeccompPlan(), "ptrace"));
  EXPECT_TRUE(FilterMayAllow(v1::SeccompPlan(), "socket", 38));
}

TEST(FilterReachTest, WhatNoRuleNamesHasTheDefaultAction) {
  EXPECT_FALSE(FilterMayAllow(Plan("default_action: ERRNO"), "ptrace"));
  EXPECT_TRUE(FilterMayAllow(Plan("default_action: LOG"), "ptrace"));
}

TEST(FilterReachTest, AConditionOnTheFirstArgumentIsDecided) {
  const v1::SeccompPlan plan = Plan(
      "rule { calls: 'socket' when { arg: 0 equals: 'AF_UNIX' } action: ALLOW }"
      "rule { calls: 'socket' when { arg: 0 not_equals: 'AF_UNIX' } action: KILL }");
  EXPECT_TRUE(FilterMayAllow(plan, "socket", 1));
  EXPECT_FALSE(FilterMayAllow(plan, "socket", 2));
  EXPECT_TRUE(FilterMayAllow(plan, "socket"));
  EXPECT_FALSE(FilterMayAllow(plan, "socketpair", 1));
}

TEST(FilterReachTest, ConditionsOnOtherArgumentsMayHold) {
  const v1::SeccompPlan plan = Plan(
      "rule { calls: 'socket' when { arg: 0 equals: 'AF_INET' } when { arg: 1 equals: '1' }"
      "       action: ALLOW }"
      "rule { calls: 'ptrace' when { arg: 0 equals: '0' } action: ERRNO }");
  EXPECT_TRUE(FilterMayAllow(plan, "socket", 2));
  EXPECT_FALSE(FilterMayAllow(plan, "socket", 10));
  EXPECT_FALSE(FilterMayAllow(plan, "ptrace"));
}

TEST(FilterReachTest, ARefusalUnderConditionsLeavesTheRestToTheDefault) {
  const v1::SeccompPlan plan = Plan(
      "default_action: ALLOW "
      "rule { calls: 'ptrace' when { arg: 0 equals: '0' } action: ERRNO }"
      "rule { calls: 'kcmp' action: ERRNO }");
  EXPECT_TRUE(FilterMayAllow(plan, "ptrace"));
  EXPECT_FALSE(FilterMayAllow(plan, "ptrace", 0));
  EXPECT_TRUE(FilterMayAllow(plan, "ptrace", 1));
  EXPECT_FALSE(FilterMayAllow(plan, "kcmp"));
}

}  // namespace
}  // namespace cordon
