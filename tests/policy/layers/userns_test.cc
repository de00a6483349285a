// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/userns.h"

#include "gmock/gmock.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(UsernsTest, ShowsTheIdsOfThePolicy) {
  v1::Plan plan;
  EXPECT_THAT(CompileUserns(*ParseNormal("identity { uid: 7 gid: 8 }"), FullHost(), &plan), IsOk());
  EXPECT_EQ(plan.userns().uid(), 7u);
  EXPECT_EQ(plan.userns().gid(), 8u);
}

TEST(UsernsTest, NobodyAsksForRootByDefault) {
  v1::Plan plan;
  EXPECT_THAT(CompileUserns(*ParseNormal("working_directory: \"/\""), FullHost(), &plan), IsOk());
  EXPECT_EQ(plan.userns().uid(), 1000u);
  EXPECT_EQ(plan.userns().gid(), 1000u);
}

}  // namespace
}  // namespace cordon
