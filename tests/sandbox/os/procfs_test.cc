// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/procfs.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kMountInfo[] =
    "514 513 0:43 / / ro,nosuid,nodev,relatime - tmpfs tmpfs rw,size=4096k,nr_inodes=1024\n"
    "515 514 253:1 /usr /usr ro,nosuid,nodev,relatime master:1 - ext4 /dev/vda1 rw,discard\n"
    "516 514 0:44 / /a\\040b\\011c\\012d\\134e rw,nosuid shared:7 master:2 - tmpfs none rw\n"
    "517 514 0:45 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw,subset=pid\n";

TEST(MountInfoTest, ReadsWhatTheKernelPrints) {
  const auto mounts = ParseMountInfo(kMountInfo);
  ASSERT_THAT(mounts, IsOk());
  ASSERT_EQ(mounts->size(), 4u);
  const MountInfo& root = mounts->at(0);
  EXPECT_EQ(root.id, 514u);
  EXPECT_EQ(root.parent, 513u);
  EXPECT_EQ(root.root, "/");
  EXPECT_EQ(root.mount_point, "/");
  EXPECT_EQ(root.type, "tmpfs");
  EXPECT_THAT(root.options, ElementsAre("ro", "nosuid", "nodev", "relatime"));
  EXPECT_THAT(root.propagation, IsEmpty());
  EXPECT_THAT(root.super_options, ElementsAre("rw", "size=4096k", "nr_inodes=1024"));
  EXPECT_EQ(mounts->at(1).source, "/dev/vda1");
  EXPECT_EQ(mounts->at(1).device, "253:1");
  EXPECT_THAT(mounts->at(1).propagation, ElementsAre("master:1"));
  EXPECT_THAT(mounts->at(2).propagation, ElementsAre("shared:7", "master:2"));
}

TEST(MountInfoTest, UndoesTheOctalEscapes) {
  const auto mounts = ParseMountInfo(kMountInfo);
  ASSERT_THAT(mounts, IsOk());
  EXPECT_EQ(mounts->at(2).mount_point, "/a b\tc\nd\\e");
}

TEST(MountInfoTest, LeavesWhatIsNoEscapeAlone) {
  const auto mounts = ParseMountInfo("1 2 0:1 / /x\\9\\04\\08z\\ rw - t s rw\n");
  ASSERT_THAT(mounts, IsOk());
  EXPECT_EQ(mounts->at(0).mount_point, "/x\\9\\04\\08z\\");
}

// A directory called "-" must not be taken for the separator.
TEST(MountInfoTest, AFieldMadeToLookLikeTheSeparatorIsRefusedOrHarmless) {
  EXPECT_FALSE(ParseMountInfo("1 2 0:1 / - rw - tmpfs none rw\n").ok());
  const auto slash = ParseMountInfo("1 2 0:1 / /- rw - tmpfs none rw\n");
  ASSERT_THAT(slash, IsOk());
  EXPECT_EQ(slash->at(0).mount_point, "/-");
}

TEST(MountInfoTest, HasLooksForTheWholeOption) {
  const auto mounts = ParseMountInfo("1 2 0:1 / /x rox,norw,nosuid - tmpfs none rw\n");
  ASSERT_THAT(mounts, IsOk());
  EXPECT_FALSE(mounts->at(0).Has("ro"));
  EXPECT_FALSE(mounts->at(0).Has("rw"));
  EXPECT_TRUE(mounts->at(0).Has("nosuid"));
}

TEST(MountInfoTest, SuperOptionsMayBeMissing) {
  const auto mounts = ParseMountInfo("1 2 0:1 / /x rw - tmpfs none\n");
  ASSERT_THAT(mounts, IsOk());
  EXPECT_THAT(mounts->at(0).super_options, IsEmpty());
}

// Every prefix of a line is refused, or is a shorter but whole line.
TEST(MountInfoTest, TruncatedLinesAreErrors) {
  const std::string line = "515 514 253:1 /usr /usr ro,nosuid master:1 - ext4 /dev/vda1 rw";
  const size_t whole = line.find(" /dev/vda1") + 2;  // "/" of the source
  for (size_t size = 1; size < whole; ++size) {
    EXPECT_THAT(ParseMountInfo(line.substr(0, size)),
                StatusIs(absl::StatusCode::kInvalidArgument, "mountinfo"))
        << size;
  }
  EXPECT_THAT(ParseMountInfo(line), IsOk());
}

TEST(MountInfoTest, NumbersThatAreNoneAreErrors) {
  for (const char* line : {"x 2 0:1 / /x rw - t s rw", "1 -2 0:1 / /x rw - t s rw",
                           "99999999999999999999999 2 0:1 / /x rw - t s rw"}) {
    EXPECT_FALSE(ParseMountInfo(line).ok()) << line;
  }
}

TEST(MountInfoTest, TheMessageIsSafeForATerminal) {
  const auto mounts = ParseMountInfo("\x1b[31mboo\n");
  ASSERT_FALSE(mounts.ok());
  EXPECT_EQ(mounts.status().ToString().find('\x1b'), std::string::npos);
}

