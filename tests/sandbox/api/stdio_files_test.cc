// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/stdio_files.h"

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

}  // namespace
}  // namespace cordon
