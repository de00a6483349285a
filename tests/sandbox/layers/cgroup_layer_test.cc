// SPDX-License-Identifier: Apache-2.0
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/layers/layer.h"
#include "tests/support/fake_lease.h"
#include "tests/support/read_back_of.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(CgroupLayerTest, WaitsForItsGroupBeforeItMakesItTheRoot) {
  EXPECT_THAT(NamesOf(*Lowered(LowerCgroup, Phase::kLock, VerifyCase())),
              testing::ElementsAre("AwaitGroup", "NewCgroupNamespace"));
}

TEST(CgroupLayerTest, TheGroupJudgesTheMembershipThatTheKernelShows) {
  VerifyCase each;
  each.back.cgroup = {{3, {"memory"}, "/somewhere"}};
  FakeLease lease;
  const auto verify = [&] {
    return VerifyCgroup(
        {each.plan, each.sources, each.back, each.twin, each.ids, true, &lease, ""});
  };
  EXPECT_THAT(verify(), StatusIs(absl::StatusCode::kFailedPrecondition, "group of the twin"));
  each.twin.cgroup = each.back.cgroup;
  lease.seen.clear();
  EXPECT_THAT(verify(), IsOk());
  ASSERT_EQ(lease.seen.size(), 1u);
  EXPECT_EQ(lease.seen[0].path, "/somewhere");
  lease.verified = absl::FailedPreconditionError("not a member");
  EXPECT_FALSE(verify().ok());
}

TEST(CgroupLayerTest, NoHierarchyOfTheHostIsVisibleInside) {
  for (const char* type : {"cgroup", "cgroup2"}) {
    VerifyCase each;
    const auto verify = [&] {
      return VerifyCgroup(
          {each.plan, each.sources, each.back, each.twin, each.ids, true, nullptr, ""});
    };
    EXPECT_THAT(verify(), IsOk());
    MountInfo mount;
    mount.type = type;
    mount.mount_point = "/data/groups";
    each.back.mounts.push_back(mount);
    EXPECT_THAT(verify(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                   "expected none, found /data/groups"));
  }
}

}  // namespace
}  // namespace cordon
