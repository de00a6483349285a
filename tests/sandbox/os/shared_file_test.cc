// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/shared_file.h"

#include <fcntl.h>

#include <string>

#include "gmock/gmock.h"
#include "sandbox/os/file.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class SharedFileTest : public testing::Test {
 protected:
  // Each call is an open file of its own, as of another process.
  UniqueFd Open() const {
    return OpenAt(kCwd, folder_.path() + "/file", O_RDWR | O_CREAT, 0600).value();
  }
  SharedFolder folder_;
};

TEST_F(SharedFileTest, ManyShareAndOneExcludes) {
  UniqueFd one = Open();
  UniqueFd two = Open();
  const UniqueFd three = Open();
  EXPECT_TRUE(LockShared(one.get(), 0));
  EXPECT_TRUE(LockShared(two.get(), 0));
  EXPECT_FALSE(LockFile(three.get(), 0));
  one.Reset();
  EXPECT_FALSE(LockFile(three.get(), 0));
  two.Reset();
  EXPECT_TRUE(LockFile(three.get(), 0));
  EXPECT_FALSE(LockShared(Open().get(), 5));
}

TEST_F(SharedFileTest, ARemovedFileIsNoticedByThoseWhoHaveItOpen) {
  const UniqueFd file = Open();
  EXPECT_TRUE(HasName(file.get()));
  const UniqueFd folder = OpenAt(kCwd, folder_.path(), O_RDONLY | O_DIRECTORY).value();
  EXPECT_THAT(RemoveFileAt(folder.get(), "file"), IsOk());
  EXPECT_FALSE(HasName(file.get()));
  EXPECT_THAT(RemoveFileAt(folder.get(), "file"), HasErrorWith("ENOENT"));
  EXPECT_FALSE(HasName(-1));
}

TEST_F(SharedFileTest, ShorterContentLeavesNothingOfTheLongerOne) {
  const UniqueFd file = Open();
  EXPECT_THAT(ReplaceContent(file.get(), "file", "a longer text"), IsOk());
  EXPECT_THAT(ReplaceContent(file.get(), "file", "short"), IsOk());
  EXPECT_EQ(FileText(folder_.path() + "/file"), "short");
}

TEST_F(SharedFileTest, AgeIsSinceTheLastTouch) {
  const UniqueFd file = Open();
  const struct timespec old[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(::futimens(file.get(), old), 0);
  constexpr uint64_t kYear = uint64_t{365} * 86400 * 1000000000;
  EXPECT_GT(AgeNs(file.get()), kYear);
  Touch(file.get());
  EXPECT_LT(AgeNs(file.get()), kYear);
}

}  // namespace
}  // namespace cordon
