// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/sources.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
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
  Bind(IsRoot() ? "link" : "dir");  // the link is root's then
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

// R28: who may write where the source lies does not decide what is bound.
TEST_F(SourcesTest, ALinkOfAStrangerIsRefusedAlsoWhenTheSourceIsOptional) {
  if (IsRoot()) {
    ASSERT_EQ(::lchown((folder_.path() + "/link").c_str(), 65534, 65534), 0);
  }
  Bind("link")->set_optional(true);
  const auto refused = ResolveSources(plan_, IsRoot());
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied, "symbolic link"));
  EXPECT_THAT(refused, HasErrorWith("mounts.bind[0].source"));
  EXPECT_THAT(refused, HasErrorWith("name " + folder_.path() + "/dir itself"));
}

// What a policy may not name, no link may stand for; nor another mount of the same file system.
TEST_F(SourcesTest, WhatNoPolicyMayBindIsNotBoundUnderAnotherName) {
  CORDON_NEEDS("root, whose links are followed", IsRoot());
  for (const char* forbidden : {"/", "/proc", "/proc/sys", "/dev", "/sys"}) {
    const std::string name = folder_.path() + "/to";
    std::filesystem::create_directory_symlink(forbidden, name);
    plan_.Clear();
    Bind("to");
    EXPECT_THAT(ResolveSources(plan_, true), HasErrorWith("cannot be bound")) << forbidden;
    std::filesystem::remove(name);
  }
  std::filesystem::create_directory_symlink("/usr", folder_.path() + "/to");
  EXPECT_THAT(ResolveSources(plan_, true), IsOk());
}

