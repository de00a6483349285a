// SPDX-License-Identifier: Apache-2.0
// The grammar of mounts and how they may lie to each other.
#include "policy/validate_mounts.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/policy_text.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

absl::Status Mounts(absl::string_view text) {
  return ValidateText(absl::StrCat("mounts { ", text, "\n}"));
}

TEST(ValidateMountsTest, AcceptsAWholeBlock) {
  EXPECT_THAT(Mounts(R"(
bind { source: "/usr" } bind { source: "/data" target: "/usr/local" }
bind { source: "/" target: "/x" optional: false } )"),
              HasErrorWith("mounts.bind[2].source"));
  EXPECT_THAT(Mounts(R"(
bind { source: "/usr" read_only: true executable: false } bind { source: "/d" target: "/usr/local" }
bind { source: "/sys/devices/system/cpu" } bind { source: "/dev/shm/tests" target: "/tests" }
tmpfs { target: "/tmp" size: "64MiB" inodes: 1 mode: 0 executable: true }
tmpfs { target: "/tmp/deeper" size: "4KiB" mode: 1023 }
proc { process_only: false } dev { device: ["null", "full"] shm_size: "1MiB" }
masked: "/proc/x" masked: "/usr/y"
symlink { path: "/bin" target: "usr/bin" } file { path: "/etc/passwd" content: "" })"),
              IsOk());
}

// POL-08
TEST(ValidateMountsTest, RefusesPathsOfEveryBadForm) {
  for (const std::string& bad :
       {std::string("relative"), std::string("a/../b"), std::string("/a/../b"), std::string("/.."),
        std::string("//"), std::string("/"), std::string("."), "/" + std::string(256, 'a')}) {
    EXPECT_THAT(Mounts(absl::StrCat("bind { source: \"/x\" target: \"", bad, "\" }")),
                HasErrorWith("mounts.bind[0].target (p:1:30)"))
        << bad;
    EXPECT_THAT(Mounts(absl::StrCat("bind { source: \"", bad, "\" target: \"/x\" }")),
                HasErrorWith("mounts.bind[0].source (p:1:17)"))
        << bad;
    EXPECT_THAT(Mounts(absl::StrCat("tmpfs { size: \"1MiB\" target: \"", bad, "\" }")),
                HasErrorWith("mounts.tmpfs[0].target (p:1:31)"))
        << bad;
    EXPECT_THAT(Mounts(absl::StrCat("symlink { target: \"x\" path: \"", bad, "\" }")),
                HasErrorWith("mounts.symlink[0].path"))
        << bad;
    EXPECT_THAT(Mounts(absl::StrCat("file { path: \"", bad, "\" }")),
                HasErrorWith("mounts.file[0].path"))
        << bad;
    EXPECT_THAT(Mounts(absl::StrCat("masked: \"", bad, "\"")), HasErrorWith("mounts.masked[0]"))
        << bad;
  }
}

TEST(ValidateMountsTest, RequiresWhatHasNoDefault) {
  EXPECT_THAT(Mounts("bind {}"), HasError("mounts.bind[0].source (p:1:10): is required"));
  EXPECT_THAT(Mounts("bind { target: \"/x\" }"), HasErrorWith("mounts.bind[0].source"));
  EXPECT_THAT(Mounts("tmpfs { target: \"/x\" }"),
              HasErrorWith("mounts.tmpfs[0].size (p:1:10): is"));
  EXPECT_THAT(Mounts("tmpfs { size: \"1MiB\" }"), HasErrorWith("mounts.tmpfs[0].target"));
  EXPECT_THAT(Mounts("symlink { path: \"/x\" }"), HasErrorWith("mounts.symlink[0].target"));
  EXPECT_THAT(Mounts("symlink { target: \"x\" }"), HasErrorWith("mounts.symlink[0].path"));
  EXPECT_THAT(Mounts("file {}"), HasErrorWith("mounts.file[0].path"));
}

TEST(ValidateMountsTest, RefusesSourcesThatShowTheHost) {
  for (const absl::string_view source : {"/proc", "/proc/self/fd/3", "/proc/1/root/etc", "/dev",
                                         "/sys", "/sys/fs", "/sys/fs/cgroup/user.slice"}) {
    EXPECT_THAT(Mounts(absl::StrCat("bind { source: \"", source, "\" target: \"/x\" }")),
                HasErrorWith("mounts.bind[0].source (p:1:17)"))
        << source;
  }
  EXPECT_THAT(
      Mounts("bind { source: \"/\" target: \"/host\" }"),
      HasError("mounts.bind[0].source (p:1:17): the whole file system of the host cannot be "
               "bound; hint: name the directories that the job needs"));
}

// POL-06: whatever kind they are, and however the path is spelled.
TEST(ValidateMountsTest, RefusesOneTargetTwice) {
  EXPECT_THAT(
      Mounts("bind { source: \"/a\" target: \"/x\" }\nbind { source: \"/b\" target: \"/x/\" }"),
      HasError("mounts.bind[1].target (p:2:21): \"/x\" is the target of "
               "mounts.bind[0].target already"));
  EXPECT_THAT(Mounts("bind { source: \"/x\" } tmpfs { target: \"//x\" size: \"1MiB\" }"),
              HasErrorWith("\"/x\" is the target of mounts.bind[0].source already"));
  EXPECT_THAT(Mounts("symlink { path: \"/x\" target: \"y\" } file { path: \"/x\" }"),
              HasErrorWith("mounts.file[0].path (p:1:52)"));
}

