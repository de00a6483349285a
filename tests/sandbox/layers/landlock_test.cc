// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include <cerrno>
#include "gmock/gmock.h"

#include "gtest/gtest.h"
#include "policy/uapi/uapi.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(LandlockLayerTest, EveryRuleOfThePlanIsAnOperation) {
  const VerifyCase good;
  const v1::LandlockPlan& plan = good.plan.landlock();
  const auto program = Lowered(LowerLandlock, Phase::kFilter, good);
  ASSERT_THAT(program, IsOk());
  ASSERT_EQ(program->ops.size(), static_cast<size_t>(plan.rule_size()) + 2);
  const child::Op& create = program->ops.front();
  EXPECT_EQ(create.code, child::Opcode::kLandlockCreate);
  EXPECT_EQ(create.a, plan.handled_fs());
  EXPECT_EQ(create.b, plan.handled_net());
  EXPECT_EQ(create.c, plan.scoped());
  for (int i = 0; i < plan.rule_size(); ++i) {
    const child::Op& allow = program->ops[static_cast<size_t>(i) + 1];
    EXPECT_EQ(allow.code, child::Opcode::kLandlockAllow);
    EXPECT_EQ(program->arena.c_str() + allow.data, plan.rule(i).path());
    EXPECT_EQ(allow.a, plan.rule(i).access());
    EXPECT_EQ(allow.b, plan.rule(i).access() & uapi::kLandlockFileRights);
    EXPECT_EQ(program->origins[static_cast<size_t>(i) + 1].field, plan.rule(i).field());
  }
  EXPECT_EQ(program->ops.back().code, child::Opcode::kLandlockRestrict);
}

TEST(LandlockLayerTest, AnAbsentOptionalBindHasNoRule) {
  VerifyCase absent;
  v1::LandlockRule& below = *absent.plan.mutable_landlock()->add_rule();
  below.set_path("/etc/conf/below");
  below.set_access(uapi::kLandlockReadFile);
  const auto has = [&](const std::string& path) {
    const auto program = Lowered(LowerLandlock, Phase::kFilter, absent);
    return std::any_of(program->origins.begin(), program->origins.end(),
                       [&](const OpOrigin& origin) { return origin.object == path; });
  };
  EXPECT_TRUE(has("/etc/conf"));
  EXPECT_TRUE(has("/etc/conf/below"));
  for (int i = 0; i < absent.plan.mount().entry_size(); ++i) {
    if (absent.plan.mount().entry(i).target() == "/etc/conf") {
      absent.sources.entry[static_cast<size_t>(i)].present = false;
    }
  }
  EXPECT_FALSE(has("/etc/conf"));
  EXPECT_FALSE(has("/etc/conf/below"));
  EXPECT_TRUE(has("/usr"));
}

TEST(LandlockLayerTest, NoOtherPhaseAppliesIt) {
  for (const Phase phase : {Phase::kOpen, Phase::kBuild, Phase::kLock, Phase::kPayload}) {
    EXPECT_TRUE(Lowered(LowerLandlock, phase, VerifyCase())->ops.empty());
  }
}

TEST(LandlockLayerTest, DisabledItDoesNothing) {
  VerifyCase off;
  off.plan.mutable_landlock()->set_enabled(false);
  EXPECT_TRUE(Lowered(LowerLandlock, Phase::kFilter, off)->ops.empty());
}

// The report never claims that the kernel showed the rules, and says what they do not reach.
TEST(LandlockLayerTest, TheReportSaysHowFarItGoes) {
  VerifyCase each;
  v1::Plan& plan = each.plan;
  plan.clear_landlock();
  plan.mutable_landlock()->set_enforcement(v1::IF_AVAILABLE);
  plan.mutable_landlock()->set_unavailable_why("no Landlock");
  for (const LayerRuntime& layer : RuntimeLayers()) {
    if (layer.name != "landlock") continue;
    EXPECT_EQ(layer.confirmed_state, v1::ENFORCED_PROBED);
    EXPECT_FALSE(layer.enabled(plan));
    EXPECT_EQ(layer.enforcement(plan), v1::IF_AVAILABLE);
    EXPECT_EQ(layer.detail(each.Input()), "no Landlock");
    plan.mutable_landlock()->set_enabled(true);
    plan.mutable_landlock()->set_abi(2);
    plan.mutable_landlock()->add_missing("TCP (ABI 4)");
    plan.mutable_landlock()->add_missing("more");
    EXPECT_TRUE(layer.enabled(plan));
    EXPECT_EQ(layer.detail(each.Input()), "ABI 2; this kernel cannot guard: TCP (ABI 4), more");
    return;
  }
  FAIL() << "no row";
}

// What succeeded before the rules must be denied behind them, and the other way round.
TEST(LandlockLayerTest, EveryAnswerOfTheTwinCounts) {
  VerifyCase good;
  EXPECT_THAT(good.Verify(VerifyLandlock), IsOk());
  EXPECT_TRUE(LandlockProbed(good.Input()));
  size_t probes = 0;
  for (const auto& [name, answers] : good.twin.answers) {
    if (name.compare(0, 9, "landlock.") != 0) continue;
    const bool denied = answers.at(child::kProbeConfined) < 0;
    VerifyCase spoilt;
    spoilt.twin.answers[name][child::kProbeConfined] = denied ? 0 : -EACCES;
    EXPECT_THAT(spoilt.Verify(VerifyLandlock),
                HasErrorWith(denied ? "found 0" : "expected allowed, found EACCES"))
        << name;
    spoilt.twin.answers[name].erase(child::kProbeConfined);
    EXPECT_THAT(spoilt.Verify(VerifyLandlock), HasErrorWith("expected an answer")) << name;
    ++probes;
  }
  EXPECT_GE(probes, 5u);
}

TEST(LandlockLayerTest, ProbesThatCannotTellAreNotCalledProbes) {
  VerifyCase each;
  for (auto& [name, answers] : each.twin.answers) {
    if (name.compare(0, 9, "landlock.") != 0) continue;
    if (answers[child::kProbeConfined] < 0) {
      answers[child::kProbeStart] = answers[child::kProbeConfined];
    }
  }
  EXPECT_THAT(each.Verify(VerifyLandlock), IsOk());
  EXPECT_FALSE(LandlockProbed(each.Input()));
}

}  // namespace
}  // namespace cordon
