// SPDX-License-Identifier: Apache-2.0
#include "policy/layers/mount.h"

#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "policy/base/path.h"
#include "tests/support/policies.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;

absl::StatusOr<v1::MountPlan> Compile(absl::string_view text) {
  v1::Plan plan;
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, ParseNormal(text));
  CORDON_RETURN_IF_ERROR(CompileMount(policy, FullHost(), &plan));
  return plan.mount();
}

std::vector<std::string> Targets(const v1::MountPlan& plan) {
  std::vector<std::string> targets;
  for (const v1::MountEntry& entry : plan.entry()) targets.push_back(entry.target());
  return targets;
}

v1::MountEntry At(const v1::MountPlan& plan, absl::string_view target) {
  for (const v1::MountEntry& entry : plan.entry()) {
    if (entry.target() == target) return entry;
  }
  ADD_FAILURE() << "nothing at " << target;
  return v1::MountEntry();
}

TEST(MountTest, ABindIsReadOnlyUnlessThePolicySaysOtherwise) {
  const auto plan = Compile(R"(mounts {
    bind { source: "/a" } bind { source: "/b" target: "/x" read_only: false }
    bind { source: "/c" optional: true executable: false } })");
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(At(*plan, "/a").source(), "/a");
  EXPECT_TRUE(At(*plan, "/a").read_only());
  EXPECT_FALSE(At(*plan, "/a").no_exec());
  EXPECT_FALSE(At(*plan, "/a").optional());
  EXPECT_EQ(At(*plan, "/x").source(), "/b");
  EXPECT_FALSE(At(*plan, "/x").read_only());
  EXPECT_TRUE(At(*plan, "/c").optional());
  EXPECT_TRUE(At(*plan, "/c").no_exec());
}

TEST(MountTest, ParentsComeBeforeChildrenAndMasksLast) {
  const auto plan = Compile(R"(mounts {
    bind { source: "/s" target: "/data/in/deep" } bind { source: "/s" target: "/data" }
    tmpfs { target: "/data/in" size: "1MiB" } masked: "/data/in/deep/secret" masked: "/a"
    bind { source: "/s" target: "/data-2" } })");
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(Targets(*plan), ElementsAre("/data", "/data-2", "/data/in", "/data/in/deep", "/a",
                                          "/data/in/deep/secret"));
  EXPECT_EQ(At(*plan, "/a").kind(), v1::MountEntry::MASK);
}

TEST(MountTest, EveryEntryNamesTheFieldThatAskedForIt) {
  const auto plan = Compile(R"(mounts { bind { source: "/b" } tmpfs { target: "/t" size: "1MiB" }
      symlink { path: "/l" target: "t" } file { path: "/f" content: "x" } masked: "/m" proc {}
      dev { shm_size: "1MiB" } } working_directory: "/w")");
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(At(*plan, "/b").field(), "mounts.bind[0]");
  EXPECT_EQ(At(*plan, "/t").field(), "mounts.tmpfs[0]");
  EXPECT_EQ(At(*plan, "/l").field(), "mounts.symlink[0]");
  EXPECT_EQ(At(*plan, "/f").field(), "mounts.file[0]");
  EXPECT_EQ(At(*plan, "/m").field(), "mounts.masked[0]");
  EXPECT_EQ(At(*plan, "/w").field(), "working_directory");
  for (const v1::MountEntry& entry : plan->entry()) EXPECT_FALSE(entry.field().empty());
}

TEST(MountTest, ATmpfsHasSizeInodesModeAndIsNotExecutable) {
  const auto plan = Compile(R"(mounts {
    tmpfs { target: "/a" size: "2MiB" }
    tmpfs { target: "/b" size: "1MiB" inodes: 9 executable: true mode: 448 } })");
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(At(*plan, "/a").size_bytes(), 2u << 20);
  EXPECT_EQ(At(*plan, "/a").inodes(), 4096u);
  EXPECT_EQ(At(*plan, "/a").mode(), 01777u);
  EXPECT_TRUE(At(*plan, "/a").no_exec());
  EXPECT_FALSE(At(*plan, "/a").read_only());
  EXPECT_EQ(At(*plan, "/b").inodes(), 9u);
  EXPECT_EQ(At(*plan, "/b").mode(), 0700u);
  EXPECT_FALSE(At(*plan, "/b").no_exec());
}

TEST(MountTest, ProcShowsProcessesOnlyUnlessThePolicySaysOtherwise) {
  EXPECT_TRUE(At(*Compile("mounts { proc {} }"), "/proc").process_only());
  EXPECT_FALSE(At(*Compile("mounts { proc { process_only: false } }"), "/proc").process_only());
  EXPECT_EQ(Compile("mounts { dev {} }")->entry_size(), 6) << "no proc, and no links into it";
}

