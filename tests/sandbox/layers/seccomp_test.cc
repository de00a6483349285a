// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(SeccompLayerTest, TheFilterOfThePlanIsLoadedWhole) {
  VerifyCase good;
  good.plan.mutable_seccomp()->set_notify(false);
  good.plan.mutable_seccomp()->set_named_kill(false);
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

TEST(SeccompLayerTest, OnlyAFilterThatAsksHasAListener) {
  VerifyCase each;
  for (const int asks : {0, 1, 2, 3}) {
    const bool notify = asks != 0;
    each.plan.mutable_seccomp()->set_notify((asks & 1) != 0);
    each.plan.mutable_seccomp()->set_named_kill((asks & 2) != 0);
    const auto program = Lowered(LowerSeccomp, Phase::kFilter, each);
    ASSERT_THAT(program, IsOk());
    ASSERT_EQ(program->ops.size(), notify ? 2u : 1u);
    EXPECT_EQ(program->ops.back().code,
              notify ? child::Opcode::kAwaitListener : child::Opcode::kSeccompLoad);
    EXPECT_EQ(ListensToFilter(each.plan), notify);
  }
  each.plan.mutable_seccomp()->set_enabled(false);
  EXPECT_FALSE(ListensToFilter(each.plan));
}

TEST(SeccompLayerTest, TheTwinMustHaveOneFilterMoreThanInit) {
  VerifyCase each;
  EXPECT_THAT(each.Verify(VerifySeccomp), IsOk());
  each.back.status["Seccomp_filters"] = "1";  // the supervisor itself is filtered
  EXPECT_THAT(each.Verify(VerifySeccomp),
              StatusIs(absl::StatusCode::kFailedPrecondition, "expected one more than 1, found 1"));
  each.twin.dead["Seccomp_filters"] = "2";
  EXPECT_THAT(each.Verify(VerifySeccomp), IsOk());
  each.twin.dead["Seccomp"] = "0";
  EXPECT_THAT(each.Verify(VerifySeccomp),
              StatusIs(absl::StatusCode::kFailedPrecondition, "expected 2, found 0"));
  each.twin.dead.erase("Seccomp");
  EXPECT_THAT(each.Verify(VerifySeccomp),
              StatusIs(absl::StatusCode::kFailedPrecondition, "expected 2, found nothing"));
}

// Each answer is compared: the twin's end, what it was refused, what it was allowed.
TEST(SeccompLayerTest, EveryAnswerOfTheTwinCounts) {
  const VerifyCase good;
  size_t probes = 0;
  for (const auto& [name, answers] : good.twin.answers) {
    if (name.compare(0, 8, "seccomp.") != 0) continue;
    VerifyCase spoilt;
    spoilt.twin.answers[name][child::kProbeFiltered] = -ENOTTY;
    EXPECT_THAT(spoilt.Verify(VerifySeccomp), HasErrorWith(name)) << name;
    spoilt.twin.answers[name].erase(child::kProbeFiltered);
    EXPECT_THAT(spoilt.Verify(VerifySeccomp), HasErrorWith("no answer")) << name;
    ++probes;
  }
  EXPECT_GE(probes, 3u);
  VerifyCase killed;
  killed.twin.end_code = 2;
  killed.twin.end_status = 31;
  EXPECT_THAT(killed.Verify(VerifySeccomp), HasErrorWith("expected exit 0, found signal 31"));
}

// A refusal that the kernel would have given anyway shows nothing, and the report says so.
TEST(SeccompLayerTest, ProbesThatCannotTellAreNotCalledProbes) {
  VerifyCase each;
  EXPECT_TRUE(SeccompProbed(each.Input()));
  for (auto& [name, answers] : each.twin.answers) {
    if (name.compare(0, 8, "seccomp.") != 0) continue;
    answers[child::kProbeReleased] = answers[child::kProbeFiltered];
  }
  EXPECT_THAT(each.Verify(VerifySeccomp), IsOk());
  EXPECT_FALSE(SeccompProbed(each.Input()));
}

// Nobody listens to the twin, so a call that is asked about says less than one that is refused.
TEST(SeccompLayerTest, ACallThatIsAskedAboutIsNoProbe) {
  for (const bool notify : {false, true}) {
    VerifyCase each;
    const absl::StatusOr<NormalPolicy> policy = NormalizeText(
        absl::StrCat("seccomp { allow: [\"stdio\", \"memory\", \"self\", \"exec\"] rule { calls: "
                     "\"setns\" action: ",
                     notify ? "NOTIFY" : "ERRNO errno_name: \"ENOSYS\"", " } }"));
    ASSERT_THAT(policy, IsOk());
    const absl::StatusOr<CompiledPlan> plan = CompiledPlan::Make(*policy, FullHost());
    ASSERT_THAT(plan, IsOk());
    *each.plan.mutable_seccomp() = plan->proto().seccomp();
    each.twin = TwinBackOf(each.plan, each.sources, each.back);
    EXPECT_EQ(each.twin.answers.count("seccomp.setns"), notify ? 0u : 1u);
    EXPECT_THAT(each.Verify(VerifySeccomp), IsOk());
    EXPECT_TRUE(SeccompProbed(each.Input()));
  }
}

