// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_files.h"

#include "gmock/gmock.h"
#include "tests/support/explained.h"

namespace cordon {
namespace {

std::string TextOf(const v1::Explanation& explanation, absl::string_view path) {
  return RowOf(explanation, "files", path).text();
}

TEST(ExplainFilesTest, SaysWhatEachPathIsAndWhoseItIs) {
  const v1::Explanation explanation = Explained(R"(mounts {
    bind { source: "/usr" }
    bind { source: "/srv/out" target: "/out" read_only: false executable: false optional: true }
    tmpfs { target: "/tmp" size: "16MiB" inodes: 9 }
    tmpfs { target: "/work" size: "1MiB" inodes: 8 executable: true }
    symlink { path: "/bin" target: "usr/bin" } file { path: "/f" content: "abc" }
    proc {} dev { device: "null" shm_size: "2MiB" } masked: "/usr/games" }
    working_directory: "/work")");
  EXPECT_EQ(TextOf(explanation, "/usr"), "read-only: the host's /usr");
  EXPECT_EQ(TextOf(explanation, "/out"),
            "WRITABLE, and changes stay: the host's /srv/out, where it exists; no program in it "
            "runs");
  EXPECT_EQ(TextOf(explanation, "/tmp"),
            "writable, empty at the start: up to 16MiB and 9 files, kept in memory and gone "
            "afterwards; no program in it runs");
  EXPECT_EQ(TextOf(explanation, "/work"),
            "writable, empty at the start: up to 1MiB and 8 files, kept in memory and gone "
            "afterwards; programs written there run");
  EXPECT_EQ(TextOf(explanation, "/bin"), "a link to usr/bin");
  EXPECT_EQ(TextOf(explanation, "/f"), "read-only: 3 bytes that the policy spells out");
  EXPECT_EQ(TextOf(explanation, "/proc"), "read-only: the job's own processes and nothing else");
  EXPECT_EQ(TextOf(explanation, "/dev"), "the devices null");
  EXPECT_EQ(RowOf(explanation, "files", "/dev/shm").field(), "mounts.dev.shm_size");
  EXPECT_EQ(TextOf(explanation, "/dev/null"), "") << "part of the row of /dev";
  EXPECT_EQ(TextOf(explanation, "/usr/games"), "hidden");
  EXPECT_EQ(TextOf(explanation, "starts in"), "/work");
  EXPECT_EQ(RowOf(explanation, "files", "/usr").place(), "test.textproto:2:5");
  EXPECT_EQ(RowOf(explanation, "files", "/usr/games").place(), "test.textproto:7:53");
}

TEST(ExplainFilesTest, PathsAreEscaped) {
  const v1::Explanation explanation =
      Explained("mounts { bind { source: \"/a\" target: \"/b\\\"\\\\c\" } }");
  EXPECT_EQ(TextOf(explanation, "/b\\\"\\\\c"), "read-only: the host's /a");
}

}  // namespace
}  // namespace cordon
