// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/seccomp.h"

#include "gmock/gmock.h"
#include "policy/bpf/evaluate.h"
#include "policy/bpf/program.h"
#include "policy/bpf/syscall_table.h"
#include "policy/uapi/uapi.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

absl::StatusOr<v1::SeccompPlan> Compile(absl::string_view text,
                                        const v1::HostFacts& facts = FullHost()) {
  v1::Plan plan;
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, ParseNormal(text));
  CORDON_RETURN_IF_ERROR(CompileSeccomp(policy, facts, &plan));
  return plan.seccomp();
}

TEST(SeccompTest, ThePlanHoldsTheRulesAndAFilterThatMeansThem) {
  const auto plan = Compile("seccomp { allow: [\"stdio\", \"exec\"] }");
  ASSERT_THAT(plan, IsOk());
  EXPECT_TRUE(plan->enabled());
  EXPECT_EQ(plan->enforcement(), v1::REQUIRED);
  EXPECT_GT(plan->allowed_calls(), 30u);
  EXPECT_LT(plan->allowed_calls(), 60u);
  const auto program = BpfProgram::Make(plan->filter());
  ASSERT_THAT(program, IsOk());
  CallSample call;
  call.architecture = AuditArchitecture(Architecture::kX86_64);
  call.number = **FindSyscall("read", Architecture::kX86_64);
  EXPECT_EQ(Evaluate(*program, call), SECCOMP_RET_ALLOW);
  call.number = **FindSyscall("socket", Architecture::kX86_64);
  EXPECT_EQ(Evaluate(*program, call), SECCOMP_RET_ERRNO | 38u);
}

TEST(SeccompTest, CallsYoungerThanTheTableFailUnderADefaultThatKills) {
  const auto plan = Compile("seccomp { default_action: KILL allow: [\"stdio\", \"exec\"] }");
  ASSERT_THAT(plan, IsOk());
  const auto program = BpfProgram::Make(plan->filter());
  ASSERT_THAT(program, IsOk());
  CallSample call;
  call.architecture = AuditArchitecture(Architecture::kX86_64);
  call.number = FirstUnknownNumber(Architecture::kX86_64);
  EXPECT_EQ(Evaluate(*program, call), SECCOMP_RET_ERRNO | 38u);
  --call.number;
  EXPECT_EQ(Evaluate(*program, call), SECCOMP_RET_KILL_PROCESS);
}

TEST(SeccompTest, TheSamePolicyGivesTheSameBytes) {
  const char* text = "seccomp { allow: [\"stdio\", \"exec\", \"rpath\"] kill: \"dangerous\" }";
  EXPECT_EQ(Compile(text)->SerializeAsString(), Compile(text)->SerializeAsString());
}

TEST(SeccompTest, APolicyUnderWhichNothingCanStartIsRefused) {
  EXPECT_THAT(Compile("seccomp { allow: \"stdio\" }"),
              HasErrorWith("seccomp.allow (test.textproto:1:1): the filter does not allow execve"));
  EXPECT_THAT(Compile("seccomp { allow: \"exec\" }"), HasErrorWith("does not allow write"));
  EXPECT_THAT(Compile("seccomp { enforcement: REQUIRED }"), HasErrorWith("does not allow execve"));
  EXPECT_THAT(Compile("seccomp { default_action: ALLOW }"), IsOk());
}

TEST(SeccompTest, ErrorsCarryThePlaceInThePolicy) {
  const auto plan = Compile(
      "seccomp {\n  allow: [\"stdio\", \"exec\"]\n"
      "  rule { calls: [\"read\", \"opne\"] action: ALLOW }\n}");
  EXPECT_THAT(plan, StatusIs(absl::StatusCode::kInvalidArgument, ""));
  EXPECT_THAT(plan, HasErrorWith("(test.textproto:3:26): \"opne\""));
  EXPECT_THAT(plan, HasErrorWith("did you mean \"open\"?"));
}

TEST(SeccompTest, OffCompilesNothing) {
  const auto plan = Compile("seccomp { enforcement: OFF }");
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(plan->enabled());
  EXPECT_TRUE(plan->filter().empty());
}

TEST(SeccompTest, AKernelWithoutAnActionIsRefusedOrReported) {
  v1::HostFacts facts = FullHost();
  facts.clear_seccomp_actions();
  facts.add_seccomp_actions("errno");
  facts.add_seccomp_actions("allow");
  const std::string text = "seccomp { allow: [\"stdio\", \"exec\"] ";
  EXPECT_THAT(Compile(text + "}", facts),
              StatusIs(absl::StatusCode::kFailedPrecondition, "kill_process"));
  const auto plan = Compile(text + "enforcement: IF_AVAILABLE }", facts);
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(plan->enabled());
  // A policy that is wrong stays wrong on such a host.
  EXPECT_THAT(Compile("seccomp { allow: \"stdoi\" enforcement: IF_AVAILABLE }", facts),
              StatusIs(absl::StatusCode::kInvalidArgument, "stdoi"));
}

TEST(SeccompTest, NotifyIsProvenAndToldToTheSupervisor) {
  const std::string text = "seccomp { allow: [\"stdio\", \"exec\"] ";
  EXPECT_FALSE(Compile(text + "}")->notify());
  const auto plan =
      Compile(text + "rule { calls: \"socket\" when { arg: 0 equals: \"2\" } action: NOTIFY } }");
  ASSERT_THAT(plan, IsOk());
  EXPECT_TRUE(plan->enabled());
  EXPECT_TRUE(plan->notify());
  EXPECT_EQ(plan->allowed_calls(), Compile(text + "}")->allowed_calls());
  const auto program = BpfProgram::Make(plan->filter());
  ASSERT_THAT(program, IsOk());
  CallSample call;
  call.architecture = AuditArchitecture(Architecture::kX86_64);
  call.number = 41;
  call.args[0] = 2;
  EXPECT_EQ(Evaluate(*program, call), SECCOMP_RET_USER_NOTIF);
  call.args[0] = 1;
  EXPECT_EQ(Evaluate(*program, call), SECCOMP_RET_ERRNO | 38u);
}

// The rest of the filter must not be lost to a rule that only lists, so IF_AVAILABLE is no way out.
TEST(SeccompTest, NotifyOnAKernelWithoutItIsAnErrorInAnyCase) {
  v1::HostFacts facts = FullHost();
  facts.clear_seccomp_actions();
  for (const char* name : {"kill_process", "errno", "allow"}) facts.add_seccomp_actions(name);
  const std::string rule = "rule { calls: \"socket\" action: NOTIFY } }";
  for (const char* enforcement : {"REQUIRED", "IF_AVAILABLE"}) {
    const auto plan =
        Compile(absl::StrCat("seccomp { allow: [\"stdio\", \"exec\"] enforcement: ", enforcement,
                             " ", rule),
                facts);
    EXPECT_THAT(plan, StatusIs(absl::StatusCode::kFailedPrecondition, "user_notif"));
    EXPECT_THAT(plan, HasErrorWith("write ERRNO in place of NOTIFY"));
  }
}

TEST(SeccompTest, AnUnknownArchitectureIsRefused) {
  v1::HostFacts facts = FullHost();
  facts.set_architecture("mips");
  EXPECT_THAT(Compile("seccomp { allow: [\"stdio\", \"exec\"] }", facts),
              StatusIs(absl::StatusCode::kFailedPrecondition, "mips"));
}

}  // namespace
}  // namespace cordon
