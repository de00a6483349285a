// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/apparmor.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "policy/base/sha256.h"
#include "policy/compile.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

v1::HostFacts Host(bool may_load, bool family, const std::string& policy_namespace = "") {
  v1::HostFacts facts = FullHost();
  facts.mutable_apparmor()->set_may_load(may_load);
  if (!may_load) facts.mutable_apparmor()->set_load_why("run cordon-setup as root");
  facts.mutable_apparmor()->set_family(family);
  facts.mutable_apparmor()->set_policy_namespace(policy_namespace);
  return facts;
}

v1::HostFacts HostWithout() {
  v1::HostFacts facts = FullHost();
  facts.mutable_apparmor()->Clear();
  facts.mutable_apparmor()->set_why("boot with apparmor=1");
  return facts;
}

absl::StatusOr<v1::AppArmorPlan> Compile(absl::string_view text, const v1::HostFacts& facts) {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, ParseNormal(absl::StrCat(kStartable, text)));
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, CompiledPlan::Make(policy, facts));
  return plan.proto().apparmor();
}

TEST(AppArmorTest, WhoMayLoadGetsAProfileOfThePlan) {
  const auto plan = Compile("", Host(true, true));
  ASSERT_THAT(plan, IsOk());
  EXPECT_TRUE(plan->enabled());
  EXPECT_EQ(plan->enforcement(), v1::REQUIRED);
  EXPECT_EQ(plan->source(), v1::AppArmorPlan::COMPILED);
  EXPECT_THAT(plan->name(), StartsWith("cordon-test.textproto-"));
  EXPECT_THAT(plan->text(), HasSubstr(absl::StrCat("profile ", plan->name(), " flags=")));
  EXPECT_EQ(plan->text_sha256(), Sha256Hex(plan->text()));
  EXPECT_THAT(plan->policy_namespace(), IsEmpty());
  EXPECT_FALSE(plan->stacked()) << "root's own profile needs none above it";
}

TEST(AppArmorTest, TheNameFollowsTheTextAndNothingElse) {
  const auto one = Compile("", Host(true, false));
  const auto same = Compile("limits { memory: \"64MiB\" }", Host(true, false));
  const auto other = Compile("mounts { proc {} }", Host(true, false));
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(same, IsOk());
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(one->name(), same->name());
  EXPECT_NE(one->name(), other->name());
}

TEST(AppArmorTest, ALongNameOfAPolicyLeavesRoomForTheHash) {
  const auto parsed =
      ParsePolicy(kStartable, PolicyForm::kText, absl::StrCat(std::string(300, 'x'), ".textproto"));
  ASSERT_THAT(parsed, IsOk());
  const auto policy = NormalPolicy::Make(*parsed);
  ASSERT_THAT(policy, IsOk());
  const auto plan = CompiledPlan::Make(*policy, Host(true, false));
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->proto().apparmor().name().size(), 128u);
}

TEST(AppArmorTest, APolicyNamespaceIsNamedAndTheFamilyStandsAboveIt) {
  const auto plan = Compile("", Host(true, true, "cordon-1000"));
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->policy_namespace(), "cordon-1000");
  EXPECT_TRUE(plan->stacked());
  EXPECT_FALSE(Compile("", Host(true, false, "cordon-1000"))->stacked());
}

TEST(AppArmorTest, WhoMayNotLoadEntersTheFamily) {
  const auto plan = Compile("", Host(false, true));
  ASSERT_THAT(plan, IsOk());
  EXPECT_TRUE(plan->enabled());
  EXPECT_EQ(plan->source(), v1::AppArmorPlan::FAMILY);
  EXPECT_EQ(plan->name(), "cordon-job");
  EXPECT_THAT(plan->text(), IsEmpty());
}

TEST(AppArmorTest, WithoutEitherARequiredLayerIsRefused) {
  EXPECT_THAT(
      Compile("", Host(false, false)),
      HasError(
          "apparmor.enforcement (test.textproto): no profile can be loaded, and cordon-job is not "
          "there; hint: run cordon-setup as root"));
  EXPECT_THAT(Compile("apparmor {\n enforcement: REQUIRED }", HostWithout()),
              HasError("apparmor.enforcement (test.textproto:2:2): AppArmor cannot be used on this "
                       "host; hint: boot with apparmor=1"));
  EXPECT_THAT(Compile("apparmor { profile: \"mine\" }", HostWithout()),
              HasErrorWith("cannot be used on this host"));
}