TEST(ValidateMountsTest, ProcAndDevAreTakenWhole) {
  EXPECT_THAT(Mounts("proc {} tmpfs { target: \"/proc\" size: \"1MiB\" }"),
              HasErrorWith("\"/proc\" lies in /proc, which mounts.proc takes whole"));
  EXPECT_THAT(Mounts("proc {} bind { source: \"/x\" target: \"/proc/x\" }"),
              HasErrorWith("\"/proc/x\" lies in /proc"));
  EXPECT_THAT(Mounts("dev {} file { path: \"/dev/x\" }"), HasErrorWith("\"/dev/x\" lies in /dev"));
  EXPECT_THAT(Mounts("dev {} tmpfs { target: \"/dev/shm\" size: \"1MiB\" }"),
              HasErrorWith("hint: set mounts.dev.shm_size"));
  EXPECT_THAT(Mounts("tmpfs { target: \"/dev\" size: \"1MiB\" } bind { source: \"/x\" "
                     "target: \"/proc/x\" }"),
              IsOk());
  EXPECT_THAT(Mounts("proc {} bind { source: \"/x\" target: \"/process\" }"), IsOk());
}

TEST(ValidateMountsTest, NothingLiesBelowAFileOrHiddenBelowAMount) {
  EXPECT_THAT(
      Mounts("symlink { path: \"/a\" target: \"b\" } bind { source: \"/x\" target: \"/a/c\" }"),
      HasErrorWith("\"/a/c\" lies below \"/a\" of mounts.symlink[0].path, which is no "
                   "directory"));
  EXPECT_THAT(Mounts("file { path: \"/a\" } tmpfs { target: \"/a/b/c\" size: \"1MiB\" }"),
              HasErrorWith("\"/a/b/c\" lies below \"/a\" of mounts.file[0].path"));
  EXPECT_THAT(
      Mounts("bind { source: \"/etc\" } file { path: \"/etc/passwd\" }"),
      HasErrorWith("\"/etc/passwd\" lies below \"/etc\" of mounts.bind[0].source, which would "
                   "hide it"));
  EXPECT_THAT(
      Mounts("tmpfs { target: \"/t\" size: \"1MiB\" } symlink { path: \"/t/a\" target: \"b\" }"),
      HasErrorWith("which would hide it"));
  EXPECT_THAT(Mounts("bind { source: \"/a\" } bind { source: \"/a/b\" } file { path: \"/ab\" }"),
              IsOk());
}

TEST(ValidateMountsTest, SizesHaveRangesAndASum) {
  EXPECT_THAT(Mounts("tmpfs { target: \"/x\" size: \"0\" }"),
              HasErrorWith("0 never means unlimited"));
  EXPECT_THAT(Mounts("tmpfs { target: \"/x\" size: \"unlimited\" }"),
              HasErrorWith("mounts.tmpfs[0]"));
  EXPECT_THAT(Mounts("tmpfs { target: \"/x\" size: \"65GiB\" }"),
              HasErrorWith("is 65GiB; 4KiB to 64GiB is allowed"));
  EXPECT_THAT(Mounts("tmpfs { target: \"/x\" size: \"1MiB\" mode: 1024 }"),
              HasErrorWith("mounts.tmpfs[0].mode"));
  EXPECT_THAT(Mounts("tmpfs { target: \"/x\" size: \"1MiB\" inodes: 0 }"),
              HasErrorWith("mounts.tmpfs[0].inodes"));
  EXPECT_THAT(
      Mounts("tmpfs { target: \"/x\" size: \"32GiB\" } tmpfs { target: \"/y\" size: \"32GiB\" }"),
      IsOk());
  EXPECT_THAT(Mounts("tmpfs { target: \"/x\" size: \"64GiB\" } dev { shm_size: \"4KiB\" }"),
              HasErrorWith("make 67108868KiB; at most 64GiB is allowed"));
  EXPECT_THAT(Mounts("dev { shm_size: \"0\" }"), HasErrorWith("mounts.dev.shm_size"));
}

TEST(ValidateMountsTest, KnowsFiveDevices) {
  EXPECT_THAT(Mounts("dev { device: [\"null\", \"zero\", \"full\", \"random\", \"urandom\"] }"),
              IsOk());
  for (const absl::string_view bad : {"tty", "../sda", "", "kmsg", "/dev/null", "Null"}) {
    EXPECT_THAT(Mounts(absl::StrCat("dev { device: \"", bad, "\" }")),
                HasErrorWith("is not one of null, zero, full, random, urandom"))
        << bad;
  }
}

TEST(ValidateMountsTest, ABindCanBeCheckedAlone) {
  const SourceMap places("f");
  Violations violations(places);
  v1::Bind bind;
  CheckBind(bind, "extra_bind[0]", &violations);
  bind.set_source("rel");
  CheckBind(bind, "extra_bind[1]", &violations);
  bind.set_source("/usr");
  CheckBind(bind, "extra_bind[2]", &violations);
  EXPECT_THAT(violations.ToStatus(), HasError("extra_bind[0].source (f): is required"));
  EXPECT_THAT(violations.ToStatus(),
              HasErrorWith("extra_bind[1].source (f): \"rel\" is not absolute"));
  EXPECT_EQ(DetailsOf(violations.ToStatus()).size(), 2u);
}

}  // namespace
}  // namespace cordon
