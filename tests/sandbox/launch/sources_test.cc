// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/sources.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class SourcesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(folder_.path().empty());
    std::filesystem::create_directory(folder_.path() + "/dir");
    std::ofstream(folder_.path() + "/file") << "x";
    std::filesystem::create_directory_symlink("dir", folder_.path() + "/link");
  }
  v1::MountEntry* Bind(const std::string& name, bool read_only = true) {
    v1::MountEntry* entry = plan_.add_entry();
    entry->set_source(name[0] == '/' ? name : folder_.path() + "/" + name);
    entry->set_target("/t");
    entry->set_read_only(read_only);
    entry->set_field("mounts.bind[" + std::to_string(plan_.entry_size() - 1) + "]");
    return entry;
  }
  SharedFolder folder_;
  v1::MountPlan plan_;
};

TEST_F(SourcesTest, GivesTheCanonicalPathAndTheIdentity) {
  Bind("link");
  const auto sources = ResolveSources(plan_, false);
  ASSERT_THAT(sources, IsOk());
  const ResolvedSource& source = sources->entry.at(0);
  EXPECT_TRUE(source.present);
  EXPECT_EQ(source.path, folder_.path() + "/dir");
  struct stat info = {};
  ASSERT_EQ(::stat(source.path.c_str(), &info), 0);
  EXPECT_EQ(source.info.inode, info.st_ino);
  EXPECT_TRUE(source.info.IsDirectory());
}

TEST_F(SourcesTest, AMissingSourceIsAnErrorUnlessItIsOptional) {
  Bind("nothing");
  const auto missing = ResolveSources(plan_, false);
  EXPECT_THAT(missing, HasErrorWith("mounts.bind[0].source"));
  EXPECT_THAT(missing, HasErrorWith("ENOENT"));
  plan_.mutable_entry(0)->set_optional(true);
  const auto optional = ResolveSources(plan_, false);
  ASSERT_THAT(optional, IsOk());
  EXPECT_FALSE(optional->entry.at(0).present);
  EXPECT_EQ(optional->skipped.size(), 1u);
}

// "Optional" is about absence and not about rights.
TEST_F(SourcesTest, AnUnreachableOptionalSourceIsAnError) {
  CORDON_NEEDS("an unprivileged user", !IsRoot());
  ASSERT_EQ(::chmod((folder_.path() + "/dir").c_str(), 0), 0);
  Bind("dir/inner")->set_optional(true);
  EXPECT_THAT(ResolveSources(plan_, false), HasErrorWith("EACCES"));
  ::chmod((folder_.path() + "/dir").c_str(), 0755);
}

TEST_F(SourcesTest, SocketsFifosAndDevicesAreNotBound) {
  ASSERT_EQ(::mkfifo((folder_.path() + "/fifo").c_str(), 0666), 0);
  for (const std::string& name : {folder_.path() + "/fifo", std::string("/dev/null")}) {
    plan_.Clear();
    Bind(name);
    EXPECT_THAT(ResolveSources(plan_, false),
                StatusIs(absl::StatusCode::kFailedPrecondition, "neither a file nor a directory"));
  }
}

TEST_F(SourcesTest, ADeviceMustBeTheDeviceOfThatNumber) {
  v1::MountEntry* entry = plan_.add_entry();
  entry->set_kind(v1::MountEntry::DEVICE);
  entry->set_source("/dev/null");
  entry->set_device_major(1);
  entry->set_device_minor(3);
  EXPECT_THAT(ResolveSources(plan_, false), IsOk());
  entry->set_device_minor(5);
  EXPECT_FALSE(ResolveSources(plan_, false).ok());
  entry->set_source(folder_.path() + "/file");
  EXPECT_FALSE(ResolveSources(plan_, false).ok());
}

TEST_F(SourcesTest, AWritableBindOfRootDecidesTheIdsOfTheJob) {
  CORDON_NEEDS("root", IsRoot());
  ASSERT_EQ(::chown((folder_.path() + "/dir").c_str(), 4711, 4712), 0);
  Bind("dir", false);
  const auto sources = ResolveSources(plan_, true);
  ASSERT_THAT(sources, IsOk());
  EXPECT_TRUE(sources->has_owner);
  EXPECT_EQ(sources->owner.uid, 4711u);
  EXPECT_EQ(sources->owner.gid, 4712u);
}

TEST_F(SourcesTest, AGroupOfRootIsNeverTheJobsGroup) {
  CORDON_NEEDS("root", IsRoot());
  ASSERT_EQ(::chown((folder_.path() + "/dir").c_str(), 4711, 0), 0);
  Bind("dir", false);
  const auto sources = ResolveSources(plan_, true);
  ASSERT_THAT(sources, IsOk());
  EXPECT_NE(sources->owner.gid, 0u);
}

TEST_F(SourcesTest, AWritableBindThatBelongsToRootIsRefused) {
  CORDON_NEEDS("root", IsRoot());
  ASSERT_EQ(::chown((folder_.path() + "/dir").c_str(), 0, 0), 0);
  Bind("dir", false);
  EXPECT_THAT(ResolveSources(plan_, true), HasErrorWith("belongs to root"));
}

TEST_F(SourcesTest, WritableBindsOfTwoUsersAreRefused) {
  CORDON_NEEDS("root", IsRoot());
  ASSERT_EQ(::chown((folder_.path() + "/dir").c_str(), 4711, 4711), 0);
  ASSERT_EQ(::chown((folder_.path() + "/file").c_str(), 4712, 4712), 0);
  Bind("dir", false);
  Bind("file", false);
  EXPECT_THAT(ResolveSources(plan_, true), HasErrorWith("different users"));
}

TEST_F(SourcesTest, WhatNobodyCouldReadIsSaidBeforeTheJobStarts) {
  ASSERT_EQ(::chmod((folder_.path() + "/file").c_str(), 0600), 0);
  Bind("file");
  EXPECT_THAT(ResolveSources(plan_, true), HasErrorWith("chmod o+r"));
  EXPECT_THAT(ResolveSources(plan_, false), IsOk());
}

TEST(FreshHostIdTest, IsFarFromAccountsAndDifferentPerPid) {
  const auto one = FreshHostId(100, "0 0 4294967295\n");
  const auto two = FreshHostId(101, "0 0 4294967295\n");
  ASSERT_THAT(one, IsOk());
  EXPECT_GT(*one, 0x10000000u);
  EXPECT_LT(*one, 0xfffffffeu);
  EXPECT_NE(*one, *two);
}

TEST(FreshHostIdTest, StaysInsideTheRangesOfAContainer) {
  for (const uint32_t pid : {1u, 40000u, 4194304u}) {
    const auto id = FreshHostId(pid, "0 100000 65536\n");
    ASSERT_THAT(id, IsOk());
    EXPECT_GE(*id, 32768u);
    EXPECT_LT(*id, 65536u);
  }
}

TEST(FreshHostIdTest, ANamespaceWithOneIdHasNoneToSpare) {
  EXPECT_FALSE(FreshHostId(5, "0 1000 1\n").ok());
  EXPECT_FALSE(FreshHostId(5, "").ok());
  EXPECT_FALSE(FreshHostId(5, "broken\n").ok());
}

}  // namespace
}  // namespace cordon
