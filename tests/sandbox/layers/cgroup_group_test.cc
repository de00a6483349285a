// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/cgroup_group.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(HierarchyTest, OurOwnPlaceIsAnExistingDirectory) {
  const auto all = FindHierarchies();
  ASSERT_THAT(all, IsOk());
  for (const Hierarchy& each : *all) {
    EXPECT_TRUE(std::filesystem::is_directory(each.own_dir)) << each.own_dir;
    EXPECT_EQ(each.v2, each.controllers.empty());
  }
}

TEST(HierarchyTest, ControllersAreFoundByTheirWholeName) {
  std::vector<Hierarchy> all(3);
  all[0].controllers = {"cpu", "cpuacct"};
  all[1].controllers = {"memory"};
  all[2].v2 = true;
  EXPECT_EQ(FindV1(all, "cpuacct"), &all[0]);
  EXPECT_EQ(FindV1(all, "memory"), &all[1]);
  EXPECT_EQ(FindV1(all, "mem"), nullptr);
  EXPECT_EQ(FindV2(all), &all[2]);
  all.pop_back();
  EXPECT_EQ(FindV2(all), nullptr);
}

// On a plain folder: mkdir, files and rmdir are the same there.
class GroupTest : public testing::Test {
 protected:
  SharedFolder folder_;
};

TEST_F(GroupTest, IsADirectoryThatGoesWithItsOwner) {
  {
    const auto group = Group::Make(folder_.path(), "/user", "g");
    ASSERT_THAT(group, IsOk());
    EXPECT_EQ(group->path(), "/user/g");
    EXPECT_EQ(group->directory(), folder_.path() + "/g");
    EXPECT_TRUE(std::filesystem::is_directory(group->directory()));
    EXPECT_EQ(Group::Make(folder_.path(), "/", "h")->path(), "/h");
  }
  EXPECT_TRUE(NamesIn(folder_.path()).empty());
}

TEST_F(GroupTest, AnExistingGroupIsNeverTakenOver) {
  std::filesystem::create_directory(folder_.path() + "/g");
  EXPECT_THAT(Group::Make(folder_.path(), "/", "g"), HasErrorWith("EEXIST"));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() + "/g"));
}

TEST_F(GroupTest, ReadsAndWritesItsFiles) {
  const auto group = Group::Make(folder_.path(), "/", "g");
  ASSERT_THAT(group, IsOk());
  std::ofstream(group->directory() + "/limit") << "12\n";
  EXPECT_TRUE(group->Has("limit"));
  EXPECT_FALSE(group->Has("nothing"));
  EXPECT_EQ(group->ReadNumber("limit").value(), 12u);
  EXPECT_THAT(group->Write("nothing", "1"), HasErrorWith("ENOENT"));
  ASSERT_THAT(group->Write("limit", "34"), IsOk());
  EXPECT_EQ(group->Read("limit").value().substr(0, 2), "34");
}

TEST_F(GroupTest, RemoveSaysWhenItIsNotEmpty) {
  auto group = Group::Make(folder_.path(), "/", "g");
  ASSERT_THAT(group, IsOk());
  std::filesystem::create_directory(group->directory() + "/member");
  EXPECT_THAT(group->Remove(5), HasErrorWith("ENOTEMPTY"));
  std::filesystem::remove(group->directory() + "/member");
  EXPECT_THAT(group->Remove(5), IsOk());
  EXPECT_THAT(group->Remove(5), IsOk());
}

TEST_F(GroupTest, NamesAreFreshAndCarryThePid) {
  const std::string prefix = "cordon-" + std::to_string(::getpid()) + "-";
  EXPECT_EQ(FreshGroupName().compare(0, prefix.size(), prefix), 0);
  EXPECT_NE(FreshGroupName(), FreshGroupName());
}

TEST_F(GroupTest, SweepsOnlyWhatADeadSupervisorHasLeft) {
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  const std::string stale = "cordon-" + std::to_string(dead) + "-1f";
  const std::string living = "cordon-" + std::to_string(::getpid()) + "-1f";
  const std::string stranger = "cordon-x-1f";
  const std::string other = "user-" + std::to_string(dead) + "-1f";
  for (const std::string& name : {stale, living, stranger, other}) {
    std::filesystem::create_directory(folder_.path() + "/" + name);
  }
  SweepStaleGroups(folder_.path());
  EXPECT_THAT(NamesIn(folder_.path()), testing::UnorderedElementsAre(living, stranger, other));
  SweepStaleGroups("/nowhere/at/all");
}

}  // namespace
}  // namespace cordon
