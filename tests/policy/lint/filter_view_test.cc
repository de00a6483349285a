// SPDX-License-Identifier: Apache-2.0
#include "policy/lint/filter_view.h"

#include "gmock/gmock.h"
#include "policy/bpf/rules.h"
#include "policy/uapi/uapi.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr Architecture kArch = Architecture::kX86_64;

v1::SeccompRules RulesOf(const std::string& seccomp) {
  const auto policy = ParseNormal("seccomp { " + seccomp + " }");
  EXPECT_THAT(policy, IsOk());
  const auto rules = BuildRules(policy->proto().seccomp(), kArch);
  EXPECT_THAT(rules, IsOk());
  return *rules;
}

TEST(FilterViewTest, AnswersForAllArgumentsWithACallThatPasses) {
  const v1::SeccompRules rules = RulesOf(R"(rule { calls: "clone"
      when { arg: 0 masked_equals { mask: "CLONE_NEWUSER|CLONE_VM" value: "CLONE_NEWUSER" } }
      when { arg: 1 equals: "0x1234567890" } action: ALLOW })");
  FilterView view(rules, kArch);
  const auto found = view.FirstPassing("clone", "0 & CLONE_NEWUSER = CLONE_NEWUSER");
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ(ShortCallText(**found, kArch), "clone(0x10000000, 0x1234567890)");
  EXPECT_TRUE(AnswerPasses(MeaningOf(rules, kArch, **found)));
  EXPECT_EQ(view.DecidedBy(**found), "seccomp.rule[0]");
  EXPECT_FALSE(view.FirstPassing("clone", "0 & CLONE_VM = CLONE_VM")->has_value());
  EXPECT_FALSE(view.FirstPassing("clone", "1 = 0")->has_value());
  EXPECT_FALSE(view.FirstPassing("fork", "")->has_value());
}

// What CVE-2019-10063 was: 64 bits compared of an argument that has 32.
TEST(FilterViewTest, BitsThatTheKernelDoesNotReadHideNothing) {
  v1::SeccompRules rules = RulesOf("rule { calls: \"ioctl\" action: ALLOW }");
  v1::SyscallRule denied;
  for (v1::SyscallRule& rule : *rules.mutable_rule()) {
    if (rule.call() == "ioctl") denied = rule;
  }
  v1::ArgCompare* compare = denied.add_when();
  compare->set_arg(1);
  compare->set_op(v1::ArgCompare::EQ);
  compare->set_value(0x5412);
  denied.mutable_action()->set_action(v1::Seccomp::KILL);
  denied.set_field("seccomp.rule[9]");
  // In front of the rule that allows.
  v1::SeccompRules both;
  *both.mutable_default_action() = rules.default_action();
  for (const v1::SyscallRule& rule : rules.rule()) {
    if (rule.call() == "ioctl") *both.add_rule() = denied;
    *both.add_rule() = rule;
  }
  FilterView view(both, kArch);
  const auto found = view.FirstPassing("ioctl", "1 = TIOCSTI");
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ(static_cast<uint32_t>((*found)->args[1]), 0x5412u);
  EXPECT_NE((*found)->args[1], 0x5412u);
}

TEST(FilterViewTest, TheDefaultActionIsAFieldToo) {
  const v1::SeccompRules rules =
      RulesOf("default_action: LOG rule { calls: \"bpf\" action: KILL }");
  FilterView view(rules, kArch);
  EXPECT_FALSE(view.FirstPassing("bpf", "")->has_value());
  const auto found = view.FirstPassing("keyctl", "0 = 7");
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ(view.DecidedBy(**found), "seccomp.default_action");
}

TEST(FilterViewTest, QuestionsThatCannotBeAskedAreErrors) {
  const v1::SeccompRules rules = RulesOf("allow: \"stdio\"");
  FilterView view(rules, kArch);
  EXPECT_FALSE(view.FirstPassing("ioctl", "1 = TIOCSTY").ok());
  EXPECT_FALSE(view.FirstPassing("ioctk", "").ok());
  EXPECT_FALSE(view.FirstPassing("ioctl", "nonsense").ok());
}

TEST(FilterViewTest, SameMeaningIsNotSameText) {
  const v1::SeccompRules rules = RulesOf(R"(rule { calls: "sched_setscheduler"
      when { arg: 1 any_of { value: "0" value: "1" } } action: ALLOW })");
  FilterView view(rules, kArch);
  EXPECT_TRUE(*view.SameMeaning(RulesOf(R"(rule { calls: "sched_setscheduler"
      when { arg: 1 masked_equals { mask: "0xfffffffe" value: "0" } } action: ALLOW })")));
  EXPECT_FALSE(*view.SameMeaning(RulesOf(R"(rule { calls: "sched_setscheduler"
      when { arg: 1 any_of { value: "0" value: "2" } } action: ALLOW })")));
}

TEST(FilterViewTest, CallsThatTheArchitectureLacksHaveNoAnswer) {
  const v1::SeccompRules rules = RulesOf("allow: \"stdio\"");
  const FilterView x86(rules, kArch);
  EXPECT_EQ(*x86.AnswerToZeros("clone3").value(), SECCOMP_RET_ERRNO | 38u);
  EXPECT_EQ(*x86.AnswerToZeros("read").value(), SECCOMP_RET_ALLOW);
  const FilterView arm(rules, Architecture::kAarch64);
  EXPECT_FALSE(arm.AnswerToZeros("fork").value().has_value());
}

}  // namespace
}  // namespace cordon
