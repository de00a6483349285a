// SPDX-License-Identifier: Apache-2.0
// Semantic checks: every violation is listed with its place and with what is allowed.
#include "policy/validate.h"

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

TEST(ValidateTest, APolicyNeedsNothingButAField) { EXPECT_THAT(ValidateText("limits {}"), IsOk()); }

TEST(ValidateTest, AcceptsAWholePolicy) {
  EXPECT_THAT(ValidateText(R"(
description: "all of it"
identity { uid: 0 gid: 4294967294 hostname: "a.b-1" }
environment { name: "LD_PRELOAD" value: "/x=y" } environment { name: "_1" }
working_directory: "/box/"
limits { enforcement: IF_AVAILABLE wall_time: "1ms" cpu_time: "unlimited" memory: "1MiB" swap: "0"
         processes: 100000 output: "unlimited" file_size: "1B" open_files: 16 stack: "unlimited"
         idle_time: "100ms" extra_time: "1ms" stdout_size: "1B" stdout_action: TRUNCATE
         stderr_size: "unlimited" stderr_action: KILL }
cgroup { enforcement: OFF memory_max: "1MiB" memory_high: "1MiB" swap_max: "0" pids_max: 1
         cpu_max: "0.01" cpu_weight: 10000 cpuset_cpus: "0-1,3"
         io { device: "8:0" read_bytes_per_second: "1MiB" }
         io { device: "253:1048575" write_operations_per_second: 1 } }
capabilities { enforcement: OFF }
network { enforcement: OFF mode: LOOPBACK }
landlock { enforcement: OFF file { path: "/out/" access: READ } file { path: "/in" access: WRITE } }
apparmor { enforcement: IF_AVAILABLE profile: "a.B_c-9" })"),
              IsOk());
}

TEST(ValidateTest, ListsAllViolationsWithPlaces) {
  const absl::Status status = ValidateText(R"(identity { uid: 65534 }
limits {
  memory: "12"
  wall_time: "unlimited"
}
working_directory: "box"
seccomp { rule { action: ALLOW } })");
  EXPECT_EQ(DetailsOf(status).size(), 5u);
  EXPECT_THAT(status, HasError("identity.uid (p:1:12): 65534 is the kernel's own id for \"nobody\" "
                               "and not allowed"));
  EXPECT_THAT(status, HasErrorWith("limits.memory (p:3:3): \"12\" has no unit; write a number"));
  EXPECT_THAT(status, HasErrorWith("limits.wall_time (p:4:3): \"unlimited\" is not allowed here"));
  EXPECT_THAT(status, HasError("working_directory (p:6:1): \"box\" is not absolute"));
  EXPECT_THAT(status, HasError("seccomp.rule[0].calls (p:7:11): names no system call"));
}

TEST(ValidateTest, WhatCompilingWouldSayOfCallsIsListedWithOtherErrors) {
  const absl::Status status = ValidateText(
      "limits { memory: \"12XB\" }\nseccomp { allow: \"stdoi\" rule { calls: \"opennat\" action: "
      "KILL } }");
  EXPECT_THAT(status, HasErrorWith("limits.memory (p:1:10)"));
  EXPECT_THAT(status, HasErrorWith("seccomp.allow[0] (p:2:11)"));
  EXPECT_THAT(status, HasErrorWith("seccomp.rule[0].calls[0] (p:2:33)"));
  EXPECT_EQ(DetailsOf(status).size(), 3u);
}

TEST(ValidateTest, AnAppArmorProfileHasANameThatIsNoSyntax) {
  for (const absl::string_view name :
       {"", "/usr/bin/x", "a b", "a//b", "a//&b", ":ns:a", "9a", "a\\n"}) {
    EXPECT_THAT(ValidateText(absl::StrCat("apparmor { profile: \"", name, "\" }")),
                HasErrorWith("apparmor.profile (p:1:12)"))
        << name;
  }
  EXPECT_THAT(ValidateText("apparmor { profile: \"unconfined\" }"),
              HasErrorWith("is the absence of a profile; hint: to go without"));
}

TEST(ValidateTest, RefusesIdsThatMeanNobodyOrNothing) {
  for (const absl::string_view id : {"65534", "65535", "4294967295"}) {
    EXPECT_THAT(ValidateText(absl::StrCat("identity { uid: ", id, " }")),
                HasErrorWith("identity.uid (p:1:12)"));
    EXPECT_THAT(ValidateText(absl::StrCat("identity { gid: ", id, " }")),
                HasErrorWith("identity.gid (p:1:12)"));
  }
}

TEST(ValidateTest, RefusesHostnames) {
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a_b"), std::string("\xC3\xA4"),
        std::string(65, 'a'), std::string("a/b")}) {
    EXPECT_THAT(ValidateText(absl::StrCat("identity { hostname: \"", bad, "\" }")),
                HasErrorWith("identity.hostname (p:1:12)"))
        << bad;
  }
  EXPECT_THAT(ValidateText(absl::StrCat("identity { hostname: \"", std::string(64, 'a'), "\" }")),
              IsOk());
}

