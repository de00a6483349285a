// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/stdio_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class StdioFilesTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) { return folder_.path() + "/" + name; }
  SharedFolder folder_;
};

TEST_F(StdioFilesTest, WithoutPathsTheyAreTheCallersOwn) {
  const absl::StatusOr<StdioFiles> files = StdioFiles::Open({});
  ASSERT_THAT(files, IsOk());
  EXPECT_EQ(files->streams().in, 0);
  EXPECT_EQ(files->streams().out, 1);
  EXPECT_EQ(files->streams().err, 2);
}

TEST_F(StdioFilesTest, OutputIsMadeOrEmptied) {
  std::ofstream(Path("old")) << "what was there";
  const absl::StatusOr<StdioFiles> files = StdioFiles::Open({"", Path("new"), Path("old")});
  ASSERT_THAT(files, IsOk());
  EXPECT_EQ(FileText(Path("old")), "");
  ASSERT_EQ(::write(files->streams().out, "x", 1), 1);
  EXPECT_EQ(FileText(Path("new")), "x");
}

TEST_F(StdioFilesTest, BothInOneFileShareOnePosition) {
  const absl::StatusOr<StdioFiles> files = StdioFiles::Open({"", Path("both"), Path("both")});
  ASSERT_THAT(files, IsOk());
  ASSERT_EQ(::write(files->streams().out, "a", 1), 1);
  ASSERT_EQ(::write(files->streams().err, "b", 1), 1);
  EXPECT_EQ(FileText(Path("both")), "ab");
}

TEST_F(StdioFilesTest, OutputIsNeverWrittenThroughALinkOrIntoADevice) {
  std::ofstream(Path("target")) << "precious";
  ASSERT_EQ(::symlink("target", Path("link").c_str()), 0);
  const absl::StatusOr<UniqueFd> link = OpenOutputFile("out", Path("link"));
  ASSERT_FALSE(link.ok());
  EXPECT_EQ(DetailsOf(link.status())[0].errno_value(), ELOOP);
  EXPECT_EQ(DetailsOf(link.status())[0].policy_field(), "out");
  EXPECT_EQ(FileText(Path("target")), "precious");
  EXPECT_THAT(OpenOutputFile("out", "/dev/zero"), StatusIs(absl::StatusCode::kInvalidArgument, ""));
  EXPECT_THAT(OpenOutputFile("out", "/dev/null"), IsOk());
  ASSERT_EQ(::mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(OpenOutputFile("out", Path("fifo")).ok());  // and does not wait for a reader
}

TEST_F(StdioFilesTest, InputThatIsADirectoryOrMissingIsRefused) {
  EXPECT_THAT(OpenInputFile("in", folder_.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, "is a directory"));
  const absl::StatusOr<UniqueFd> missing = OpenInputFile("in", Path("missing"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(DetailsOf(missing.status())[0].errno_value(), ENOENT);
}

TEST_F(StdioFilesTest, OneFileByTwoNamesHasOnePosition) {
  ASSERT_EQ(::mkdir(Path("folder").c_str(), 0755), 0);
  std::ofstream(Path("both")) << "";
  ASSERT_EQ(::link(Path("both").c_str(), Path("other").c_str()), 0);
  for (const char* name : {"folder/../both", "./both", "other"}) {
    const absl::StatusOr<StdioFiles> files = StdioFiles::Open({"", Path("both"), Path(name)});
    ASSERT_THAT(files, IsOk());
    ASSERT_EQ(::write(files->streams().out, "a", 1), 1);
    ASSERT_EQ(::write(files->streams().err, "b", 1), 1);
    EXPECT_EQ(FileText(Path("both")), "ab") << name;
  }
}

// What a job has left in a folder that it could write to.
TEST_F(StdioFilesTest, InputIsNotTakenThroughALinkOfAStranger) {
  std::ofstream(Path("secret")) << "secret";
  ASSERT_EQ(::symlink("secret", Path("link").c_str()), 0);
  ASSERT_EQ(::symlink(folder_.path().c_str(), Path("folder").c_str()), 0);
  if (IsRoot()) {  // otherwise they are of this user, and so a job's
    EXPECT_THAT(OpenInputFile("in", Path("link")), IsOk());
    for (const char* name : {"link", "folder"}) {
      ASSERT_EQ(::lchown(Path(name).c_str(), 65534, 65534), 0);
    }
  }
  for (const char* name : {"link", "folder/secret"}) {
    const absl::StatusOr<UniqueFd> fd = OpenInputFile("in", Path(name));
    EXPECT_THAT(fd, StatusIs(absl::StatusCode::kPermissionDenied, "only links of root"));
    EXPECT_EQ(DetailsOf(fd.status())[0].policy_field(), "in");
  }
  EXPECT_THAT(OpenInputFile("in", Path("secret")), IsOk());
}

TEST_F(StdioFilesTest, AFifoIsNotWaitedForAndADeviceNotOpened) {
  ::alarm(30);
  ASSERT_EQ(::mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(OpenInputFile("in", Path("fifo")), IsOk());
  EXPECT_THAT(OpenInputFile("in", "/dev/null"), IsOk());
  EXPECT_THAT(OpenInputFile("in", "/dev/zero"), IsOk());
  EXPECT_THAT(OpenInputFile("in", "/dev/ptmx"), StatusIs(absl::StatusCode::kInvalidArgument, ""));
  ::alarm(0);
}

TEST_F(StdioFilesTest, InputCanBeADescriptorByItsName) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  ASSERT_EQ(::write(in.get(), "ab", 2), 2);
  for (const char* folder : {"/dev/fd/", "/proc/self/fd/"}) {
    const auto fd = OpenInputFile("in", folder + std::to_string(out.get()));
    ASSERT_THAT(fd, IsOk());
    char byte;
    EXPECT_EQ(::read(fd->get(), &byte, 1), 1);
  }
  EXPECT_THAT(OpenInputFile("in", "/dev/fd/9999").status(), HasErrorWith("EBADF"));
}

}  // namespace
}  // namespace cordon
