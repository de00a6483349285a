// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;

class UsernsLayerTest : public testing::Test {
 protected:
  absl::Status Verify() { return case_.Verify(VerifyUserns); }
  void MakeUnprivileged() {
    case_.privileged = false;
    case_.back = ReadBackOf(case_.plan, case_.sources, false);
    case_.twin = TwinBackOf(case_.plan, case_.sources, case_.back);
  }
  VerifyCase case_;
};

TEST_F(UsernsLayerTest, AcceptsTheReadBackOfThePlan) {
  EXPECT_THAT(Verify(), IsOk());
  MakeUnprivileged();
  EXPECT_THAT(Verify(), IsOk());
  EXPECT_EQ(UsernsDetail(VerifyCase().Input()), "");
}

// Kernel: who gave up setgroups to write a gid map keeps the groups for good.
TEST_F(UsernsLayerTest, AnUnprivilegedCallersGroupsAreThoseOfTheReport) {
  MakeUnprivileged();
  EXPECT_THAT(UsernsDetail(case_.Input()), testing::HasSubstr("groups on the host (4 27)"));
  for (const char* other : {"", "4", "4 27 100", "0"}) {
    case_.back.status["Groups"] = other;
    EXPECT_THAT(Verify(), StatusIs(kRefused, "Groups: expected 4 27"));
  }
  case_.back.status["Groups"] = "4 27";
  case_.twin.dead["Groups"] = "0";
  EXPECT_THAT(Verify(), StatusIs(kRefused, "Groups of the twin"));
  case_.back.own_groups.clear();
  EXPECT_EQ(UsernsDetail(case_.Input()), "");
}

TEST_F(UsernsLayerTest, TheMapsAreExactlyOneId) {
  for (const char* which : {"uid", "gid"}) {
    const auto spoil = [&](void (*change)(std::vector<IdRange>*)) {
      case_ = VerifyCase();
      change(which[0] == 'u' ? &case_.back.uid_map : &case_.back.gid_map);
      return Verify();
    };
    EXPECT_FALSE(spoil([](auto* map) { map->clear(); }).ok());
    EXPECT_FALSE(spoil([](auto* map) { map->push_back(map->at(0)); }).ok());
    EXPECT_FALSE(spoil([](auto* map) { ++map->at(0).inside; }).ok());
    EXPECT_FALSE(spoil([](auto* map) { ++map->at(0).outside; }).ok());
    EXPECT_FALSE(spoil([](auto* map) { map->at(0).count = 2; }).ok());
  }
}

TEST_F(UsernsLayerTest, AllFourIdsAreTheJobs) {
  for (const char* field : {"Uid", "Gid"}) {
    const uint32_t id = field[0] == 'U' ? kJobIds.uid : kJobIds.gid;
    for (int wrong = 0; wrong < 4; ++wrong) {
      case_ = VerifyCase();
      std::string text;
      for (int i = 0; i < 4; ++i) absl::StrAppend(&text, i > 0 ? "\t" : "", i == wrong ? 0 : id);
      case_.back.status[field] = text;
      EXPECT_THAT(Verify(), StatusIs(kRefused, field)) << wrong;
    }
    case_.back.status.erase(field);
    EXPECT_FALSE(Verify().ok());
  }
}

TEST_F(UsernsLayerTest, RootOfTheHostIsRefusedEvenWhenEverythingAgrees) {
  case_.ids = {0, 0};
  case_.back.uid_map[0].outside = case_.back.gid_map[0].outside = 0;
  case_.back.status["Uid"] = case_.back.status["Gid"] = "0\t0\t0\t0";
  EXPECT_THAT(Verify(), StatusIs(kRefused, "host id"));
}

TEST_F(UsernsLayerTest, AGroupThatIsLeftIsRefused) {
  case_.back.status["Groups"] = "27";
  EXPECT_THAT(Verify(), StatusIs(kRefused, "Groups"));
  case_.back.status.erase("Groups");
  EXPECT_FALSE(Verify().ok());
}

TEST_F(UsernsLayerTest, AnUnprivilegedCallerMustHaveDeniedSetgroups) {
  MakeUnprivileged();
  for (const char* text : {"allow", ""}) {
    case_.back.setgroups = text;
    EXPECT_THAT(Verify(), StatusIs(kRefused, "setgroups"));
  }
}

TEST_F(UsernsLayerTest, RootLeavesSetgroupsAsItWas) {
  for (const char* text : {"deny", ""}) {
    case_.back.setgroups = text;
    EXPECT_THAT(Verify(), StatusIs(kRefused, "setgroups"));
  }
}

TEST_F(UsernsLayerTest, TheTwinHasTheSameIdsAndMakesNoNamespace) {
  case_.twin.standing["Uid"] = "0\t0\t0\t0";
  EXPECT_THAT(Verify(), StatusIs(kRefused, "Uid of the twin"));
  case_ = VerifyCase();
  case_.twin.dead["Groups"] = "27";
  EXPECT_THAT(Verify(), StatusIs(kRefused, "Groups of the twin"));
  for (const int64_t answer : {int64_t{0}, int64_t{-EPERM}, kNoAnswer}) {
    case_ = VerifyCase();
    case_.twin.answers["userns.nested"][child::kProbeReleased] = answer;
    EXPECT_THAT(Verify(), StatusIs(kRefused, "user.max_user_namespaces")) << answer;
  }
}

TEST_F(UsernsLayerTest, AddsNoOperationOfItsOwn) {
  for (const Phase phase : {Phase::kOpen, Phase::kBuild, Phase::kLock, Phase::kPayload}) {
    EXPECT_TRUE(Lowered(LowerUserns, phase, case_)->ops.empty());
  }
}

}  // namespace
}  // namespace cordon
