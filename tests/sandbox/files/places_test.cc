// SPDX-License-Identifier: Apache-2.0
// Writable places are held from the gate on, and outlive the mounts of their sandbox.
#include "sandbox/files/places.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/beneath.h"
#include "tests/support/held_places.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(WritablePlacesTest, ThePlaceOfAPathIsTheDeepest) {
  const SharedFolder folder;
  const std::string inner = folder.path() + "/inner";
  std::filesystem::create_directory(inner);
  PlacesOfTest test;
  ASSERT_THAT(test.Add(folder.path()), IsOk());
  ASSERT_THAT(test.Add(inner), IsOk());
  const auto places = test.Hold();
  ASSERT_THAT(places, IsOk());
  const auto outer_file = places->Find(folder.path() + "/a/b");
  const auto inner_file = places->Find(inner + "/c");
  ASSERT_THAT(outer_file, IsOk());
  ASSERT_THAT(inner_file, IsOk());
  EXPECT_EQ(outer_file->below, "a/b");
  EXPECT_EQ(inner_file->below, "c");
  EXPECT_EQ(StatFd(inner_file->root)->inode, StatPath(inner)->inode);
  EXPECT_EQ(places->Find(inner)->below, ".");
  EXPECT_THAT(places->Find(folder.path() + "x"), StatusIs(absl::StatusCode::kNotFound, "in no"));
}

TEST(WritablePlacesTest, WhatIsReadOnlyIsNoPlace) {
  const SharedFolder folder;
  PlacesOfTest test;
  ASSERT_THAT(test.Add(folder.path(), true), IsOk());
  const auto places = test.Hold();
  ASSERT_THAT(places, IsOk());
  EXPECT_FALSE(places->Find(folder.path() + "/a").ok());
}

// Somebody has moved the place since it was compared with the plan.
TEST(WritablePlacesTest, APlaceThatIsNotTheVerifiedOneIsRefused) {
  const SharedFolder folder;
  PlacesOfTest test;
  ASSERT_THAT(test.Add(folder.path()), IsOk());
  FileInfo& info = test.back.places[folder.path()];
  const FileInfo good = info;
  ++info.mount;
  EXPECT_THAT(test.Hold(), HasErrorWith("what is at " + folder.path()));
  info = good;
  ++info.inode;
  EXPECT_THAT(test.Hold(), HasErrorWith("what is at " + folder.path()));
  info = good;
  EXPECT_THAT(test.Hold(), IsOk());
  test.back.places.clear();
  EXPECT_FALSE(test.Hold().ok());
}

class LeftBehindTest : public testing::Test {
 protected:
  void SetUp() override { CORDON_NEEDS("user namespaces", HaveUserNamespaces()); }
};

// With nothing but what reading back needs, as any user: see the test's run without root.
TEST_F(LeftBehindTest, AFileSystemOutlivesTheJobAndItsMounts) {
  const absl::StatusOr<CompiledPlan> plan = PlanOf({});
  ASSERT_THAT(plan, IsOk());
  const auto launch = LaunchOf(*plan, {"write_file", "/work/left", "what the job says"});
  ASSERT_THAT(launch, IsOk());
  const auto sandbox = Sandbox::Prepare(*plan, HostFactsOfTest(), {nullptr, true});
  ASSERT_THAT(sandbox, IsOk());
  EXPECT_THAT((*sandbox)->LeftBehind(), HasErrorWith("not proven"));
  const StreamFile in;
  const StreamFile out;
  const auto report = RunJob(**sandbox, *launch, {in.fd(), out.fd(), out.fd(), false, false});
  ASSERT_THAT(report, IsOk());
  ASSERT_EQ(report->exit_code(), 0) << out.Text();
  const auto places = (*sandbox)->LeftBehind();
  ASSERT_THAT(places, IsOk());
  const auto found = (*places)->Find("/work/left");
  ASSERT_THAT(found, IsOk());
  const auto file = OpenBeneath(found->root, found->below, O_RDONLY);
  ASSERT_THAT(file, IsOk());
  const auto text = ReadAll(file->get(), "left", 1000);
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(*text, "what the job says");
}

}  // namespace
}  // namespace cordon
