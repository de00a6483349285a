// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/meaning.h"

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "policy/uapi/uapi.h"

namespace cordon {
namespace {

constexpr Architecture kArch = Architecture::kX86_64;

v1::SeccompRules Rules(const std::string& text) {
  v1::SeccompRules rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &rules));
  return rules;
}

CallSample Call(uint32_t number, uint64_t first = 0, uint64_t second = 0) {
  CallSample call;
  call.number = number;
  call.architecture = AuditArchitecture(kArch);
  call.args[0] = first;
  call.args[1] = second;
  return call;
}

bool HoldsFor(v1::ArgCompare::Op op, uint64_t operand, uint64_t value, uint64_t mask = 0) {
  v1::ArgCompare compare;
  compare.set_op(op);
  compare.set_value(operand);
  compare.set_mask(mask);
  return Holds(compare, value);
}

TEST(MeaningTest, ComparisonsAreUnsignedAnd64Bit) {
  using Op = v1::ArgCompare;
  EXPECT_TRUE(HoldsFor(Op::EQ, 7, 7));
  EXPECT_FALSE(HoldsFor(Op::EQ, 7, 7 | uint64_t{1} << 32));
  EXPECT_TRUE(HoldsFor(Op::NE, 7, 8));
  EXPECT_FALSE(HoldsFor(Op::NE, 7, 7));
  EXPECT_TRUE(HoldsFor(Op::LT, UINT64_MAX, UINT64_MAX - 1));
  EXPECT_FALSE(HoldsFor(Op::LT, 7, 7));
  EXPECT_TRUE(HoldsFor(Op::LE, 7, 7));
  EXPECT_FALSE(HoldsFor(Op::LE, 7, 8));
  EXPECT_TRUE(HoldsFor(Op::GT, 7, uint64_t{1} << 63));
  EXPECT_FALSE(HoldsFor(Op::GT, 7, 7));
  EXPECT_TRUE(HoldsFor(Op::GE, 7, 7));
  EXPECT_FALSE(HoldsFor(Op::GE, 7, 6));
  EXPECT_TRUE(HoldsFor(Op::MASKED_EQ, 0x10, 0xf1f, 0xf0));
  EXPECT_FALSE(HoldsFor(Op::MASKED_EQ, 0x10, 0x20, 0xf0));
}

TEST(MeaningTest, ReturnValuesAreTheKernels) {
  v1::SeccompAction action;
  action.set_action(v1::Seccomp::ALLOW);
  EXPECT_EQ(ReturnValue(action), 0x7fff0000u);
  action.set_action(v1::Seccomp::LOG);
  EXPECT_EQ(ReturnValue(action), 0x7ffc0000u);
  action.set_action(v1::Seccomp::ERRNO);
  action.set_errno_value(38);
  EXPECT_EQ(ReturnValue(action), 0x00050026u);
  action.set_action(v1::Seccomp::NOTIFY);
  EXPECT_EQ(ReturnValue(action), 0x7fc00000u) << "the errno is for the supervisor";
  action.set_action(v1::Seccomp::KILL);
  EXPECT_EQ(ReturnValue(action), 0x80000000u);
  // An action that does not exist must not open anything.
  action.set_action(v1::Seccomp::ACTION_UNSPECIFIED);
  EXPECT_EQ(ReturnValue(action), 0x80000000u);
}

TEST(MeaningTest, TheFirstRuleWhoseConditionsHoldDecides) {
  const v1::SeccompRules rules = Rules(R"(
    default_action { action: ERRNO errno_value: 38 }
    rule { number: 5 when { arg: 0 op: EQ value: 1 } when { arg: 1 op: EQ value: 2 }
           action { action: KILL } }
    rule { number: 5 when { arg: 0 op: EQ value: 1 } action { action: LOG } }
    rule { number: 5 action { action: ALLOW } })");
  EXPECT_EQ(MeaningOf(rules, kArch, Call(5, 1, 2)), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(5, 1, 3)), SECCOMP_RET_LOG);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(5, 0, 2)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(4)), SECCOMP_RET_ERRNO | 38u);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(6)), SECCOMP_RET_ERRNO | 38u);
}

