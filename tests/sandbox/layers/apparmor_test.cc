// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/apparmor.h"

#include <string>

#include "gmock/gmock.h"
#include "tests/support/host_watch.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

v1::AppArmorPlan Plan(const std::string& policy_namespace, bool stacked) {
  v1::AppArmorPlan plan;
  plan.set_enabled(true);
  plan.set_source(v1::AppArmorPlan::COMPILED);
  plan.set_name("cordon-x-0123");
  plan.set_policy_namespace(policy_namespace);
  plan.set_stacked(stacked);
  return plan;
}

TEST(AppArmorLayerTest, AProfileIsNamedAsTheKernelWantsIt) {
  EXPECT_EQ(AppArmorTarget(Plan("", false)), "cordon-x-0123");
  EXPECT_EQ(AppArmorShown(Plan("", false)), "cordon-x-0123");
  EXPECT_EQ(AppArmorTarget(Plan("cordon-7", false)), ":cordon-7://cordon-x-0123");
  EXPECT_EQ(AppArmorShown(Plan("cordon-7", false)), ":cordon-7:cordon-x-0123");
  EXPECT_EQ(AppArmorTarget(Plan("cordon-7", true)), "cordon-job//&:cordon-7://cordon-x-0123");
  EXPECT_EQ(AppArmorShown(Plan("cordon-7", true)), "cordon-job//&:cordon-7:cordon-x-0123");
}

TEST(AppArmorLayerTest, ThePayloadEntersTheProfileOfThePlan) {
  VerifyCase good;
  *good.plan.mutable_apparmor() = Plan("cordon-7", false);
  const auto program = Lowered(LowerAppArmor, Phase::kPayload, good);
  ASSERT_THAT(program, IsOk());
  ASSERT_EQ(program->ops.size(), 1u);
  const child::Op& op = program->ops[0];
  EXPECT_EQ(op.code, child::Opcode::kAppArmorOnExec);
  EXPECT_STREQ(program->arena.data() + op.data, "exec :cordon-7://cordon-x-0123");
  EXPECT_STREQ(program->arena.data() + op.data2, ":cordon-7:cordon-x-0123");
  for (const Phase phase : {Phase::kOpen, Phase::kBuild, Phase::kLock, Phase::kFilter}) {
    EXPECT_TRUE(Lowered(LowerAppArmor, phase, good)->ops.empty());
  }
  good.plan.mutable_apparmor()->set_enabled(false);
  EXPECT_TRUE(Lowered(LowerAppArmor, Phase::kPayload, good)->ops.empty());
}

TEST(AppArmorLayerTest, AnInitThatIsConfinedIsRefused) {
  VerifyCase each;
  for (const char* label : {"unconfined\n", "cordon (unconfined)\n"}) {
    each.back.apparmor = label;
    EXPECT_THAT(each.Verify(VerifyAppArmor), IsOk()) << label;
  }
  for (const char* label : {"", "other (enforce)\n", "other (complain)\n", "a\nb"}) {
    each.back.apparmor = label;
    EXPECT_THAT(each.Verify(VerifyAppArmor),
                StatusIs(absl::StatusCode::kFailedPrecondition, "expected unconfined"))
        << label;
  }
  each.plan.mutable_apparmor()->set_enabled(false);
  EXPECT_THAT(each.Verify(VerifyAppArmor), IsOk());
}

TEST(AppArmorLayerTest, TheTwinsNextExecEntersTheProfileInEnforceMode) {
  VerifyCase each;
  *each.plan.mutable_apparmor() = Plan("", false);
  each.twin.apparmor = "cordon-x-0123 (enforce)\n";
  EXPECT_THAT(each.Verify(VerifyAppArmor), IsOk());
  each.twin.apparmor = "cordon-x-0123//&unconfined (enforce)\n";
  EXPECT_THAT(each.Verify(VerifyAppArmor), IsOk());
  for (const char* label : {"", "unconfined\n", "cordon-x-0123 (complain)\n",
                            "cordon-x (enforce)\n", "cordon-x-0123\n"}) {
    each.twin.apparmor = label;
    EXPECT_THAT(each.Verify(VerifyAppArmor),
                StatusIs(absl::StatusCode::kFailedPrecondition, "attr/apparmor/exec of the twin"))
        << label;
  }
}

