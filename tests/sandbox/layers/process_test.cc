// SPDX-License-Identifier: Apache-2.0
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;

TEST(ProcessLayerTest, NoNewPrivsMustBeSet) {
  VerifyCase each;
  EXPECT_THAT(each.Verify(VerifyProcess), IsOk());
  each.back.status["NoNewPrivs"] = "0";
  EXPECT_THAT(each.Verify(VerifyProcess), StatusIs(kRefused, "NoNewPrivs"));
  each.back.status.erase("NoNewPrivs");
  EXPECT_THAT(each.Verify(VerifyProcess), StatusIs(kRefused, "NoNewPrivs"));
}

TEST(ProcessLayerTest, ADescriptorTooManyIsRefused) {
  VerifyCase each;
  each.back.descriptors.emplace_back("6");
  EXPECT_THAT(each.Verify(VerifyProcess), StatusIs(kRefused, "descriptors"));
}

TEST(ProcessLayerTest, ThePayloadClosesWhatIsInitsBeforeItGoesAnywhere) {
  EXPECT_THAT(
      NamesOf(*Lowered(LowerProcess, Phase::kPayload, VerifyCase())),
      testing::ElementsAre("PayloadSession", "CloseInitFds", "SetOomScore", "Chdir", "SetUmask"));
}

}  // namespace
}  // namespace cordon
