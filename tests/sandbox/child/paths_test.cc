// SPDX-License-Identifier: Apache-2.0
#include "sandbox/child/paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "sandbox/os/unique_fd.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"

namespace cordon::child {
namespace {

class PathsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = UniqueFd(::open(folder_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(root_.valid());
    before_ = DescriptorsOfTest().size();
  }
  // Errno of opening `path`; the descriptor is closed again.
  int Open(const std::string& path, bool directory, bool may_create) {
    int fd = -1;
    const OpResult result = OpenTarget(root_.get(), path.c_str(), directory, may_create, &fd);
    if (result.error == 0) ::close(fd);
    EXPECT_EQ(DescriptorsOfTest().size(), before_);
    return result.error;
  }
  SharedFolder folder_;
  UniqueFd root_;
  size_t before_ = 0;
};

TEST_F(PathsTest, MakesWhatIsMissingOnlyWhereItMay) {
  EXPECT_EQ(Open("/a/b/c", true, false), ENOENT);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/a"));
  EXPECT_EQ(Open("/a/b/c", true, true), 0);
  EXPECT_TRUE(std::filesystem::is_directory(folder_.path() + "/a/b/c"));
  EXPECT_EQ(Open("/a/b/f", false, true), 0);
  EXPECT_TRUE(std::filesystem::is_regular_file(folder_.path() + "/a/b/f"));
  EXPECT_EQ(Open("//a//b/", true, false), 0);
}

// What a bound tree contains must not send a mount elsewhere.
TEST_F(PathsTest, NoLinkIsFollowedAtAnyComponent) {
  std::filesystem::create_directory(folder_.path() + "/real");
  std::filesystem::create_symlink("/etc", folder_.path() + "/out");
  std::filesystem::create_symlink("real", folder_.path() + "/in");
  std::filesystem::create_symlink("/proc/self/root", folder_.path() + "/magic");
  std::filesystem::create_symlink("loop", folder_.path() + "/loop");
  std::filesystem::create_symlink("/nothing", folder_.path() + "/dangling");
  EXPECT_EQ(Open("/out/passwd", false, false), ELOOP);
  EXPECT_EQ(Open("/in/x", true, true), ELOOP);
  for (const char* name : {"/out", "/in", "/magic", "/loop", "/dangling"}) {
    for (const bool directory : {false, true}) {
      for (const bool may_create : {false, true}) {
        EXPECT_EQ(Open(name, directory, may_create), ELOOP) << name;
      }
    }
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/real/x"));
}

TEST_F(PathsTest, NothingLeadsAboveTheRoot) {
  EXPECT_NE(Open("/../etc", true, false), 0);
  EXPECT_NE(Open("..", true, false), 0);
}

TEST_F(PathsTest, ALongNameIsAnError) {
  EXPECT_EQ(Open("/" + std::string(256, 'x') + "/y", true, true), ENAMETOOLONG);
  EXPECT_EQ(Open("/" + std::string(255, 'x'), true, true), 0);
}

TEST_F(PathsTest, TheParentIsMadeAndTheLastComponentIsNot) {
  int fd = -1;
  ASSERT_EQ(OpenParent(root_.get(), "/p/q/last", &fd).error, 0);
  ::close(fd);
  EXPECT_TRUE(std::filesystem::is_directory(folder_.path() + "/p/q"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/p/q/last"));
}

TEST_F(PathsTest, IdentifyTellsObjectsApart) {
  FileId id;
  ASSERT_EQ(Identify(root_.get(), &id).error, 0);
  struct stat info = {};
  ASSERT_EQ(::fstat(root_.get(), &info), 0);
  EXPECT_EQ(id.inode, info.st_ino);
  EXPECT_TRUE(id.is_directory);
  const UniqueFd null(::open("/dev/null", O_PATH | O_CLOEXEC));
  ASSERT_EQ(Identify(null.get(), &id).error, 0);
  EXPECT_TRUE(id.is_char_device);
  EXPECT_EQ(id.rdev, uint64_t{1} << 32 | 3);
  EXPECT_EQ(Identify(-1, &id).error, EBADF);
}

TEST_F(PathsTest, ModesAndContentsAreSetThroughTheRoot) {
  ASSERT_EQ(Open("/f", false, true), 0);
  ASSERT_EQ(ChangeMode(root_.get(), "/f", 0604).error, 0);
  struct stat info = {};
  ASSERT_EQ(::stat((folder_.path() + "/f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0604u);
  ASSERT_EQ(WriteAt(root_.get(), "f", "text").error, 0);
  EXPECT_EQ(FileText(folder_.path() + "/f"), "text");
  EXPECT_EQ(WriteAt(root_.get(), "missing", "text").error, ENOENT);
}

TEST(ChildTextTest, NumbersAreWrittenWithoutLibc) {
  char buffer[24];
  EXPECT_STREQ(Decimal(0, buffer), "0");
  EXPECT_STREQ(Decimal(UINT64_MAX, buffer), "18446744073709551615");
  EXPECT_STREQ(Octal(01777, buffer), "1777");
  EXPECT_STREQ(Octal(UINT64_MAX, buffer), "1777777777777777777777");
  EXPECT_STREQ(BaseName("/a/b"), "b");
  EXPECT_STREQ(BaseName("b"), "b");
}

}  // namespace
}  // namespace cordon::child
