// SPDX-License-Identifier: Apache-2.0
// Contents: whole, with their holes, never more than allowed; files in memory that nobody changes.
#include "sandbox/os/content.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/base/sha256.h"
#include "sandbox/os/file.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class ContentTest : public testing::Test {
 protected:
  std::string At(const std::string& name) const { return folder_.path() + "/" + name; }
  UniqueFd Open(const std::string& name, int flags = O_RDWR | O_CREAT) const {
    absl::StatusOr<UniqueFd> fd = OpenAt(kCwd, At(name), flags, 0600);
    EXPECT_THAT(fd, IsOk());
    return fd.ok() ? *std::move(fd) : UniqueFd();
  }
  SharedFolder folder_;
};

TEST_F(ContentTest, ACopyIsTheSameWhateverItsSize) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{131072}, size_t{131073}, size_t{300000}}) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
    const UniqueFd from = Open("from", O_RDWR | O_CREAT | O_TRUNC);
    ASSERT_THAT(WriteAll(from.get(), "from", text), IsOk());
    const UniqueFd to = Open("to", O_RDWR | O_CREAT | O_TRUNC);
    const auto content = CopyContent(from.get(), "from", size, to.get());
    ASSERT_THAT(content, IsOk());
    EXPECT_EQ(content->bytes, size);
    EXPECT_EQ(content->sha256, Sha256Hex(text));
    EXPECT_EQ(FileText(At("to")), text);
    const auto hash = HashContent(from.get(), "from", size);
    ASSERT_THAT(hash, IsOk());
    EXPECT_EQ(hash->sha256, content->sha256);
  }
}

TEST_F(ContentTest, HolesStayHolesAndCountInSizeAndHash) {
  constexpr off_t kSize = off_t{3} << 20;
  const UniqueFd from = Open("from");
  ASSERT_EQ(::pwrite(from.get(), "x", 1, off_t{1} << 20), 1);
  ASSERT_EQ(::ftruncate(from.get(), kSize), 0);
  const UniqueFd to = Open("to");
  const auto content = CopyContent(from.get(), "from", kSize, to.get());
  ASSERT_THAT(content, IsOk());
  std::string expected(kSize, '\0');
  expected[1 << 20] = 'x';
  EXPECT_EQ(content->sha256, Sha256Hex(expected));
  EXPECT_EQ(FileText(At("to")), expected);
  struct stat info = {};
  ASSERT_EQ(::fstat(to.get(), &info), 0);
  EXPECT_LT(info.st_blocks * 512, off_t{1} << 20);
}

TEST_F(ContentTest, WhatIsLargerThanAllowedIsRefusedBeforeItIsRead) {
  const UniqueFd from = Open("from");
  ASSERT_EQ(::ftruncate(from.get(), off_t{1} << 40), 0);
  const UniqueFd to = Open("to");
  const auto content = CopyContent(from.get(), "from", 1000, to.get());
  EXPECT_THAT(content, StatusIs(absl::StatusCode::kResourceExhausted,
                                "is 1099511627776 bytes long; at most 1000"));
  EXPECT_EQ(StatFd(to.get())->size, 0u);
}

TEST_F(ContentTest, OnlyRegularFilesHaveContent) {
  ASSERT_EQ(::mkfifo(At("fifo").c_str(), 0600), 0);
  const UniqueFd fifo = Open("fifo", O_RDONLY | O_NONBLOCK);
  const UniqueFd folder = Open(".", O_RDONLY | O_DIRECTORY);
  for (const int fd : {fifo.get(), folder.get()}) {
    EXPECT_THAT(HashContent(fd, "it", 1000), HasErrorWith("it is not a regular file"));
  }
}

// What a file system says it has and does not give, such as a file of sysfs: 4096 bytes, mostly.
TEST_F(ContentTest, AFileOfAnotherSizeThanItSaidIsAnError) {
  const auto file = OpenAt(kCwd, "/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY);
  CORDON_NEEDS("a file of sysfs", file.ok());
  EXPECT_THAT(HashContent(file->get(), "it", 1 << 20), HasErrorWith("changed while it was read"));
}

// Somebody is alive who should not be. What was copied never exceeds the size that was seen.
TEST_F(ContentTest, AFileThatGrowsMeanwhileIsAnError) {
  const UniqueFd from = Open("from");
  ASSERT_THAT(WriteAll(from.get(), "from", std::string(1 << 20, 'x')), IsOk());
  std::atomic<bool> stop(false);
  std::thread writer([&] {
    const UniqueFd more = Open("from", O_WRONLY | O_APPEND);
    for (int i = 1; !stop.load(); ++i) {
      EXPECT_THAT(WriteAll(more.get(), "from", "y"), IsOk());
      if (i % 1000 != 0) continue;
      EXPECT_THAT(Truncate(more.get(), "from", 1 << 20), IsOk());
    }
  });
  int changed = 0;
  constexpr uint64_t kLimit = (1 << 20) + 4096;
  for (int i = 0; i < 1000 && changed == 0; ++i) {
    const UniqueFd to = Open("to", O_RDWR | O_CREAT | O_TRUNC);
    const auto content = CopyContent(from.get(), "from", kLimit, to.get());
    EXPECT_LE(StatFd(to.get())->size, kLimit);
    if (content.ok()) continue;
    EXPECT_THAT(content, HasErrorWith("changed while it was read"));
    ++changed;
  }
  stop.store(true);
  writer.join();
  EXPECT_GT(changed, 0);
}

TEST_F(ContentTest, ACopyCanStandBehindOthers) {
  const UniqueFd from = Open("from");
  ASSERT_THAT(WriteAll(from.get(), "from", "two"), IsOk());
  const UniqueFd to = Open("to");
  ASSERT_THAT(WriteContent(to.get(), "to", "one", 0), IsOk());
  ASSERT_THAT(CopyContent(from.get(), "from", 3, to.get(), 3), IsOk());
  EXPECT_EQ(FileText(At("to")), "onetwo");
}

TEST(MemoryFileTest, ASealedOneIsNotChangedByAnybody) {
  const auto fd = MakeMemoryFile("test");
  ASSERT_THAT(fd, IsOk());
  EXPECT_GT(fd->get(), 15);
  EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_THAT(WriteContent(fd->get(), "test", "abc", 0), IsOk());
  ASSERT_THAT(SealMemoryFile(fd->get()), IsOk());
  EXPECT_THAT(WriteContent(fd->get(), "test", "x", 0), HasErrorWith("EPERM"));
  EXPECT_THAT(Truncate(fd->get(), "test", 0), HasErrorWith("EPERM"));
  EXPECT_THAT(Truncate(fd->get(), "test", 100), HasErrorWith("EPERM"));
  EXPECT_THAT(SealMemoryFile(fd->get()), HasErrorWith("EPERM"));
}

}  // namespace
}  // namespace cordon