TEST(MeaningTest, ForeignCallsDieWhateverTheRulesSay) {
  const v1::SeccompRules rules =
      Rules("default_action { action: ALLOW } rule { number: 5 action { action: ALLOW } }");
  CallSample call = Call(5);
  EXPECT_EQ(MeaningOf(rules, kArch, call), SECCOMP_RET_ALLOW);
  call.architecture = AUDIT_ARCH_I386;
  EXPECT_EQ(MeaningOf(rules, kArch, call), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(5 | uapi::kX32Bit)), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(0x7fffffff)), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(0xfffffffe)), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(UINT32_MAX)), SECCOMP_RET_ALLOW);
}

TEST(MeaningTest, TheX32NumbersWithoutTheBitDieToo) {
  const v1::SeccompRules rules = Rules("default_action { action: ALLOW } unknown_from: 473");
  EXPECT_EQ(MeaningOf(rules, kArch, Call(511)), SECCOMP_RET_ERRNO | 38u);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(512)), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(547)), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(548)), SECCOMP_RET_ERRNO | 38u);
}

TEST(MeaningTest, CallsYoungerThanTheTableDoNotExist) {
  const v1::SeccompRules rules = Rules(R"(
    default_action { action: KILL } unknown_from: 473
    rule { number: 472 action { action: ALLOW } }
    rule { number: 474 action { action: ALLOW } })");
  EXPECT_EQ(MeaningOf(rules, kArch, Call(471)), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(472)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(473)), SECCOMP_RET_ERRNO | 38u);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(474)), SECCOMP_RET_ERRNO | 38u) << "before the rules";
  EXPECT_EQ(MeaningOf(rules, kArch, Call(UINT32_MAX)), SECCOMP_RET_ERRNO | 38u);
  EXPECT_EQ(MeaningOf(rules, kArch, Call(473 | uapi::kX32Bit)), SECCOMP_RET_KILL_PROCESS);
  CallSample foreign = Call(473);
  foreign.architecture = AUDIT_ARCH_I386;
  EXPECT_EQ(MeaningOf(rules, kArch, foreign), SECCOMP_RET_KILL_PROCESS);
}

TEST(MeaningTest, OnlyX86HasX32) {
  const v1::SeccompRules rules = Rules("default_action { action: ERRNO errno_value: 1 }");
  CallSample call = Call(5 | uapi::kX32Bit);
  call.architecture = AUDIT_ARCH_AARCH64;
  EXPECT_EQ(MeaningOf(rules, Architecture::kAarch64, call), SECCOMP_RET_ERRNO | 1u);
}

// The kill is the one action that changes, and the kernel keeps those of other ABIs.
TEST(MeaningTest, NamedKillsAreAskedAboutAndNothingElseChanges) {
  v1::SeccompRules rules;
  rules.mutable_default_action()->set_action(v1::Seccomp::KILL);
  rules.set_unknown_from(400);
  const v1::Seccomp::Action actions[] = {v1::Seccomp::ALLOW, v1::Seccomp::ERRNO, v1::Seccomp::KILL,
                                         v1::Seccomp::LOG, v1::Seccomp::NOTIFY};
  for (uint32_t number = 0; number < std::size(actions); ++number) {
    v1::SyscallRule& rule = *rules.add_rule();
    rule.set_number(number);
    rule.mutable_action()->set_action(actions[number]);
    rule.mutable_action()->set_errno_value(13);
  }
  const v1::SeccompRules named = WithNamedKills(rules);
  for (uint32_t number = 0; number < 600; ++number) {
    const uint32_t plain = MeaningOf(rules, kArch, Call(number));
    const bool foreign = number >= uapi::kX32OldFirst && number <= uapi::kX32OldLast;
    const bool asked = plain == SECCOMP_RET_KILL_PROCESS && !foreign;
    EXPECT_EQ(MeaningOf(named, kArch, Call(number)), asked ? SECCOMP_RET_USER_NOTIF : plain)
        << number;
  }
  CallSample foreign = Call(2);
  foreign.architecture = 0x40000003;  // AUDIT_ARCH_I386
  EXPECT_EQ(MeaningOf(named, kArch, foreign), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(MeaningOf(named, kArch, Call(2 | uapi::kX32Bit)), SECCOMP_RET_KILL_PROCESS);
  // Done twice it is the same, and the rules that are compared and explained keep their kill.
  EXPECT_EQ(WithNamedKills(named).SerializeAsString(), named.SerializeAsString());
  EXPECT_EQ(rules.default_action().action(), v1::Seccomp::KILL);
}

}  // namespace
}  // namespace cordon
