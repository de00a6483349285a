// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/file.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/process.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class FileTest : public testing::Test {
 protected:
  std::string At(const std::string& name) const { return folder_.path() + "/" + name; }
  SharedFolder folder_;
};

TEST(ErrnoStatusTest, NamesCallObjectAndErrno) {
  const absl::Status status = ErrnoStatus("openat", "/x", ENOENT);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(status, HasErrorWith("openat(\"/x\"): ENOENT"));
  EXPECT_EQ(ErrnoStatus("a", "b", EACCES).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrnoStatus("a", "b", EMFILE).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoStatus("a", "b", EIO).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(FileTest, DescriptorsAreClosedOnExecAndOnDestruction) {
  const size_t before = DescriptorsOfTest().size();
  {
    const auto fd = OpenAt(kCwd, At("f"), O_WRONLY | O_CREAT, 0600);
    ASSERT_THAT(fd, IsOk());
    EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
    const auto copy = Duplicate(fd->get());
    ASSERT_THAT(copy, IsOk());
    EXPECT_NE(::fcntl(copy->get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_GT(copy->get(), 2);
  }
  EXPECT_EQ(DescriptorsOfTest().size(), before);
}

TEST_F(FileTest, APartIsReadWhereverThePositionIs) {
  const auto fd = OpenAt(kCwd, At("f"), O_RDWR | O_CREAT | O_APPEND, 0600);
  ASSERT_THAT(fd, IsOk());
  ASSERT_THAT(WriteAll(fd->get(), "f", "0123456789"), IsOk());
  EXPECT_EQ(*ReadFrom(fd->get(), "f", 3, 4), "3456");
  ASSERT_THAT(WriteAll(fd->get(), "f", "ab"), IsOk());  // behind the end all the same
  EXPECT_EQ(*ReadFrom(fd->get(), "f", 8, 100), "89ab");
  EXPECT_EQ(*ReadFrom(fd->get(), "f", 12, 1), "");
  EXPECT_EQ(*ReadFrom(fd->get(), "f", 0, 0), "");
  const auto pipe = MakePipe();
  ASSERT_THAT(pipe, IsOk());
  EXPECT_THAT(ReadFrom(pipe->read.get(), "a pipe", 0, 1), HasErrorWith("ESPIPE"));
}

TEST_F(FileTest, AnOwnerIsChangedThroughADescriptor) {
  const auto pipe = MakePipe();
  ASSERT_THAT(pipe, IsOk());
  // To itself, which everybody may.
  EXPECT_THAT(ChangeOwner(pipe->read.get(), ::geteuid(), ::getegid()), IsOk());
  EXPECT_THAT(ChangeOwner(-1, ::geteuid(), ::getegid()), HasErrorWith("EBADF"));
  if (::geteuid() != 0) return;
  ASSERT_THAT(ChangeOwner(pipe->read.get(), 65534, 65533), IsOk());
  const auto info = StatFd(pipe->write.get());
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->uid, 65534u);
  EXPECT_EQ(info->gid, 65533u);
}

TEST_F(FileTest, MovingADescriptorClosesTheOldOneOnce) {
  UniqueFd a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  UniqueFd b(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int old = b.get();
  const int kept = a.get();
  b = std::move(a);
  EXPECT_EQ(b.get(), kept);
  EXPECT_FALSE(a.valid());
  EXPECT_EQ(::fcntl(old, F_GETFD), -1);
  EXPECT_THAT(CheckDescriptor(kept, "kept"), IsOk());
  EXPECT_THAT(CheckDescriptor(old, "--report-fd"), HasErrorWith("EBADF"));
}

TEST_F(FileTest, ReadsWholeFilesUpToTheLimit) {
  const auto fd = OpenAt(kCwd, At("f"), O_WRONLY | O_CREAT, 0600);
  ASSERT_THAT(WriteAll(fd->get(), "f", std::string(50000, 'x')), IsOk());
  EXPECT_EQ(ReadAt(kCwd, At("f")).value().size(), 50000u);
  EXPECT_EQ(ReadAt(kCwd, At("f"), 50000).value().size(), 50000u);
  EXPECT_EQ(ReadAt(kCwd, At("f"), 49999).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(ReadAt(kCwd, At("missing")), HasErrorWith("ENOENT"));
}

TEST_F(FileTest, WriteAtWantsAnExistingFile) {
  EXPECT_FALSE(WriteAt(kCwd, At("new"), "x").ok());
  EXPECT_FALSE(std::filesystem::exists(At("new")));
}

TEST_F(FileTest, WriteAllReportsAPipeWithoutAReader) {
  ::signal(SIGPIPE, SIG_IGN);
  absl::StatusOr<Pipe> pipe = MakePipe();
  ASSERT_THAT(pipe, IsOk());
  pipe->read.Reset();
  EXPECT_THAT(WriteAll(pipe->write.get(), "pipe", "x"), HasErrorWith("EPIPE"));
}

TEST_F(FileTest, DirectoriesAreMadeListedAndRemoved) {
  const auto dir = OpenAt(kCwd, folder_.path(), O_RDONLY | O_DIRECTORY);
  ASSERT_THAT(dir, IsOk());
  ASSERT_THAT(MakeDirectoryAt(dir->get(), "a", 0755), IsOk());
  EXPECT_THAT(MakeDirectoryAt(dir->get(), "a", 0755), HasErrorWith("EEXIST"));
  EXPECT_THAT(ListDirectory(dir->get()).value(), testing::ElementsAre("a"));
  EXPECT_THAT(ListDirectory(dir->get()).value(), testing::ElementsAre("a"));  // not used up
  EXPECT_THAT(RemoveDirectoryAt(dir->get(), "a"), IsOk());
  EXPECT_THAT(RemoveDirectoryAt(dir->get(), "a"), HasErrorWith("ENOENT"));
}

TEST_F(FileTest, StatTellsKindsApart) {
  EXPECT_TRUE(StatPath("/")->IsDirectory());
  EXPECT_TRUE(StatPath("/dev/null")->IsCharDevice());
  EXPECT_EQ(StatPath("/dev/null")->rdev, uint64_t{1} << 32 | 3);
  const auto fd = OpenAt(kCwd, At("f"), O_WRONLY | O_CREAT, 0640);
  EXPECT_TRUE(StatFd(fd->get())->IsRegular());
  EXPECT_EQ(StatFd(fd->get())->inode, StatPath(At("f"))->inode);
  EXPECT_EQ(StatFd(fd->get())->mode & 0777, 0640u);
  EXPECT_FALSE(StatPath(At("missing")).ok());
}

TEST_F(FileTest, LinksAreResolvedWhereAskedFor) {
  std::filesystem::create_symlink("nowhere", At("link"));
  EXPECT_EQ(ReadLinkAt(kCwd, At("link")).value(), "nowhere");
  EXPECT_THAT(RealPath(At("link")), HasErrorWith("ENOENT"));
  EXPECT_EQ(RealPath(folder_.path() + "/.").value(), folder_.path());
  EXPECT_EQ(CurrentDirectory(), std::filesystem::current_path().string());
}

TEST_F(FileTest, RenameReplacesAndRemoveRemoves) {
  (void)OpenAt(kCwd, At("a"), O_WRONLY | O_CREAT, 0600);
  ASSERT_THAT(RenameFile(At("a"), At("b")), IsOk());
  EXPECT_FALSE(RenameFile(At("a"), At("b")).ok());
  RemoveFile(At("b"));
  EXPECT_FALSE(std::filesystem::exists(At("b")));
}

TEST_F(FileTest, MayWriteAsksForTheEffectiveIds) {
  EXPECT_TRUE(MayWrite(kCwd, "/dev/null"));
  EXPECT_EQ(MayWrite(kCwd, "/etc/passwd"), IsRoot());
  EXPECT_FALSE(MayWrite(kCwd, At("missing")));
}

// In a process of its own, because it closes stdio.
TEST(EnsureStdioTest, FillsWhatIsClosedAndNothingElse) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ::close(0);
    ::close(2);
    const bool ok = EnsureStdio().ok() && ::fcntl(0, F_GETFD) >= 0 && ::fcntl(2, F_GETFD) >= 0 &&
                    (::fcntl(0, F_GETFL) & O_ACCMODE) == O_RDONLY &&
                    (::fcntl(2, F_GETFL) & O_ACCMODE) == O_WRONLY;
    ::_exit(ok ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST(SharedMemoryTest, IsZeroSharedWithChildrenAndMovable) {
  absl::StatusOr<SharedMemory> made = SharedMemory::Make(8192);
  ASSERT_THAT(made, IsOk());
  SharedMemory memory;
  memory = *std::move(made);
  auto* bytes = static_cast<char*>(memory.data());
  EXPECT_EQ(bytes[0], 0);
  EXPECT_EQ(bytes[8191], 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    bytes[8191] = 'c';
    ::_exit(0);
  }
  ::waitpid(pid, nullptr, 0);
  EXPECT_EQ(bytes[8191], 'c');
}

// Links and dots are meant as a process whose root it is would mean them.
TEST_F(FileTest, OpenInRootCannotBeLedOut) {
  std::filesystem::create_directories(At("in/etc"));
  std::filesystem::create_symlink("/etc", At("in/absolute"));
  std::filesystem::create_symlink("../../../etc", At("in/upwards"));
  const absl::StatusOr<UniqueFd> root = OpenAt(kCwd, At("in"), O_PATH | O_DIRECTORY);
  ASSERT_THAT(root, IsOk());
  const FileInfo wanted = StatPath(At("in/etc")).value();
  for (const char* path : {"/etc", "/absolute", "/upwards", "/../../etc"}) {
    const absl::StatusOr<UniqueFd> found = OpenInRoot(root->get(), path);
    ASSERT_THAT(found, IsOk()) << path;
    EXPECT_EQ(StatFd(found->get())->inode, wanted.inode) << path;
  }
  EXPECT_THAT(OpenInRoot(root->get(), "/proc"), HasErrorWith("ENOENT"));
}

TEST(SharedMemoryTest, LaterChildrenCanBeKeptFromIt) {
  absl::StatusOr<SharedMemory> memory = SharedMemory::Make(4096);
  ASSERT_THAT(memory, IsOk());
  // Whether a child that is made now can read it: an address that is not there is EFAULT.
  const auto child_reads = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      int ends[2];
      if (::pipe(ends) != 0) ::_exit(2);
      ::_exit(::write(ends[1], memory->data(), 1) == 1 ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(child_reads(), 1);
  ASSERT_THAT(memory->KeepFromLaterChildren(), IsOk());
  EXPECT_EQ(child_reads(), 0);
  static_cast<char*>(memory->data())[0] = 'x';  // still ours
}

}  // namespace
}  // namespace cordon
