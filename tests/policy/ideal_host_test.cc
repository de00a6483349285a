// SPDX-License-Identifier: Apache-2.0
#include "policy/ideal_host.h"

#include "gtest/gtest.h"
#include "policy/compile.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

// No shipped profile, and no layer of one, is missing anything there.
TEST(IdealHostTest, EveryProfileCompilesWithAllItsLayers) {
  for (const EmbeddedProfile& profile : EmbeddedProfiles()) {
    const auto policy = Shipped(profile.name);
    ASSERT_THAT(policy, IsOk());
    const auto plan = CompiledPlan::Make(*policy, IdealHost(NativeArchitecture()));
    ASSERT_THAT(plan, IsOk()) << profile.name;
    EXPECT_TRUE(plan->proto().cgroup().enabled());
    EXPECT_TRUE(plan->proto().seccomp().enabled());
    EXPECT_TRUE(plan->proto().rlimit().enabled());
    EXPECT_TRUE(plan->proto().landlock().enabled());
    EXPECT_EQ(plan->proto().landlock().missing_size(), 0);
    EXPECT_EQ(plan->proto().apparmor().source(), v1::AppArmorPlan::COMPILED);
  }
}

}  // namespace
}  // namespace cordon
