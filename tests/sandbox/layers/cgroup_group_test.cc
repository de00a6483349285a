// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/cgroup_group.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

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

TEST_F(GroupTest, SweepsOnlyWhatNobodyHasLocked) {
  const std::string pid = std::to_string(::getpid());
  const auto living = Group::Make(folder_.path(), "/", "cordon-" + pid + "-1f");
  ASSERT_THAT(living, IsOk());
  // The same number of a process that lives, but not the one that made it: pids are used again.
  const std::string stale = "cordon-" + pid + "-2f";
  const std::string repeated = "cordon-1-3f.15";
  std::vector<std::string> foreign = {"cordon-x-1f",         "cordon-" + pid,
                                      "user-" + pid + "-1f", "cordon-" + pid + "-1f.scope",
                                      "cordon-" + pid + "-", "cordon-" + pid + "-1f-2"};
  for (const std::string& name : {stale, repeated}) {
    std::filesystem::create_directory(folder_.path() + "/" + name);
  }
  for (const std::string& name : foreign) {
    std::filesystem::create_directory(folder_.path() + "/" + name);
  }
  SweepStaleGroups(folder_.path());
  foreign.push_back("cordon-" + pid + "-1f");
  EXPECT_THAT(NamesIn(folder_.path()), testing::UnorderedElementsAreArray(foreign));
  SweepStaleGroups("/nowhere/at/all");
}

TEST_F(GroupTest, TheLockEndsWithTheProcessThatMadeTheGroup) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t maker = ::fork();
  if (maker == 0) {
    const auto group = Group::Make(folder_.path(), "/", FreshGroupName());
    if (!group.ok() || ::write(ready[1], "r", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  SweepStaleGroups(folder_.path());
  EXPECT_EQ(NamesIn(folder_.path()).size(), 1u);
  ::kill(maker, SIGKILL);
  ::waitpid(maker, nullptr, 0);
  SweepStaleGroups(folder_.path());
  EXPECT_THAT(NamesIn(folder_.path()), testing::IsEmpty());
}

TEST_F(GroupTest, WhatIsNotOursIsNeverSwept) {
  CORDON_NEEDS("root", IsRoot());
  const std::string name = folder_.path() + "/cordon-1-2f";
  std::filesystem::create_directory(name);
  ASSERT_EQ(::chown(name.c_str(), 12345, 12345), 0);
  std::filesystem::create_directory(folder_.path() + "/target");
  std::filesystem::create_directory_symlink("target", folder_.path() + "/cordon-1-3f");
  SweepStaleGroups(folder_.path());
  EXPECT_EQ(NamesIn(folder_.path()).size(), 3u);
}

// Two janitors that do nothing but sweep, against one that makes groups: none is ever lost.
TEST_F(GroupTest, NoSweepTakesAGroupFromTheOneWhoMakesIt) {
  std::atomic<bool> end{false};
  std::vector<std::thread> janitors;
  for (int i = 0; i < 2; ++i) {
    janitors.emplace_back([&] {
      while (!end) SweepStaleGroups(folder_.path());
    });
  }
  for (int i = 0; i < 300; ++i) {
    const auto group = Group::Make(folder_.path(), "/", FreshGroupName());
    EXPECT_THAT(group, IsOk()) << i;
    EXPECT_TRUE(group.ok() && std::filesystem::exists(group->directory())) << i;
  }
  end = true;
  for (std::thread& each : janitors) each.join();
  EXPECT_THAT(NamesIn(folder_.path()), testing::IsEmpty());
}

TEST_F(GroupTest, AnyUmaskWillDo) {
  const mode_t before = ::umask(0777);
  {
    const auto group = Group::Make(folder_.path(), "/", "g");
    EXPECT_THAT(group, IsOk());
    struct stat info = {};
    EXPECT_EQ(::stat((folder_.path() + "/g").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0700u);
  }
  ::umask(before);
}

}  // namespace
}  // namespace cordon
