// SPDX-License-Identifier: Apache-2.0
// Below a folder of a stranger's: links, "..", other file systems and long listings lead nowhere.
#include "sandbox/os/beneath.h"

#include <fcntl.h>
#include <sys/stat.h>
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

class BeneathTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(At("in/sub"));
    std::ofstream(At("secret")) << "secret";
    std::ofstream(At("in/file")) << "content";
    absl::StatusOr<UniqueFd> fd = OpenAt(kCwd, At("in"), O_PATH | O_DIRECTORY);
    ASSERT_THAT(fd, IsOk());
    root_ = *std::move(fd);
  }
  std::string At(const std::string& name) const { return folder_.path() + "/" + name; }
  SharedFolder folder_;
  UniqueFd root_;
};

TEST_F(BeneathTest, NothingLeadsOut) {
  std::filesystem::create_symlink("../secret", At("in/link"));
  std::filesystem::create_symlink(At("secret"), At("in/absolute"));
  std::filesystem::create_directory_symlink("..", At("in/up"));
  std::filesystem::create_directory_symlink("sub", At("in/same"));
  std::ofstream(At("in/sub/x")) << "x";
  std::filesystem::create_symlink("/proc/self/environ", At("in/magic"));
  // Each of them leads somewhere when links are followed.
  for (const char* path : {"link", "absolute", "up/secret", "../secret", "same/x", "magic"}) {
    EXPECT_THAT(OpenAt(root_.get(), path, O_RDONLY), IsOk()) << path;
    EXPECT_FALSE(OpenBeneath(root_.get(), path, O_RDONLY).ok()) << path;
  }
  EXPECT_FALSE(OpenBeneath(root_.get(), At("secret"), O_RDONLY).ok());
  EXPECT_THAT(OpenBeneath(root_.get(), "file", O_RDONLY), IsOk());
  EXPECT_THAT(OpenBeneath(root_.get(), "sub/x", O_RDONLY), IsOk());
  // A link itself can be looked at.
  const auto link = OpenBeneath(root_.get(), "link", O_PATH | O_NOFOLLOW);
  ASSERT_THAT(link, IsOk());
  EXPECT_EQ(KindOfFile(*StatFd(link->get())), "a symbolic link");
}

TEST_F(BeneathTest, AnotherFileSystemIsNotEntered) {
  const auto root = OpenAt(kCwd, "/", O_PATH | O_DIRECTORY);
  ASSERT_THAT(root, IsOk());
  EXPECT_THAT(OpenBeneath(root->get(), "proc/self", O_PATH | O_NOFOLLOW), HasErrorWith("EXDEV"));
}

TEST_F(BeneathTest, AFolderIsMadeOrTakenAndALinkIsNeither) {
  EXPECT_THAT(OpenFolderBeneath(root_.get(), "sub"), IsOk());
  EXPECT_THAT(OpenFolderBeneath(root_.get(), "new"), IsOk());
  EXPECT_TRUE(std::filesystem::is_directory(At("in/new")));
  std::filesystem::create_directory_symlink(folder_.path(), At("in/out"));
  EXPECT_FALSE(OpenFolderBeneath(root_.get(), "out").ok());
  EXPECT_FALSE(OpenFolderBeneath(root_.get(), "file").ok());
}

TEST_F(BeneathTest, AListingEndsWhereItIsToldTo) {
  for (const char* name : {"b", "a", "\xff", "-x", "c\n"})
    std::ofstream(At("in/sub/") + name) << "";
  const auto sub = OpenBeneath(root_.get(), "sub", O_PATH | O_DIRECTORY);
  ASSERT_THAT(sub, IsOk());
  const auto all = ListAtMost(sub->get(), 5);
  ASSERT_THAT(all, IsOk());
  EXPECT_THAT(all->names, testing::ElementsAre("-x", "a", "b", "c\n", "\xff"));
  EXPECT_FALSE(all->more);
  const auto some = ListAtMost(sub->get(), 4);
  ASSERT_THAT(some, IsOk());
  EXPECT_EQ(some->names.size(), 4u);
  EXPECT_TRUE(some->more);
  const auto file = OpenBeneath(root_.get(), "file", O_PATH);
  EXPECT_THAT(ListAtMost(file->get(), 4), HasErrorWith("ENOTDIR"));
}

TEST_F(BeneathTest, KindsHaveNames) {
  ASSERT_EQ(::mkfifo(At("in/fifo").c_str(), 0600), 0);
  const std::pair<std::string, const char*> kinds[] = {{At("in/fifo"), "a FIFO"},
                                                       {At("in/file"), "a regular file"},
                                                       {At("in"), "a folder"},
                                                       {"/dev/null", "a device"}};
  for (const auto& [path, kind] : kinds) EXPECT_EQ(KindOfFile(*StatPath(path)), kind);
}

}  // namespace
}  // namespace cordon