TEST(MountTest, DevIsASmallReadOnlyDirectoryOfFiveDevices) {
  const auto plan = Compile("mounts { proc {} dev {} }");
  ASSERT_THAT(plan, IsOk());
  const v1::MountEntry dev = At(*plan, "/dev");
  EXPECT_EQ(dev.kind(), v1::MountEntry::TMPFS);
  EXPECT_TRUE(dev.read_only());
  EXPECT_TRUE(dev.no_exec());
  EXPECT_LE(dev.size_bytes(), 64u * 1024);
  std::set<std::string> devices;
  for (const v1::MountEntry& entry : plan->entry()) {
    if (entry.kind() != v1::MountEntry::DEVICE) continue;
    EXPECT_EQ(entry.source(), entry.target());
    EXPECT_EQ(entry.device_major(), 1u);
    devices.insert(entry.target() + " " + std::to_string(entry.device_minor()));
  }
  EXPECT_THAT(devices, ElementsAre("/dev/full 7", "/dev/null 3", "/dev/random 8", "/dev/urandom 9",
                                   "/dev/zero 5"));
  EXPECT_EQ(At(*plan, "/dev/fd").source(), "/proc/self/fd");
  EXPECT_EQ(At(*plan, "/dev/stdout").source(), "/proc/self/fd/1");
}

TEST(MountTest, DevHasOnlyTheDevicesThatAreNamed) {
  const auto plan = Compile("mounts { dev { device: \"null\" } }");
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(Targets(*plan), ElementsAre("/dev", "/dev/null"));
}

TEST(MountTest, SharedMemoryIsThereWhenItHasASize) {
  EXPECT_EQ(At(*Compile("mounts { dev { shm_size: \"8MiB\" } }"), "/dev/shm").size_bytes(),
            8u << 20);
}

TEST(MountTest, FilesAndLinksAreEntriesOfTheRoot) {
  const auto plan = Compile(R"(mounts {
    file { path: "/etc/motd" content: "hello" } file { path: "/run.sh" executable: true }
    symlink { path: "/bin" target: "usr/bin" } })");
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(At(*plan, "/etc/motd").content(), "hello");
  EXPECT_EQ(At(*plan, "/etc/motd").mode(), 0444u);
  EXPECT_EQ(At(*plan, "/run.sh").mode(), 0555u);
  EXPECT_EQ(At(*plan, "/bin").source(), "usr/bin");
}

TEST(MountTest, TheWorkingDirectoryExists) {
  const auto added = Compile("working_directory: \"/some/where\"");
  ASSERT_THAT(added, IsOk());
  EXPECT_EQ(At(*added, "/some/where").kind(), v1::MountEntry::DIRECTORY);
  const auto inside = Compile(
      "mounts { tmpfs { target: \"/some\" size: \"1MiB\" } } working_directory: \"/some/where\"");
  ASSERT_THAT(inside, IsOk());
  EXPECT_EQ(inside->entry_size(), 1) << "what is in a mount is the mount's business";
  EXPECT_EQ(Compile("working_directory: \"/\"")->entry_size(), 0);
}

TEST(MountTest, AFileCannotBeTheWorkingDirectory) {
  EXPECT_THAT(Compile("mounts { file { path: \"/f\" content: \"x\" } } working_directory: \"/f\""),
              HasErrorWith("\"/f\" is not a directory: mounts.file[0] is a file"));
}

TEST(MountTest, NothingCanBeBelowAFileOrALink) {
  const auto below_link = Compile(R"(mounts { symlink { path: "/bin" target: "usr/bin" }
                                              bind { source: "/x" target: "/bin/x" } })");
  EXPECT_THAT(below_link, StatusIs(absl::StatusCode::kInvalidArgument, "no directory"));
  EXPECT_THAT(below_link, HasErrorWith("mounts.bind[0]"));
}

TEST(MountTest, TheRootHasRoomForItsEntriesAndNotMuchMore) {
  const auto plan = Compile("mounts { file { path: \"/a/b/c/d\" content: \"" +
                            std::string(100'000, 'x') + "\" } }");
  ASSERT_THAT(plan, IsOk());
  EXPECT_GE(plan->root_size_bytes(), 100'000u);
  EXPECT_LE(plan->root_size_bytes(), 500'000u);
  EXPECT_EQ(plan->root_size_bytes() % 4096, 0u);
  EXPECT_GE(plan->root_inodes(), 5u);
  EXPECT_LE(plan->root_inodes(), 100u);
}

}  // namespace
}  // namespace cordon
