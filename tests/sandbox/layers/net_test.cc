// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(NetLayerTest, OnlyLoopbackInANamespaceOfItsOwn) {
  EXPECT_THAT(VerifyCase().Verify(VerifyNet), IsOk());
  for (const std::vector<std::string>& devices : {std::vector<std::string>{},
                                                  {"eth0"},
                                                  {"lo", "eth0"},
                                                  {"lo", "lo"},
                                                  {"sit0"},
                                                  {"lo", "sit1"}}) {
    VerifyCase each;
    each.back.network_devices = devices;
    EXPECT_THAT(each.Verify(VerifyNet),
                StatusIs(absl::StatusCode::kFailedPrecondition, "interfaces"));
  }
  // The kernel's own, on hosts with tunnels.
  VerifyCase tunnels;
  tunnels.back.network_devices = {"tunl0", "lo", "sit0", "ip6tnl0"};
  EXPECT_THAT(tunnels.Verify(VerifyNet), IsOk());
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

// SIOCGIFFLAGS: the name, then the flags as a short.
void TellFlags(TwinBack* twin, char flags) { twin->buffer[400 + 16] = flags; }

TEST(NetLayerTest, TheLoopbackIsUpOrDownAsPlanned) {
  constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;
  VerifyCase each;  // its plan wants it up
  TellFlags(&each.twin, 0x08);
  EXPECT_THAT(each.Verify(VerifyNet), StatusIs(kRefused, "loopback: expected up, found down"));
  each.plan.mutable_net()->set_loopback_up(false);
  EXPECT_THAT(each.Verify(VerifyNet), IsOk());
  TellFlags(&each.twin, 0x49);
  EXPECT_THAT(each.Verify(VerifyNet), StatusIs(kRefused, "loopback: expected down, found up"));
  for (const int64_t answer : {int64_t{-ENODEV}, kNoAnswer}) {
    each.twin.answers["net.loopback"][child::kProbeConfined] = answer;
    EXPECT_THAT(each.Verify(VerifyNet), StatusIs(kRefused, AnswerText(answer)));
  }
  each = VerifyCase();
  each.twin.buffer.resize(400);
  EXPECT_FALSE(each.Verify(VerifyNet).ok());
}

TEST(NetLayerTest, ASharedNetworkIsLeftAlone) {
  VerifyCase each;
  each.plan.mutable_net()->set_own_namespace(false);
  each.back.network_devices = {"lo", "eth0"};
  each.back.namespaces["net"] = each.back.own_namespaces["net"];
  EXPECT_THAT(each.Verify(VerifyNet), IsOk());
  EXPECT_TRUE(Lowered(LowerNet, Phase::kBuild, each)->ops.empty());
  EXPECT_TRUE(Lowered(LowerNet, Phase::kTwin, each)->probes.empty());
  each.back.namespaces["net"] = "net:[7]";
  EXPECT_FALSE(each.Verify(VerifyNet).ok());
}

}  // namespace
}  // namespace cordon