// The kernel sorts what it shows: by the level of the policy namespace, then by name.
TEST(AppArmorLayerTest, PartsOfAStackMayStandInAnyOrder) {
  VerifyCase each;
  *each.plan.mutable_apparmor() = Plan("", false);
  each.plan.mutable_apparmor()->set_name("web-job");
  each.twin.apparmor = "unconfined//&web-job (enforce)\n";
  EXPECT_THAT(each.Verify(VerifyAppArmor), IsOk());
  *each.plan.mutable_apparmor() = Plan("cordon-7", true);
  for (const char* label : {"cordon-job//&:cordon-7:cordon-x-0123 (enforce)\n",
                            "cordon-job//&unconfined//&:cordon-7:cordon-x-0123 (enforce)\n",
                            ":cordon-7:cordon-x-0123//&cordon-job (enforce)\n"}) {
    each.twin.apparmor = label;
    EXPECT_THAT(each.Verify(VerifyAppArmor), IsOk()) << label;
  }
  for (const char* label :
       {"cordon-job (enforce)\n", ":cordon-7:cordon-x-0123 (enforce)\n",
        "cordon-job//&cordon-x-0123 (enforce)\n", "cordon-job//&:cordon-7:cordon-x-0123 (mixed)\n",
        "cordon-job//&cordon-job//&:cordon-7:cordon-x-0123 (enforce)\n",
        "cordon-job//&other//&:cordon-7:cordon-x-0123 (enforce)\n",
        "cordon-job//&:cordon-7:unconfined//&:cordon-7:cordon-x-0123 (enforce)\n"}) {
    each.twin.apparmor = label;
    EXPECT_THAT(each.Verify(VerifyAppArmor),
                StatusIs(absl::StatusCode::kFailedPrecondition, "attr/apparmor/exec of the twin"))
        << label;
  }
}

TEST(AppArmorLayerTest, TheHashIsThatOfTheRecordsLineAboutTheProfile) {
  constexpr char kRecord[] =
      "cordon-setup 1\n"
      "directory - /var/lib/cordon\n"
      "file aaaa,bbbb /etc/apparmor.d/cordon-job\n"
      "profile cccc /etc/apparmor.d/cordon-job\n"
      "profile - /etc/apparmor.d/cordon\n"
      "profile dddd /etc/apparmor.d/cordon-job of others\n";
  EXPECT_EQ(RecordedAppArmorHash(kRecord, "cordon-job"), "cccc");
  EXPECT_EQ(RecordedAppArmorHash(kRecord, "cordon"), "");
  EXPECT_EQ(RecordedAppArmorHash(kRecord, "job"), "");
  EXPECT_EQ(RecordedAppArmorHash("", "cordon-job"), "");
}

TEST(AppArmorLayerTest, TheReportSaysWhatWasCompared) {
  VerifyCase each;
  *each.plan.mutable_apparmor() = Plan("", false);
  VerifyInput input = each.Input();
  input.profile_compared = "mode in securityfs (no hash of it is recorded)";
  for (const LayerRuntime& layer : RuntimeLayers()) {
    if (layer.name != "apparmor") continue;
    EXPECT_EQ(layer.confirmed_too(input), input.profile_compared);
  }
}

TEST(AppArmorLayerTest, WhatTheHostCannotHasItsReason) {
  const v1::AppArmorFacts facts = ProbeAppArmor();
  EXPECT_EQ(facts.present(), facts.why().empty());
  if (!facts.present()) {
    EXPECT_FALSE(facts.may_load());
    EXPECT_FALSE(facts.family());
    // A profile that is asked for all the same is an error, and nothing is made.
    v1::AppArmorPlan plan = Plan("", false);
    plan.set_source(v1::AppArmorPlan::ADMINISTRATOR);
    EXPECT_FALSE(EnsureAppArmorProfile(plan).ok());
    EXPECT_FALSE(EnsureAppArmorProfile(Plan("", false)).ok());
    return;
  }
  EXPECT_EQ(facts.may_load(), facts.load_why().empty());
  const std::string modules = FileText("/sys/kernel/security/lsm");
  if (!modules.empty()) {
    EXPECT_THAT(modules, testing::HasSubstr("apparmor"));
  }
}

}  // namespace
}  // namespace cordon
