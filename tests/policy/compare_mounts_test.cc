// SPDX-License-Identifier: Apache-2.0
// Which files of the host a plan shows: the same files by other ways, and what is hidden.
#include "policy/compare_mounts.h"

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::MountPlan Mounts(const std::string& text) {
  v1::MountPlan plan;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &plan)) << text;
  return plan;
}

std::vector<std::string> Sentences(const std::string& before, const std::string& after) {
  std::vector<std::string> lines;
  for (const Widening& each : MountsWidened(Mounts(before), Mounts(after))) {
    lines.push_back(each.what);
  }
  return lines;
}

std::string Bind(const std::string& source, const std::string& target,
                 const std::string& rest = "read_only: true") {
  return "entry { kind: BIND source: \"" + source + "\" target: \"" + target + "\" " + rest + " } ";
}

const char kTmpfs[] =
    "entry { kind: TMPFS target: \"/usr/local\" size_bytes: 4096 inodes: 10 no_exec: true } ";

TEST(CompareMountsTest, APartOfAVisibleFolderIsVisibleAlready) {
  EXPECT_THAT(Sentences(Bind("/usr", "/usr"), Bind("/usr/lib", "/lib")), IsEmpty());
  EXPECT_THAT(Sentences(Bind("/usr", "/host/usr"), Bind("/usr/lib/x", "/x")), IsEmpty());
  EXPECT_THAT(Sentences(Bind("/", "/host"), Bind("/etc", "/etc")), IsEmpty());
  EXPECT_THAT(Sentences(Bind("/usr/lib", "/lib"), Bind("/usr", "/usr")),
              ElementsAre("may read the host's /usr"));
  EXPECT_THAT(Sentences(Bind("/usr", "/usr"), Bind("/usrlocal", "/x")),
              ElementsAre("may read /x, the host's /usrlocal"));
}

// A tmpfs over a part of a bind hides that part.
TEST(CompareMountsTest, WhatWasCoveredIsNew) {
  const std::string before = Bind("/usr", "/usr") + kTmpfs;
  EXPECT_THAT(Sentences(before, before), IsEmpty());
  EXPECT_THAT(Sentences(before, Bind("/usr", "/usr")), ElementsAre("may read the host's /usr"));
  EXPECT_THAT(Sentences(before, before + Bind("/usr/local/bin", "/x")),
              ElementsAre("may read /x, the host's /usr/local/bin"));
  EXPECT_THAT(Sentences(before, Bind("/usr/lib", "/lib")), IsEmpty());
}

TEST(CompareMountsTest, ACoverOfAnotherKindStillCovers) {
  const std::string before = Bind("/usr", "/usr") + kTmpfs;
  EXPECT_THAT(
      Sentences(before, Bind("/usr", "/usr") + "entry { kind: MASK target: \"/usr/local\" }"),
      IsEmpty());
  EXPECT_THAT(Sentences(before, Bind("/usr", "/u") + "entry { kind: MASK target: \"/u/local\" }"),
              IsEmpty());
  EXPECT_THAT(Sentences(before, Bind("/usr", "/u") + "entry { kind: MASK target: \"/usr/local\" }"),
              ElementsAre("may read /u, the host's /usr"));
}

// A cover that may be missing covers nothing for certain.
TEST(CompareMountsTest, AnOptionalCoverDoesNotHide) {
  const std::string before = Bind("/usr", "/usr") + kTmpfs;
  EXPECT_THAT(Sentences(before, Bind("/usr", "/usr") +
                                    Bind("/srv", "/usr/local", "read_only: true optional: true")),
              ElementsAre("may read the host's /usr", "may read /usr/local, the host's /srv"));
}

TEST(CompareMountsTest, WritingAndExecutingAreRightsOfTheirOwn) {
  const std::string ro = Bind("/a", "/a", "read_only: true no_exec: true");
  const std::string exec = Bind("/a", "/b", "read_only: true");
  const std::string write = Bind("/a", "/c", "no_exec: true");
  const std::string all = Bind("/a", "/d", "");
  EXPECT_THAT(Sentences(ro, exec), ElementsAre("may execute /b, the host's /a"));
  EXPECT_THAT(Sentences(ro, write), ElementsAre("may write to /c, the host's /a"));
  EXPECT_THAT(Sentences(exec + write, all),
              ElementsAre("may both write to and execute /d, the host's /a"));
  EXPECT_THAT(Sentences(all, ro + exec + write), IsEmpty());
}

TEST(CompareMountsTest, ProcAndItsMasks) {
  const std::string tight = "entry { kind: PROC target: \"/proc\" process_only: true } ";
  const std::string open = "entry { kind: PROC target: \"/proc\" } ";
  const std::string mask = "entry { kind: MASK target: \"/proc/kcore\" } ";
  EXPECT_THAT(Sentences("", tight), ElementsAre("may look at its own processes in /proc"));
  EXPECT_THAT(Sentences(tight, open),
              ElementsAre("may look at the machine in /proc, not only at its own processes"));
  EXPECT_THAT(Sentences(open + mask, open), ElementsAre("sees /proc/kcore, which was hidden"));
  EXPECT_THAT(Sentences(open, open + mask), IsEmpty());
}

TEST(CompareMountsTest, ASealedTmpfsIsNoPlaceToWrite) {
  const std::string sealed =
      "entry { kind: TMPFS target: \"/t\" size_bytes: 4096 inodes: 9 read_only: true }";
  const std::string open = "entry { kind: TMPFS target: \"/t\" size_bytes: 4096 inodes: 9 }";
  EXPECT_THAT(Sentences("", sealed), IsEmpty());
  EXPECT_THAT(Sentences(sealed, open),
              ElementsAre("may keep 4KiB in 9 files in memory at /t, and execute them"));
}

TEST(CompareMountsTest, OddBytesOfPathsAreEscaped) {
  EXPECT_THAT(Sentences("", Bind("/a\\n", "/b\\033[1m")),
              ElementsAre("may read /b\\033[1m, the host's /a\\n"));
}

}  // namespace
}  // namespace cordon
