// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/assemble.h"

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "policy/bpf/evaluate.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

v1::SeccompRules Rules(const std::string& text) {
  v1::SeccompRules rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &rules));
  return rules;
}

constexpr char kDefault[] = "default_action { action: ERRNO errno_value: 38 } ";

uint32_t Answer(const std::string& filter, uint32_t number, uint32_t architecture,
                uint64_t first = 0) {
  const auto program = BpfProgram::Make(filter);
  EXPECT_THAT(program, IsOk());
  CallSample call;
  call.number = number;
  call.architecture = architecture;
  call.args[0] = first;
  return program.ok() ? Evaluate(*program, call) : 0;
}

class AssembleTest : public testing::Test {
 protected:
  const Architecture native_ = NativeArchitecture();
  const uint32_t audit_ = AuditArchitecture(native_);
};

TEST_F(AssembleTest, EveryActionGetsItsReturnValue) {
  const auto filter = Assemble(Rules(std::string(kDefault) + R"(
        rule { call: "a" number: 1 action { action: ALLOW } }
        rule { call: "b" number: 2 action { action: LOG } }
        rule { call: "c" number: 3 action { action: KILL } }
        rule { call: "d" number: 4 action { action: ERRNO errno_value: 13 } }
        rule { call: "e" number: 6 action { action: NOTIFY errno_value: 1 } })"),
                               native_);
  ASSERT_THAT(filter, IsOk());
  EXPECT_EQ(Answer(*filter, 1, audit_), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Answer(*filter, 2, audit_), SECCOMP_RET_LOG);
  EXPECT_EQ(Answer(*filter, 3, audit_), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(Answer(*filter, 4, audit_), SECCOMP_RET_ERRNO | 13u);
  EXPECT_EQ(Answer(*filter, 5, audit_), SECCOMP_RET_ERRNO | 38u);
  EXPECT_EQ(Answer(*filter, 6, audit_), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(Answer(*filter, 1, AUDIT_ARCH_I386), SECCOMP_RET_KILL_PROCESS);
}

TEST_F(AssembleTest, IsDeterministic) {
  const v1::SeccompRules rules = Rules(std::string(kDefault) + R"(
        rule { call: "a" number: 16 when { arg: 1 op: MASKED_EQ mask: 0xffffffff value: 7 }
               action { action: ALLOW } }
        rule { call: "b" number: 2 action { action: ALLOW } })");
  const auto first = Assemble(rules, native_);
  ASSERT_THAT(first, IsOk());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(*Assemble(rules, native_), *first);
}

TEST_F(AssembleTest, ARuleThatSaysWhatHappensAnywayIsNoError) {
  const auto filter =
      Assemble(Rules(std::string(kDefault) +
                     "rule { call: \"a\" number: 1 action { action: ERRNO errno_value: 38 } }"),
               native_);
  ASSERT_THAT(filter, IsOk());
  EXPECT_EQ(Answer(*filter, 1, audit_), SECCOMP_RET_ERRNO | 38u);
}

TEST_F(AssembleTest, TakesCallsThatTheLibraryDoesNotKnow) {
  const auto filter = Assemble(
      Rules(std::string(kDefault) + "rule { call: \"new\" number: 467 action { action: KILL } }"),
      native_);
  ASSERT_THAT(filter, IsOk());
  EXPECT_EQ(Answer(*filter, 467, audit_), SECCOMP_RET_KILL_PROCESS);
}

TEST_F(AssembleTest, RefusesAFilterThatTheKernelWouldNotLoad) {
  v1::SeccompRules rules = Rules(kDefault);
  for (uint32_t i = 0; i < 125; ++i) {
    v1::SyscallRule& rule = *rules.add_rule();
    rule.set_call("many");
    rule.set_number(i);
    for (uint32_t arg = 0; arg < 6; ++arg) {
      v1::ArgCompare& compare = *rule.add_when();
      compare.set_arg(arg);
      compare.set_op(v1::ArgCompare::MASKED_EQ);
      compare.set_mask(0x0fffffff0fffffff);
      compare.set_value(6 * i + arg);  // all different: libseccomp shares what is equal
    }
    rule.mutable_action()->set_action(v1::Seccomp::ALLOW);
  }
  EXPECT_THAT(Assemble(rules, native_),
              StatusIs(absl::StatusCode::kInvalidArgument, "at most 4096"));
}

TEST_F(AssembleTest, RefusesAnotherArchitecture) {
  const Architecture other =
      native_ == Architecture::kX86_64 ? Architecture::kAarch64 : Architecture::kX86_64;
  EXPECT_THAT(Assemble(Rules(kDefault), other),
              StatusIs(absl::StatusCode::kFailedPrecondition, "made by a Cordon that runs on it"));
}

}  // namespace
}  // namespace cordon
