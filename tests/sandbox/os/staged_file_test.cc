// SPDX-License-Identifier: Apache-2.0
// A staged file has no name before it is whole, and takes one as one step.
#include "sandbox/os/staged_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/file.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class StagedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<UniqueFd> fd = OpenAt(kCwd, folder_.path(), O_PATH | O_DIRECTORY);
    ASSERT_THAT(fd, IsOk());
    dir_ = *std::move(fd);
  }
  StagedFile Make(const std::string& text) const {
    absl::StatusOr<StagedFile> file = StagedFile::Make(dir_.get());
    EXPECT_THAT(file, IsOk());
    EXPECT_THAT(WriteAll(file->fd(), "staged", text), IsOk());
    return *std::move(file);
  }
  std::string At(const std::string& name) const { return folder_.path() + "/" + name; }
  SharedFolder folder_;
  UniqueFd dir_;
};

TEST_F(StagedFileTest, NothingIsLeftOfOneThatIsGivenUp) {
  { const StagedFile file = Make("x"); }
  EXPECT_THAT(NamesIn(folder_.path()), testing::IsEmpty());
}

TEST_F(StagedFileTest, ReplacingIsOneStepAndTakesLinksForWhatTheyAre) {
  std::ofstream(At("old")) << "old";
  std::ofstream(At("elsewhere")) << "untouched";
  std::filesystem::create_symlink("elsewhere", At("link"));
  for (const char* name : {"new", "old", "link"}) {
    StagedFile file = Make("content");
    ASSERT_THAT(file.Replace(name), IsOk());
    EXPECT_EQ(FileText(At(name)), "content");
    EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(At(name))));
  }
  EXPECT_EQ(FileText(At("elsewhere")), "untouched");
  EXPECT_THAT(NamesIn(folder_.path()),
              testing::UnorderedElementsAre("new", "old", "link", "elsewhere"));
}

TEST_F(StagedFileTest, AFolderIsNotReplacedAndNothingIsLeft) {
  std::filesystem::create_directory(At("folder"));
  {
    StagedFile file = Make("content");
    EXPECT_FALSE(file.Replace("folder").ok());
  }
  EXPECT_THAT(NamesIn(folder_.path()), testing::ElementsAre("folder"));
}

TEST_F(StagedFileTest, AddingNeverReplaces) {
  StagedFile first = Make("first");
  const auto added = first.Add("name");
  ASSERT_THAT(added, IsOk());
  EXPECT_TRUE(*added);
  {
    StagedFile second = Make("second");
    const auto again = second.Add("name");
    ASSERT_THAT(again, IsOk());
    EXPECT_FALSE(*again);
  }
  EXPECT_EQ(FileText(At("name")), "first");
  EXPECT_THAT(NamesIn(folder_.path()), testing::ElementsAre("name"));
}

TEST_F(StagedFileTest, SettlingSetsTheMode) {
  const mode_t mask = ::umask(0077);
  StagedFile file = Make("x");
  ::umask(mask);
  EXPECT_EQ(StatFd(file.fd())->mode & 07777u, 0600u);
  ASSERT_THAT(file.Settle(0555), IsOk());
  EXPECT_EQ(StatFd(file.fd())->mode & 07777u, 0555u);
}

TEST_F(StagedFileTest, ItsPassingNameIsKnownAgain) {
  EXPECT_TRUE(StagedFile::IsPassing(".cordon-0123456789abcdef"));
  for (const char* name : {".cordon-", "cordon-0123456789abcdef", ".cordon-0123456789abcde",
                           ".cordon-0123456789abcdef0", ".cordon-0123456789abcdeX", ""}) {
    EXPECT_FALSE(StagedFile::IsPassing(name)) << name;
  }
}

// Where there is no O_TMPFILE (procfs has neither it nor room for another file).
TEST_F(StagedFileTest, AFolderThatTakesNoFilesIsAnError) {
  const auto proc = OpenAt(kCwd, "/proc/self", O_PATH | O_DIRECTORY);
  ASSERT_THAT(proc, IsOk());
  EXPECT_FALSE(StagedFile::Make(proc->get()).ok());
}

}  // namespace
}  // namespace cordon
