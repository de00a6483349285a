// SPDX-License-Identifier: Apache-2.0
// Field paths are built and taken apart the same way.
#include "policy/base/field_path.h"

#include "gtest/gtest.h"

namespace cordon {
namespace {

TEST(FieldPathTest, BuildsWhatPeopleRead) {
  EXPECT_EQ(ChildField("", "mounts"), "mounts");
  EXPECT_EQ(ChildField(IndexedField(ChildField("mounts", "bind"), 3), "source"),
            "mounts.bind[3].source");
}

TEST(FieldPathTest, ParentsLeadToTheRoot) {
  EXPECT_EQ(ParentField("mounts.bind[3].source"), "mounts.bind[3]");
  EXPECT_EQ(ParentField("mounts.bind[3]"), "mounts.bind");
  EXPECT_EQ(ParentField("mounts.bind"), "mounts");
  EXPECT_EQ(ParentField("mounts"), "");
  EXPECT_EQ(ParentField(""), "");
}

}  // namespace
}  // namespace cordon