TEST(StatusTest, ReadsFieldsAndStripsBlanks) {
  auto fields = ParseStatus(
      "Name:\tpayload\nUmask:\t0022\nState:\tS (sleeping)\nUid:\t1000\t1000\t1000\t1000\n"
      "Groups:\t \nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n");
  EXPECT_EQ(fields["Name"], "payload");
  EXPECT_EQ(fields["Uid"], "1000\t1000\t1000\t1000");
  EXPECT_EQ(fields["Groups"], "");
  EXPECT_EQ(fields.count("Groups"), 1u);
  EXPECT_EQ(fields["Seccomp_filters"], "1");
}

// A program chooses its name; the kernel escapes a newline in it, and the first of two wins.
TEST(StatusTest, ANameCannotForgeAField) {
  auto fields = ParseStatus("Name:\tx\\nNoNewPrivs:\\t0\nNoNewPrivs:\t1\nNoNewPrivs:\t0\n");
  EXPECT_EQ(fields["NoNewPrivs"], "1");
  EXPECT_EQ(fields["Name"], "x\\nNoNewPrivs:\\t0");
}

TEST(StatusTest, LinesWithoutAColonAreNothing) {
  EXPECT_THAT(ParseStatus("nothing here\n\n\n"), IsEmpty());
  EXPECT_THAT(ParseStatus(""), IsEmpty());
}

TEST(CgroupFileTest, ReadsBothVersions) {
  const auto lines = ParseCgroupFile("12:cpu,cpuacct:/a/b\n1:name=systemd:/\n0::/user.slice/a:b\n");
  ASSERT_THAT(lines, IsOk());
  ASSERT_EQ(lines->size(), 3u);
  EXPECT_EQ(lines->at(0).hierarchy, 12u);
  EXPECT_THAT(lines->at(0).controllers, ElementsAre("cpu", "cpuacct"));
  EXPECT_EQ(lines->at(0).path, "/a/b");
  EXPECT_THAT(lines->at(1).controllers, ElementsAre("name=systemd"));
  EXPECT_THAT(lines->at(2).controllers, IsEmpty());
  EXPECT_EQ(lines->at(2).path, "/user.slice/a:b");  // a path may hold colons
}

TEST(CgroupFileTest, MalformedLinesAreErrors) {
  for (const char* line : {"", "x", "0", "0:", "x::/", ":cpu:/", "-1::/"}) {
    const auto lines = ParseCgroupFile(line);
    EXPECT_EQ(lines.ok(), *line == '\0') << line;
  }
}

constexpr char kLimits[] =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max file size             1048576              1048576              bytes     \n"
    "Max open files            1024                 524288               files     \n"
    "Max nice priority         0                    0                    \n";

TEST(LimitsTest, ReadsTheTable) {
  const auto rows = ParseLimits(kLimits);
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows->size(), 4u);
  EXPECT_EQ(rows->at("Max cpu time").soft, UINT64_MAX);
  EXPECT_EQ(rows->at("Max file size").hard, 1048576u);
  EXPECT_EQ(rows->at("Max open files").soft, 1024u);
  EXPECT_EQ(rows->at("Max open files").hard, 524288u);
  EXPECT_EQ(rows->at("Max nice priority").hard, 0u);
}

TEST(LimitsTest, MalformedRowsAreErrors) {
  EXPECT_FALSE(ParseLimits("Max cpu time").ok());
  EXPECT_FALSE(ParseLimits("Max cpu time              unlimited\n").ok());
  EXPECT_FALSE(ParseLimits("Max cpu time              soon                 never   s\n").ok());
  EXPECT_FALSE(ParseLimits("Max cpu time              -1                   5   s\n").ok());
}

TEST(IdMapTest, ReadsRangesAndRefusesTheRest) {
  const auto ranges =
      ParseIdMap("         0     100000      65536\n      1000       1000          1\n");
  ASSERT_THAT(ranges, IsOk());
  ASSERT_EQ(ranges->size(), 2u);
  EXPECT_EQ(ranges->at(0).outside, 100000u);
  EXPECT_EQ(ranges->at(1).inside, 1000u);
  EXPECT_EQ(ranges->at(1).count, 1u);
  EXPECT_TRUE(ParseIdMap("")->empty());
  for (const char* text : {"1 2", "1 2 3 4", "a b c", "0 0 -1"}) {
    EXPECT_FALSE(ParseIdMap(text).ok()) << text;
  }
}

TEST(FlatKeyedTest, ReadsPairsAndIgnoresOtherLines) {
  auto values = ParseFlatKeyed(
      "oom_kill_disable 0\nunder_oom 0\noom_kill 2\nthree words here\nalone\nx -1\nmax max\n");
  EXPECT_EQ(values["oom_kill"], 2u);
  EXPECT_EQ(values.size(), 3u);
}

