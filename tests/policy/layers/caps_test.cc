// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/caps.h"

#include "gmock/gmock.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

v1::CapsPlan Compile(absl::string_view text) {
  v1::Plan plan;
  EXPECT_THAT(CompileCaps(*ParseNormal(text), FullHost(), &plan), IsOk());
  return plan.caps();
}

TEST(CapsTest, EverythingIsDroppedUnlessThePolicySaysOff) {
  EXPECT_TRUE(Compile("working_directory: \"/\"").enabled());
  EXPECT_TRUE(Compile("capabilities { enforcement: IF_AVAILABLE }").enabled());
  EXPECT_FALSE(Compile("capabilities { enforcement: OFF }").enabled());
  EXPECT_EQ(Compile("working_directory: \"/\"").enforcement(), v1::REQUIRED);
}

}  // namespace
}  // namespace cordon