// It sleeps in write(2) only where that passes for every number that the descriptor may have.
TEST(SeccompLayerTest, ThePayloadSleepsOnlyWhereItMayWrite) {
  const auto flags = [](const std::string& rule) -> uint16_t {
    VerifyCase each;
    const absl::StatusOr<NormalPolicy> policy = NormalizeText(absl::StrCat(
        "seccomp { allow: [\"stdio\", \"self\", \"exec\"] kill: \"dangerous\" ", rule, "}"));
    EXPECT_THAT(policy, IsOk());
    const absl::StatusOr<CompiledPlan> plan = CompiledPlan::Make(*policy, FullHost());
    EXPECT_THAT(plan, IsOk());
    *each.plan.mutable_seccomp() = plan->proto().seccomp();
    const auto program = Lowered(LowerSeccomp, Phase::kFilter, each);
    EXPECT_THAT(program, IsOk());
    EXPECT_EQ(program->ops.back().code, child::Opcode::kAwaitListener);
    return program->ops.back().flags;
  };
  EXPECT_EQ(flags(""), child::kFlagMayWrite);
  EXPECT_EQ(flags("rule { calls: \"write\" when { arg: 0 not_equals: \"31\" } action: ALLOW }"), 0);
  EXPECT_EQ(flags("rule { calls: \"write\" when { arg: 0 not_equals: \"9\" } action: ALLOW }"), 0);
  EXPECT_EQ(flags("rule { calls: \"write\" when { arg: 0 not_equals: \"99\" } action: ALLOW }"),
            child::kFlagMayWrite);
}

// Nobody listens to the twin: what is asked about fails with ENOSYS there, which is a refusal.
TEST(SeccompLayerTest, APolicyWhoseKillsAreNamedIsProbedByThem) {
  VerifyCase each;
  const absl::StatusOr<NormalPolicy> policy = NormalizeText(
      "seccomp { allow: [\"stdio\", \"memory\", \"self\", \"exec\"] default_action: KILL }");
  ASSERT_THAT(policy, IsOk());
  const absl::StatusOr<CompiledPlan> plan = CompiledPlan::Make(*policy, FullHost());
  ASSERT_THAT(plan, IsOk());
  *each.plan.mutable_seccomp() = plan->proto().seccomp();
  each.twin = TwinBackOf(each.plan, each.sources, each.back);
  EXPECT_EQ(each.twin.answers["seccomp.setns"][child::kProbeFiltered], -ENOSYS);
  EXPECT_THAT(each.Verify(VerifySeccomp), IsOk());
  EXPECT_TRUE(SeccompProbed(each.Input()));
  each.twin.answers["seccomp.setns"][child::kProbeFiltered] = -EBADF;
  EXPECT_THAT(each.Verify(VerifySeccomp), HasErrorWith("seccomp.setns"));
}

TEST(SeccompLayerTest, TheReportSaysWhetherViolationsAreNamed) {
  VerifyCase each;
  each.plan.mutable_seccomp()->set_named_kill(true);
  EXPECT_EQ(SeccompDetail(each.Input()), "violations are named");
  each.plan.mutable_seccomp()->set_named_kill(false);
  EXPECT_EQ(SeccompDetail(each.Input()), "");
  each.plan.mutable_seccomp()->set_kill_evidence_why("no user_notif");
  EXPECT_EQ(SeccompDetail(each.Input()), "violations are not named: no user_notif");
}

// Where nothing is refused by an error, the one probe that is denied is the death of the twin.
TEST(SeccompLayerTest, APolicyThatOnlyKillsIsProbedByADeath) {
  VerifyCase each;
  const absl::StatusOr<NormalPolicy> policy = NormalizeText(
      "seccomp { allow: [\"stdio\", \"memory\", \"self\", \"exec\"] default_action: KILL "
      "kill_evidence: KERNEL }");
  ASSERT_THAT(policy, IsOk());
  const absl::StatusOr<CompiledPlan> plan = CompiledPlan::Make(*policy, FullHost());
  ASSERT_THAT(plan, IsOk());
  *each.plan.mutable_seccomp() = plan->proto().seccomp();
  each.twin = TwinBackOf(each.plan, each.sources, each.back);
  EXPECT_THAT(each.Verify(VerifySeccomp), HasErrorWith("expected signal 31, found exit 0"));
  each.twin.end_code = 2;
  each.twin.end_status = 31;
  EXPECT_THAT(each.Verify(VerifySeccomp), IsOk());
  each.twin.dead["Seccomp"] = "3";
  EXPECT_THAT(each.Verify(VerifySeccomp), IsOk());
  EXPECT_TRUE(SeccompProbed(each.Input()));
}

}  // namespace
}  // namespace cordon