TEST(NumberTest, ReadsOneNumber) {
  EXPECT_EQ(ParseNumber("42\n").value(), 42u);
  EXPECT_EQ(ParseNumber("18446744073709551615").value(), UINT64_MAX);
  EXPECT_EQ(ParseNumber("max\n").value(), UINT64_MAX);
  for (const char* text : {"", "\n", "-1", "1 2", "0x10", "18446744073709551616", "maximum"}) {
    EXPECT_FALSE(ParseNumber(text).ok()) << text;
  }
}

TEST(NetDevTest, ReadsTheNamesAndSkipsTheHeader) {
  EXPECT_THAT(ParseNetDev("Inter-|   Receive                 |  Transmit\n"
                          " face |bytes    packets errs drop |bytes    packets\n"
                          "    lo:       0       0    0    0        0       0\n"
                          "eth0:1234567       0    0    0        0       0\n"),
              ElementsAre("lo", "eth0"));
  EXPECT_THAT(ParseNetDev(""), IsEmpty());
}

// No text makes a parser do anything but answer.
TEST(ProcfsTest, HostileBytesOnlyEverGiveAnAnswer) {
  uint32_t state = 7;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 80; ++i) {
      state = state * 1664525 + 1013904223;
      constexpr char kAlphabet[] = "\0\n\t :-/\\0123456789abc,\xff|";
      text.push_back(kAlphabet[(state >> 16) % (sizeof(kAlphabet) - 1)]);
    }
    const auto mounts = ParseMountInfo(text);
    if (mounts.ok()) {
      for (const MountInfo& mount : *mounts) EXPECT_LE(mount.mount_point.size(), text.size());
    }
    (void)ParseStatus(text);
    (void)ParseCgroupFile(text);
    (void)ParseLimits(text);
    (void)ParseIdMap(text);
    (void)ParseFlatKeyed(text);
    (void)ParseNumber(text);
    (void)ParseNetDev(text);
  }
}

constexpr char kStatLine[] =
    "7 (a) b (c) T 1 7 8 34816 -1 0 0 0 0 0 0 0 0 0 20 -5 1 0 99 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 "
    "0 "
    "50 1 0";

TEST(ParsePlaceTest, ANameWithParenthesesAndBlanksDoesNotShiftTheFields) {
  const auto place = ParsePlace(kStatLine);
  ASSERT_THAT(place, IsOk());
  EXPECT_EQ(place->state, 'T');
  EXPECT_EQ(place->group, 7);
  EXPECT_EQ(place->session, 8);
  EXPECT_EQ(place->terminal, 34816);
  EXPECT_EQ(place->nice, -5);
  EXPECT_EQ(place->real_time_priority, 50);
  EXPECT_FALSE(place->exiting);
}

TEST(ParsePlaceTest, WhoIsExitingHasTheFlagOrIsAZombie) {
  const std::string line = kStatLine;
  const auto with = [&](const std::string& state, const std::string& flags) {
    std::string text = line;
    text.replace(text.find(" T "), 3, " " + state + " ");
    text.replace(text.find(" -1 0 "), 6, " -1 " + flags + " ");
    const auto place = ParsePlace(text);
    return place.ok() && place->exiting;
  };
  EXPECT_FALSE(with("R", "4194560"));  // 0x400100
  EXPECT_TRUE(with("R", "4194564"));
  EXPECT_TRUE(with("D", "4"));
  EXPECT_TRUE(with("Z", "0"));
  EXPECT_FALSE(with("T", "8"));
}

TEST(ParsePlaceTest, WhatIsNoStatLineIsRefused) {
  for (const char* text :
       {"", "7 a S 1 7 8 0", "7 (a) S 1 7", "7 (a) S 1 x 8 0", "7 (a) SS 1 7 8 0"}) {
    EXPECT_FALSE(ParsePlace(text).ok()) << text;
  }
  const std::string line = kStatLine;
  EXPECT_FALSE(ParsePlace(line.substr(0, line.rfind("50"))).ok());
}

TEST(ParseBlockedCallTest, NumberAndSixArguments) {
  const auto call =
      ParseBlockedCall("7 0x7ffd 0x2 0xffffffff 0x0 0x0 0x12 0x7ffd1000 0x7f001000\n");
  ASSERT_THAT(call, IsOk());
  EXPECT_EQ(call->number, 7);
  EXPECT_EQ(call->arguments, (std::vector<uint64_t>{0x7ffd, 2, 0xffffffff, 0, 0, 0x12}));
}

TEST(ParseBlockedCallTest, WhatRunsOrIsBlockedWithoutACallIsRefused) {
  for (const char* text :
       {"", "running\n", "-1 0x7ffd1000 0x7f001000\n", "7 0x1 0x2 0x3\n",
        "-1 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n", "7 0x7ffd 2x 0x0 0x0 0x0 0x0 0x0 0x0\n"}) {
    EXPECT_FALSE(ParseBlockedCall(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cordon
