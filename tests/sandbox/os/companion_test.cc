// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/companion.h"

#include <signal.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::HasSubstr;

constexpr int kLong = 60000;

TEST(RunCompanionTest, GivesWhatTheProgramPrints) {
  const auto text = RunCompanion("/bin/echo", {"two words", "$HOME"}, kLong);
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(*text, "two words $HOME\n");  // no shell between
  EXPECT_TRUE(ChildrenOfTest().empty());
}

TEST(RunCompanionTest, AFailureIsWhatTheProgramSaid) {
  EXPECT_THAT(RunCompanion("/bin/sh", {"-c", "echo no bus here >&2; exit 3"}, kLong),
              StatusIs(absl::StatusCode::kUnavailable, "sh: no bus here"));
  EXPECT_THAT(RunCompanion("/bin/sh", {"-c", "exit 3"}, kLong), HasErrorWith("without a word"));
  EXPECT_THAT(RunCompanion("/bin/sh", {"-c", "kill -9 $$"}, kLong), HasErrorWith("without a word"));
  EXPECT_THAT(RunCompanion("/nowhere/at/all", {}, kLong), HasErrorWith("ENOENT"));
}

TEST(RunCompanionTest, OneThatHangsIsKilled) {
  EXPECT_THAT(RunCompanion("/bin/sleep", {"1000"}, 50), HasErrorWith("did not end within 50 ms"));
  EXPECT_TRUE(ChildrenOfTest().empty());
}

TEST(RunCompanionTest, KeepsFourKibOfAFlood) {
  const auto text = RunCompanion("/bin/sh", {"-c", "head -c 100000 /dev/zero | tr '\\0' x"}, kLong);
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(text->size(), 4096u);
}

TEST(RunCompanionTest, SignalsAreAsAtAFreshStart) {
  sigset_t block;
  sigset_t before;
  ::sigemptyset(&block);
  ::sigaddset(&block, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &block, &before);
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  const auto text = RunCompanion("/bin/grep", {"-E", "SigBlk|SigIgn", "/proc/self/status"}, kLong);
  ::signal(SIGPIPE, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_THAT(text, IsOk());
  // The low 31 bits: glibc keeps two signals above them for itself.
  unsigned long blocked = 1;
  unsigned long ignored = 1;
  ASSERT_EQ(std::sscanf(text->c_str(), "SigBlk: %lx SigIgn: %lx", &blocked, &ignored), 2);
  EXPECT_EQ(blocked & 0x7fffffff, 0u);
  EXPECT_EQ(ignored & 0x7fffffff, 0u);
}

TEST(RunCompanionTest, WorksForACallerThatIgnoresItsChildren) {
  const auto old = ::signal(SIGCHLD, SIG_IGN);
  const auto good = RunCompanion("/bin/true", {}, kLong);
  const auto bad = RunCompanion("/bin/sh", {"-c", "echo refused; exit 1"}, kLong);
  ::signal(SIGCHLD, old);
  EXPECT_THAT(good, IsOk());
  EXPECT_THAT(bad, HasErrorWith("refused"));
}

TEST(BesideThisProgramTest, IsInTheSameFolder) {
  const auto path = BesideThisProgram("other");
  ASSERT_THAT(path, IsOk());
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  EXPECT_EQ(std::filesystem::path(*path).parent_path(), std::filesystem::path(self).parent_path());
  EXPECT_EQ(std::filesystem::path(*path).filename(), "other");
}

TEST(ReadAttributeTest, ReadsOrSaysThatThereIsNone) {
  SharedFolder folder;
  EXPECT_FALSE(ReadAttribute(folder.path(), "user.delegate").ok());
  EXPECT_FALSE(ReadAttribute("/nowhere/at/all", "user.delegate").ok());
  CORDON_NEEDS("extended attributes on the temporary folder",
               ::setxattr(folder.path().c_str(), "user.delegate", "1", 1, 0) == 0);
  EXPECT_EQ(ReadAttribute(folder.path(), "user.delegate").value(), "1");
}

}  // namespace
}  // namespace cordon
