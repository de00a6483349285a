// SPDX-License-Identifier: Apache-2.0
// A staged file has no name before it is whole, and takes one as one step.
#include "sandbox/os/staged_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
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

TEST_F(StagedFileTest, WhatAKilledWriterLeftIsRemovedAndALivingOnesStays) {
  constexpr char kLeft[] = ".cordon-0123456789abcdef";
  constexpr char kLives[] = ".cordon-00000000deadbeef";
  for (const char* name : {kLeft, kLives}) std::ofstream(At(name)) << "half";
  const UniqueFd writer(::open(At(kLives).c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_THAT(TryLock(writer.get()), IsOk());
  RemoveLeftStages(dir_.get(), 0);
  EXPECT_EQ(NamesIn(folder_.path()).size(), 2u);
  RemoveLeftStages(dir_.get());
  EXPECT_THAT(NamesIn(folder_.path()), testing::ElementsAre(kLives));
}

// Its own writer holds the lock from the first moment, whatever name it has.
TEST_F(StagedFileTest, AStageIsLockedByItsWriter) {
  const StagedFile file = Make("half");
  const UniqueFd other(
      ::open(absl::StrCat("/proc/self/fd/", file.fd()).c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(other.valid());
  EXPECT_THAT(TryLock(other.get()), HasErrorWith("EAGAIN"));
}

TEST_F(StagedFileTest, NothingElseIsRemoved) {
  std::ofstream(At("precious")) << "precious";
  ASSERT_EQ(::link(At("precious").c_str(), At(".cordon-1111111111111111").c_str()), 0);
  ASSERT_EQ(::symlink("precious", At(".cordon-2222222222222222").c_str()), 0);
  ASSERT_EQ(::mkfifo(At(".cordon-3333333333333333").c_str(), 0600), 0);
  ASSERT_EQ(::mkdir(At(".cordon-4444444444444444").c_str(), 0700), 0);
  for (const char* name : {".cordon-555555555555555", ".cordon-66666666666666666",
                           ".cordon-777777777777777G", ".cordon-x", "cordon-8888888888888888"}) {
    std::ofstream(At(name)) << "another's";
  }
  if (IsRoot()) {
    std::ofstream(At(".cordon-9999999999999999")) << "a stranger's";
    ASSERT_EQ(::chown(At(".cordon-9999999999999999").c_str(), 65534, 65534), 0);
  }
  const auto before = NamesIn(folder_.path());
  ::alarm(30);  // a FIFO is not waited for
  RemoveLeftStages(dir_.get());
  ::alarm(0);
  EXPECT_EQ(NamesIn(folder_.path()), before);
}

}  // namespace
}  // namespace cordon