TEST_F(SourcesTest, AProcfsOfTheHostIsFoundUnderAnyName) {
  CORDON_NEEDS("root", IsRoot());
  const std::string place = folder_.path() + "/dir";
  ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  ASSERT_EQ(::mount("proc", place.c_str(), "proc", 0, nullptr), 0);
  Bind("dir");
  EXPECT_THAT(ResolveSources(plan_, true), HasErrorWith("shows processes of the host"));
  plan_.Clear();
  Bind("dir/sys");
  EXPECT_THAT(ResolveSources(plan_, true), HasErrorWith("shows processes of the host"));
  plan_.Clear();
  Bind(".");
  EXPECT_THAT(ResolveSources(plan_, true), HasErrorWith("would come along"));
  ASSERT_EQ(::umount2(place.c_str(), MNT_DETACH), 0);
  EXPECT_THAT(ResolveSources(plan_, true), IsOk());
  plan_.Clear();
  Bind("dir/sys");
  EXPECT_THAT(ResolveSources(plan_, true), HasErrorWith("mounts.bind[0].source"));  // no dir/sys
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

// A table as mountinfo gives it, and a source on one of its mounts.
ResolvedSources SourceAt(const std::string& path, uint64_t mount) {
  ResolvedSources sources;
  ResolvedSource source;
  source.present = true;
  source.path = path;
  source.info.mount = mount;
  source.info.mode = 0040755;
  sources.entry = {source};
  return sources;
}

std::vector<std::string> Below(const ResolvedSources& sources) {
  std::vector<std::string> below;
  for (const MountInfo& mount : sources.entry[0].below) {
    below.push_back(mount.mount_point + " " + mount.device);
  }
  return below;
}

constexpr char kTable[] =
    "1 1 0:1 / / rw - rootfs rootfs rw\n"
    "20 1 8:1 /@root / rw,relatime shared:1 - btrfs /dev/sda1 rw\n"
    "30 21 8:4 / /usr/local/lib ro - ext4 /dev/sda4 rw\n"
    "21 20 8:2 / /usr/local rw,noatime - ext4 /dev/sda2 rw\n"
    "22 20 8:3 / /usrlocal rw - ext4 /dev/sda3 rw\n"
    "23 20 0:9 / /mnt rw - tmpfs none rw\n"
    "24 23 0:10 / /mnt/a rw - tmpfs none rw\n"
    "25 23 0:11 / /mnt rw - tmpfs none rw\n"
    "26 25 0:12 / /mnt/a rw - tmpfs none rw\n"
    "27 26 0:4 net:[4026] /mnt/a/net rw - nsfs nsfs rw\n"
    "28 26 0:4 mnt:[4027] /mnt/a/mnt rw - nsfs nsfs rw\n";

TEST(TakeSourceMountsTest, ACloneShowsThePartThatItsPathIs) {
  const auto table = ParseMountInfo(kTable);
  ASSERT_THAT(table, IsOk());
  const struct {
    const char* path;
    uint64_t mount;
    const char* root;
  } cases[] = {{"/usr", 20, "/@root/usr"},
               {"/usr/local", 21, "/"},
               {"/usr/local/share/x", 21, "/share/x"},
               {"/", 20, "/@root"}};
  for (const auto& each : cases) {
    ResolvedSources sources = SourceAt(each.path, each.mount);
    ASSERT_THAT(TakeSourceMounts(*table, &sources), IsOk());
    EXPECT_EQ(sources.entry[0].mount.root, each.root) << each.path;
    EXPECT_EQ(sources.entry[0].mount.mount_point, "");
  }
  ResolvedSources sources = SourceAt("/usr/local", 21);
  ASSERT_THAT(TakeSourceMounts(*table, &sources), IsOk());
  EXPECT_EQ(sources.entry[0].mount.type, "ext4");
  EXPECT_EQ(sources.entry[0].mount.device, "8:2");
  EXPECT_TRUE(sources.entry[0].mount.Has("noatime"));
  EXPECT_EQ(sources.file_systems.count("tmpfs 0:12"), 1u);
}

TEST(TakeSourceMountsTest, ADirectoryBringsAlongWhatIsMountedBelowIt) {
  const auto table = ParseMountInfo(kTable);
  ASSERT_THAT(table, IsOk());
  const auto below = [&](const std::string& path, uint64_t mount, uint32_t mode) {
    ResolvedSources sources = SourceAt(path, mount);
    sources.entry[0].info.mode = mode;
    EXPECT_THAT(TakeSourceMounts(*table, &sources), IsOk());
    return Below(sources);
  };
  EXPECT_THAT(below("/usr", 20, 0040755), testing::ElementsAre("/local 8:2", "/local/lib 8:4"));
  EXPECT_THAT(below("/usr/local", 21, 0040755), testing::ElementsAre("/lib 8:4"));
  EXPECT_THAT(below("/usr/local/share", 21, 0040755), testing::IsEmpty());
  EXPECT_THAT(below("/usr", 20, 0100644), testing::IsEmpty());  // a file brings nothing
  // Of two mounts on one place the path leads to the upper one, and only what is on that comes.
  // A mount that holds a mount namespace is not copied by the kernel.
  EXPECT_THAT(below("/mnt", 25, 0040755), testing::ElementsAre("/a 0:12", "/a/net 0:4"));
  // From above both come, and what is covered as well.
  EXPECT_THAT(below("/", 20, 0040755),
              testing::UnorderedElementsAre("/usr/local 8:2", "/usr/local/lib 8:4", "/usrlocal 8:3",
                                            "/mnt 0:9", "/mnt/a 0:10", "/mnt 0:11", "/mnt/a 0:12",
                                            "/mnt/a/net 0:4"));
}

TEST(TakeSourceMountsTest, AMountThatIsNotInTheTableIsAnError) {
  const auto table = ParseMountInfo(kTable);
  ASSERT_THAT(table, IsOk());
  ResolvedSources gone = SourceAt("/usr", 99);
  EXPECT_THAT(TakeSourceMounts(*table, &gone), HasErrorWith("does not show the mount of /usr"));
  ResolvedSources elsewhere = SourceAt("/usr", 22);
  EXPECT_THAT(TakeSourceMounts(*table, &elsewhere), HasErrorWith("does not show"));
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
