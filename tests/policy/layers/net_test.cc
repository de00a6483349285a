// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/net.h"

#include "gmock/gmock.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

v1::NetPlan Compile(absl::string_view text) {
  v1::Plan plan;
  EXPECT_THAT(CompileNet(*ParseNormal(text), FullHost(), &plan), IsOk());
  return plan.net();
}

TEST(NetTest, NothingSaidIsAnEmptyNamespace) {
  const v1::NetPlan net = Compile("working_directory: \"/\"");
  EXPECT_TRUE(net.own_namespace());
  EXPECT_FALSE(net.loopback_up());
  EXPECT_EQ(net.enforcement(), v1::REQUIRED);
}

TEST(NetTest, LoopbackIsUpWhereThePolicySaysSo) {
  EXPECT_TRUE(Compile("network { mode: LOOPBACK }").loopback_up());
  EXPECT_FALSE(Compile("network { mode: NONE }").loopback_up());
}

TEST(NetTest, OnlyOffSharesTheHostsNetwork) {
  EXPECT_TRUE(Compile("network { enforcement: IF_AVAILABLE }").own_namespace());
  const v1::NetPlan off = Compile("network { enforcement: OFF mode: LOOPBACK }");
  EXPECT_FALSE(off.own_namespace());
  EXPECT_FALSE(off.loopback_up()) << "the host's loopback is not ours to touch";
  EXPECT_EQ(off.enforcement(), v1::OFF);
}

}  // namespace
}  // namespace cordon