TEST(AppArmorTest, IfAvailableSaysWhyItIsNot) {
  const auto without = Compile("apparmor { enforcement: IF_AVAILABLE }", HostWithout());
  ASSERT_THAT(without, IsOk());
  EXPECT_FALSE(without->enabled());
  EXPECT_EQ(without->unavailable_why(),
            "AppArmor cannot be used on this host; boot with apparmor=1");
  const auto nobody = Compile("apparmor { enforcement: IF_AVAILABLE }", Host(false, false));
  ASSERT_THAT(nobody, IsOk());
  EXPECT_FALSE(nobody->enabled());
  EXPECT_THAT(nobody->unavailable_why(), EndsWith("run cordon-setup as root"));
}

TEST(AppArmorTest, OffIsOff) {
  const auto plan = Compile("apparmor { enforcement: OFF profile: \"x\" }", Host(true, true));
  ASSERT_THAT(plan, IsOk());
  EXPECT_FALSE(plan->enabled());
  EXPECT_THAT(plan->unavailable_why(), IsEmpty());
  EXPECT_THAT(plan->name(), IsEmpty());
}

TEST(AppArmorTest, TheAdministratorsProfileGoesBeforeAll) {
  const auto plan = Compile("apparmor { profile: \"site-job\" }", Host(true, true, "cordon-7"));
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->source(), v1::AppArmorPlan::ADMINISTRATOR);
  EXPECT_EQ(plan->name(), "site-job");
  EXPECT_THAT(plan->policy_namespace(), IsEmpty());
  EXPECT_THAT(plan->text(), IsEmpty());
}

// The text is not ours then, so that nothing of it is claimed.
TEST(AppArmorTest, WhatCannotBeExpressedIsRefusedOrLeftToTheFamily) {
  v1::Plan plan;
  const auto policy = ParseNormal(kStartable);
  ASSERT_THAT(policy, IsOk());
  v1::MountEntry& entry = *plan.mutable_mount()->add_entry();
  entry.set_target("/a/../b");
  entry.set_field("mounts.bind[0]");
  EXPECT_THAT(CompileAppArmor(*policy, Host(true, true), &plan),
              HasErrorWith("cannot stand in a rule of AppArmor"));
  const auto optional =
      ParseNormal(absl::StrCat(kStartable, "apparmor { enforcement: IF_AVAILABLE }"));
  ASSERT_THAT(optional, IsOk());
  plan.clear_apparmor();
  EXPECT_THAT(CompileAppArmor(*optional, Host(true, true), &plan), IsOk());
  EXPECT_EQ(plan.apparmor().source(), v1::AppArmorPlan::FAMILY);
  plan.clear_apparmor();
  EXPECT_THAT(CompileAppArmor(*optional, Host(true, false), &plan), IsOk());
  EXPECT_FALSE(plan.apparmor().enabled());
  EXPECT_THAT(plan.apparmor().unavailable_why(), HasSubstr("cannot stand in a rule"));
}

TEST(AppArmorTest, FileRulesOfLandlockAreRepeatedUnlessItIsOff) {
  const std::string mounts =
      "mounts { bind { source: \"/srv\" target: \"/out\" read_only: false } } ";
  const std::string rules = "file { path: \"/out\" access: READ } } ";
  const auto plan = Compile(absl::StrCat(mounts, "landlock { ", rules), Host(true, false));
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(plan->text(), HasSubstr("  \"/out{,/,/**}\" r,\n"));
  const auto off =
      Compile(absl::StrCat(mounts, "landlock { enforcement: OFF ", rules), Host(true, false));
  ASSERT_THAT(off, IsOk());
  EXPECT_THAT(off->text(), HasSubstr("  \"/out{,/,/**}\" rwklmix,\n"));
  EXPECT_THAT(off->text(), Not(HasSubstr("\"/out{,/,/**}\" r,")));
}

TEST(AppArmorTest, TheAbiIsThatOfTheHost) {
  v1::HostFacts facts = Host(true, false);
  EXPECT_THAT(Compile("", facts)->text(), HasSubstr("abi <abi/3.0>"));
  facts.mutable_apparmor()->set_abi_4_0(true);
  EXPECT_THAT(Compile("", facts)->text(), HasSubstr("audit deny userns"));
}

}  // namespace
}  // namespace cordon
