// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/seccomp.h"

#include <cstdint>
#include <string>
#include <utility>

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
  EXPECT_EQ(Evaluate(*program, call), SECCOMP_RET_USER_NOTIF);
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

constexpr char kKills[] = "seccomp { allow: [\"stdio\", \"exec\"] kill: \"dangerous\" ";

uint32_t AnswerToPtrace(const v1::SeccompPlan& plan, uint32_t architecture = 0xc000003e) {
  const auto program = BpfProgram::Make(plan.filter());
  EXPECT_THAT(program, IsOk());
  CallSample call;
  call.architecture = architecture;
  call.number = 101;
  return Evaluate(*program, call);
}

TEST(SeccompTest, AKillIsNamedWhereTheHostCan) {
  for (const char* evidence : {"", "kill_evidence: NAMED ", "kill_evidence: NAMED_IF_AVAILABLE "}) {
    const auto plan = Compile(absl::StrCat(kKills, evidence, "}"));
    ASSERT_THAT(plan, IsOk());
    EXPECT_TRUE(plan->named_kill()) << evidence;
    EXPECT_FALSE(plan->notify()) << "no rule says NOTIFY";
    EXPECT_EQ(plan->kill_evidence_why(), "");
    EXPECT_EQ(AnswerToPtrace(*plan), SECCOMP_RET_USER_NOTIF);
    EXPECT_EQ(AnswerToPtrace(*plan, 0x40000003), SECCOMP_RET_KILL_PROCESS) << "i386";
    // To `diff`, ceilings and lints it is the same policy.
    EXPECT_EQ(
        plan->rules().SerializeAsString(),
        Compile(absl::StrCat(kKills, "kill_evidence: KERNEL }"))->rules().SerializeAsString());
  }
  EXPECT_FALSE(Compile("seccomp { allow: [\"stdio\", \"exec\"] }")->named_kill())
      << "nothing kills";
  EXPECT_FALSE(Compile("seccomp { enforcement: OFF kill: \"dangerous\" }")->named_kill());
}

TEST(SeccompTest, AKillOfTheKernelIsOne) {
  const auto plan = Compile(absl::StrCat(kKills, "kill_evidence: KERNEL }"));
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(plan->named_kill());
  EXPECT_EQ(AnswerToPtrace(*plan), SECCOMP_RET_KILL_PROCESS);
}

// The two filters differ where the rules kill, and there alone: over all numbers of the table.
TEST(SeccompTest, TheNamedFilterDiffersInTheKillsOnly) {
  const std::string text =
      "seccomp { allow: [\"stdio\", \"exec\", \"proc\", \"inet\"] kill: \"dangerous\" "
      "rule { calls: \"ioctl\" when { arg: 1 equals: \"TIOCSTI\" } action: KILL } "
      "default_action: KILL ";
  const auto named = Compile(text + "}");
  const auto kernel = Compile(text + "kill_evidence: KERNEL }");
  ASSERT_THAT(named, IsOk());
  ASSERT_THAT(kernel, IsOk());
  const auto asks = BpfProgram::Make(named->filter());
  const auto kills = BpfProgram::Make(kernel->filter());
  int differ = 0;
  for (uint32_t number = 0; number < 600; ++number) {
    for (const uint64_t arg :
         {uint64_t{0}, uint64_t{2}, uint64_t{0x5412}, uint64_t{0x10000000}, UINT64_MAX}) {
      CallSample call;
      call.architecture = AuditArchitecture(Architecture::kX86_64);
      call.number = number;
      call.args.fill(arg);
      const uint32_t wanted = Evaluate(*kills, call);
      const bool foreign = number >= uapi::kX32OldFirst && number <= uapi::kX32OldLast;
      const bool kill = wanted == SECCOMP_RET_KILL_PROCESS && !foreign;
      EXPECT_EQ(Evaluate(*asks, call), kill ? SECCOMP_RET_USER_NOTIF : wanted) << number;
      differ += kill ? 1 : 0;
    }
  }
  EXPECT_GT(differ, 100);
}

// Never silently: the plan says why, and who asked for names gets an error.
TEST(SeccompTest, WithoutAListenerAKillIsTheKernelsAndThePlanSaysWhy) {
  v1::HostFacts old = FullHost();
  old.clear_seccomp_actions();
  for (const char* name : {"kill_process", "errno", "allow"}) old.add_seccomp_actions(name);
  v1::HostFacts nested = FullHost();
  nested.set_no_seccomp_listener("there is one around us");
  for (const auto& [facts, why] :
       {std::make_pair(old, "user_notif"), std::make_pair(nested, "there is one around us")}) {
    const auto plan = Compile(absl::StrCat(kKills, "}"), facts);
    ASSERT_THAT(plan, IsOk());
    EXPECT_TRUE(plan->enabled());
    EXPECT_FALSE(plan->named_kill());
    EXPECT_THAT(plan->kill_evidence_why(), testing::HasSubstr(why));
    EXPECT_EQ(AnswerToPtrace(*plan), SECCOMP_RET_KILL_PROCESS);
    const auto wanted = Compile(absl::StrCat(kKills, "kill_evidence: NAMED }"), facts);
    EXPECT_THAT(wanted, StatusIs(absl::StatusCode::kFailedPrecondition, why));
    EXPECT_THAT(wanted, HasErrorWith("seccomp.kill_evidence (test.textproto:1:"));
    const auto chosen = Compile(absl::StrCat(kKills, "kill_evidence: KERNEL }"), facts);
    ASSERT_THAT(chosen, IsOk());
    EXPECT_EQ(chosen->kill_evidence_why(), "");
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
