// SPDX-License-Identifier: Apache-2.0
// The list of violations keeps fields, places and hints.
#include "policy/violations.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/hard_limits.h"
#include "policy/proto/policy.pb.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(ViolationsTest, NoneIsOk) {
  const SourceMap places("f");
  Violations violations(places);
  violations.AddIfError("a", absl::OkStatus());
  EXPECT_TRUE(violations.empty());
  EXPECT_THAT(violations.ToStatus(), IsOk());
}

TEST(ViolationsTest, EachHasItsFieldPlaceAndHint) {
  SourceMap places("f");
  places.Set("a", 3, 4);
  Violations violations(places);
  violations.Add("a.b", "is wrong", "do it right");
  violations.AddIfError("c", absl::InvalidArgumentError("is wrong, too"));
  EXPECT_THAT(violations.ToStatus(), HasError("a.b (f:3:4): is wrong; hint: do it right"));
  EXPECT_THAT(violations.ToStatus(), HasError("c (f): is wrong, too"));
  EXPECT_EQ(violations.ToStatus().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailsOf(violations.ToStatus())[0].stage(), "validate");
}

TEST(ViolationsTest, QuantitiesAreCheckedByField) {
  const SourceMap places("f");
  Violations violations(places);
  v1::Tmpfs tmpfs;
  tmpfs.set_inodes(0);
  violations.CheckQuantities(tmpfs, "mounts.tmpfs[1]");
  EXPECT_THAT(violations.ToStatus(), HasError("mounts.tmpfs[1].size (f): is required"));
  EXPECT_THAT(violations.ToStatus(), HasErrorWith("mounts.tmpfs[1].inodes (f): is 0"));
}

TEST(ViolationsTest, TheListHasACeiling) {
  const SourceMap places("f");
  Violations violations(places);
  for (int i = 0; i < 1000; ++i) violations.Add("a", "b");
  EXPECT_EQ(DetailsOf(violations.ToStatus()).size(), kMaxErrors);
}

}  // namespace
}  // namespace cordon
