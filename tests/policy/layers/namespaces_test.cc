// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/namespaces.h"

#include "gmock/gmock.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(NamespacesTest, ShowsTheHostNameOfThePolicy) {
  v1::Plan plan;
  EXPECT_THAT(CompileNamespaces(*ParseNormal("identity { hostname: \"box\" }"), FullHost(), &plan),
              IsOk());
  EXPECT_EQ(plan.namespaces().hostname(), "box");
}

TEST(NamespacesTest, AHostWithoutUserNamespacesIsRefusedWithItsReason) {
  v1::HostFacts facts = FullHost();
  facts.set_user_namespaces(false);
  facts.set_user_namespaces_why("clone3: EPERM");
  v1::Plan plan;
  const absl::Status status = CompileNamespaces(*ParseNormal("identity { uid: 7 }"), facts, &plan);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "clone3: EPERM"));
  EXPECT_THAT(status, HasErrorWith("max_user_namespaces"));
}

}  // namespace
}  // namespace cordon