// POL-07, on the level of values.
TEST(ValidateTest, RefusesZeroNegativeAndOverflowingLimits) {
  for (const absl::string_view bad : {"0", "0B", "-1MiB", "9223372036854775808B", "1e400MiB", "nan",
                                      "inf", "", "8192PiB", "1", "unlimited"}) {
    EXPECT_THAT(ValidateText(absl::StrCat("limits { memory: \"", bad, "\" }")),
                HasErrorWith("limits.memory (p:1:10)"))
        << bad;
  }
  for (const absl::string_view bad :
       {"0", "0s", "-1s", "2562048h", "1d", "", "unlimited", "169h"}) {
    EXPECT_THAT(ValidateText(absl::StrCat("limits { wall_time: \"", bad, "\" }")),
                HasErrorWith("limits.wall_time (p:1:10)"))
        << bad;
  }
  EXPECT_THAT(ValidateText("limits { processes: 0 }"), HasErrorWith("0 never means unlimited"));
  EXPECT_THAT(ValidateText("limits { open_files: 15 }"), HasErrorWith("16 to 1048576 is allowed"));
  EXPECT_THAT(ValidateText("cgroup { pids_max: 0 }"), HasErrorWith("cgroup.pids_max (p:1:10)"));
  EXPECT_THAT(ValidateText("limits { swap: \"unlimited\" }"), HasErrorWith("limits.swap (p:1:10)"));
  EXPECT_THAT(ValidateText("limits { swap: \"1B\" }"), HasErrorWith("limits.swap (p:1:10)"));
}

TEST(ValidateTest, RefusesCgroupSettings) {
  for (const absl::string_view bad : {"cpu_max: \"0\"",
                                      "cpu_max: \"0.009\"",
                                      "cpu_max: \"1024.001\"",
                                      "cpu_max: \"0.0001\"",
                                      "cpu_max: \"max\"",
                                      "cpu_max: \"\"",
                                      "cpu_weight: 0",
                                      "cpu_weight: 10001",
                                      "cpuset_cpus: \"\"",
                                      "cpuset_cpus: \"3-1\"",
                                      "cpuset_cpus: \"a\"",
                                      "memory_max: \"0\"",
                                      "memory_high: \"1KiB\"",
                                      "swap_max: \"max\"",
                                      "io { device: \"8\" read_operations_per_second: 1 }",
                                      "io { device: \"8:\" read_operations_per_second: 1 }",
                                      "io { device: \"08:0\" read_operations_per_second: 1 }",
                                      "io { device: \"4096:0\" read_operations_per_second: 1 }",
                                      "io { device: \"8:1048576\" read_operations_per_second: 1 }",
                                      "io { device: \"8:0:0\" read_operations_per_second: 1 }",
                                      "io { read_operations_per_second: 1 }",
                                      "io { device: \"8:0\" }",
                                      "io { device: \"8:0\" read_bytes_per_second: \"0\" }",
                                      "io { device: \"8:0\" write_operations_per_second: 0 }"}) {
    EXPECT_THAT(ValidateText(absl::StrCat("cgroup { ", bad, " }")), HasErrorWith("cgroup.")) << bad;
  }
  EXPECT_THAT(ValidateText("cgroup { io { device: \"8:0\" read_operations_per_second: 1 }\n"
                           "io { device: \"8:0\" write_operations_per_second: 1 } }"),
              HasError("cgroup.io[1].device (p:2:6): \"8:0\" is limited twice"));
}

TEST(ValidateTest, RefusesWorkingDirectories) {
  for (const absl::string_view bad : {"box", "./", "/a/../b"}) {
    EXPECT_THAT(ValidateText(absl::StrCat("working_directory: \"", bad, "\"")),
                HasErrorWith("working_directory (p:1:1)"))
        << bad;
  }
}

TEST(ValidateTest, ExtendsMustBeResolvedBefore) {
  EXPECT_THAT(ValidateText("extends: \"x\""), HasError("extends (p:1:1): has not been resolved"));
}

TEST(ValidateTest, ChecksPoliciesThatNoParserMade) {
  ParsedPolicy policy;
  policy.policy.mutable_identity()->set_hostname(std::string("a\0", 2));
  policy.policy.set_description("\xFF");
  const absl::Status status = ValidatePolicy(policy);
  EXPECT_THAT(status, HasErrorWith("holds a NUL byte"));
  EXPECT_THAT(status, HasErrorWith("is not valid UTF-8"));
}

TEST(ValidateTest, AFileRuleNeedsOnePathAndAnAccess) {
  const absl::Status status = ValidateText(R"(landlock {
  file { path: "out" access: READ }
  file { path: "/a" access: READ }
  file { path: "/a/" access: WRITE }
  file { path: "/b" }
  file { access: EXECUTE }
  file { path: "/c/../d" access: EXECUTE } })");
  EXPECT_EQ(DetailsOf(status).size(), 5u);
  EXPECT_THAT(status, HasError("landlock.file[0].path (p:2:10): \"out\" is not absolute"));
  EXPECT_THAT(status, HasError("landlock.file[2].path (p:4:10): \"/a\" has a rule already"));
  EXPECT_THAT(status, HasError("landlock.file[3].access (p:5:3): is required: READ, EXECUTE or "
                               "WRITE"));
  EXPECT_THAT(status, HasErrorWith("landlock.file[4].path"));
  EXPECT_THAT(status, HasErrorWith("landlock.file[5].path (p:7:10)"));
}

}  // namespace
}  // namespace cordon
