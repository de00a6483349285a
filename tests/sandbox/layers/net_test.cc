// SPDX-License-Identifier: Apache-2.0
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(NetLayerTest, OnlyLoopbackInANamespaceOfItsOwn) {
  EXPECT_THAT(VerifyCase().Verify(VerifyNet), IsOk());
  for (const std::vector<std::string>& devices :
       {std::vector<std::string>{}, {"eth0"}, {"lo", "eth0"}, {"lo", "lo"}}) {
    VerifyCase each;
    each.back.network_devices = devices;
    EXPECT_THAT(each.Verify(VerifyNet),
                StatusIs(absl::StatusCode::kFailedPrecondition, "interfaces"));
  }
  VerifyCase shared;
  shared.back.namespaces["net"] = shared.back.own_namespaces["net"];
  EXPECT_FALSE(shared.Verify(VerifyNet).ok());
}

TEST(NetLayerTest, LoopbackIsUpOnlyWhenAsked) {
  VerifyCase each;
  EXPECT_THAT(NamesOf(*Lowered(LowerNet, Phase::kBuild, each)), testing::ElementsAre("LoopbackUp"));
  each.plan.mutable_net()->set_loopback_up(false);
  EXPECT_TRUE(Lowered(LowerNet, Phase::kBuild, each)->ops.empty());
}

TEST(NetLayerTest, ASharedNetworkIsLeftAlone) {
  VerifyCase each;
  each.plan.mutable_net()->set_own_namespace(false);
  each.back.network_devices = {"lo", "eth0"};
  each.back.namespaces["net"] = each.back.own_namespaces["net"];
  EXPECT_THAT(each.Verify(VerifyNet), IsOk());
  EXPECT_TRUE(Lowered(LowerNet, Phase::kBuild, each)->ops.empty());
}

}  // namespace
}  // namespace cordon
