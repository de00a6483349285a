// SPDX-License-Identifier: Apache-2.0
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(CapsLayerTest, EverySetMustBeEmpty) {
  EXPECT_THAT(VerifyCase().Verify(VerifyCaps), IsOk());
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    for (const char* value : {"0000000000000001", "000001ffffffffff", "", "0"}) {
      VerifyCase each;
      each.back.status[set] = value;
      EXPECT_THAT(each.Verify(VerifyCaps), StatusIs(absl::StatusCode::kFailedPrecondition, set));
    }
    VerifyCase missing;
    missing.back.status.erase(set);
    EXPECT_FALSE(missing.Verify(VerifyCaps).ok()) << set;
  }
}

TEST(CapsLayerTest, TheTwinIsComparedLikeInitAndTellsItsSecurebits) {
  VerifyCase standing;
  standing.twin.standing["CapPrm"] = "0000000000000001";
  EXPECT_THAT(standing.Verify(VerifyCaps), HasErrorWith("CapPrm of the twin"));
  VerifyCase dead;
  dead.twin.dead["CapAmb"] = "0000000000000001";
  EXPECT_THAT(dead.Verify(VerifyCaps), HasErrorWith("CapAmb of the twin"));
  VerifyCase bits;
  bits.twin.answers["caps.securebits"][child::kProbeConfined] = 0x2f;
  EXPECT_THAT(bits.Verify(VerifyCaps), HasErrorWith("securebits: expected 239, found 47"));
  bits.twin.answers.clear();
  EXPECT_THAT(bits.Verify(VerifyCaps), HasErrorWith("found no answer"));
}

TEST(CapsLayerTest, DropsTheBoundingSetBeforeTheOthers) {
  EXPECT_THAT(NamesOf(*Lowered(LowerCaps, Phase::kLock, VerifyCase())),
              testing::ElementsAre("DropBounding", "SetSecurebits", "SetCaps"));
}

TEST(CapsLayerTest, SwitchedOffItNeitherActsNorCompares) {
  VerifyCase off;
  off.plan.mutable_caps()->set_enabled(false);
  off.back.status["CapEff"] = "000001ffffffffff";
  EXPECT_THAT(off.Verify(VerifyCaps), IsOk());
  EXPECT_TRUE(Lowered(LowerCaps, Phase::kLock, off)->ops.empty());
}

}  // namespace
}  // namespace cordon
