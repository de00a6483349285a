// SPDX-License-Identifier: Apache-2.0
#include "policy/apparmor/narrowed_mounts.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "policy/apparmor/file_rules.h"
#include "policy/layers/apparmor.h"
#include "tests/support/apparmor_parser.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;

constexpr char kMounts[] =
    "entry { kind: BIND source: '/srv' target: '/data' field: 'b' } "
    "entry { kind: BIND source: '/lib' target: '/data/lib' read_only: true } "
    "entry { kind: TMPFS target: '/dev' read_only: true } "
    "entry { kind: DEVICE target: '/dev/null' } "
    "entry { kind: TMPFS target: '/tmp' } "
    "entry { kind: MASK target: '/data/hidden' }";

v1::MountPlan Narrowed(const std::string& files) {
  v1::MountPlan plan;
  v1::AppArmorPlan rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kMounts, &plan));
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(files, &rules)) << files;
  return NarrowedMounts(plan, rules.file());
}

std::string Line(const v1::MountEntry& entry) {
  return absl::StrCat(v1::MountEntry::Kind_Name(entry.kind()), " ", entry.target(),
                      entry.source().empty() ? "" : " of ", entry.source(),
                      entry.read_only() ? " ro" : "", entry.no_exec() ? " noexec" : "");
}

std::vector<std::string> Lines(const v1::MountPlan& plan) {
  std::vector<std::string> lines;
  for (const v1::MountEntry& entry : plan.entry()) lines.push_back(Line(entry));
  return lines;
}

TEST(NarrowedMountsTest, WithoutRulesNothingChanges) {
  EXPECT_THAT(Lines(Narrowed("")),
              ElementsAre("BIND /data of /srv", "BIND /data/lib of /lib ro", "TMPFS /dev ro",
                          "DEVICE /dev/null", "TMPFS /tmp", "MASK /data/hidden"));
}

TEST(NarrowedMountsTest, ARuleIsAMountBeforeAllThatLiesInIt) {
  EXPECT_THAT(
      Lines(Narrowed("file { path: '/data' access: READ } "
                     "file { path: '/data/out' access: EXECUTE } "
                     "file { path: '/data/out/a' access: WRITE } "
                     "file { path: '/tmp' access: READ }")),
      ElementsAre("BIND /data of /srv ro noexec", "BIND /data/out of /srv/out ro",
                  "BIND /data/out/a of /srv/out/a", "BIND /data/lib of /lib ro", "TMPFS /dev ro",
                  "DEVICE /dev/null", "BIND /tmp ro noexec", "MASK /data/hidden"));
  const v1::MountPlan plan = Narrowed("file { path: '/data/lib/x' access: READ }");
  EXPECT_EQ(Lines(plan)[2], "BIND /data/lib/x of /lib/x ro noexec");
  EXPECT_EQ(plan.entry(2).field(), "landlock.file[0]");
}

TEST(NarrowedMountsTest, WhatIsNoFileOfAMountIsLeftAlone) {
  for (const char* path : {"/", "/nowhere", "/dev", "/dev/null", "/dev/shm", "/dat"}) {
    EXPECT_EQ(Narrowed(absl::StrCat("file { path: '", path, "' access: READ }")).entry_size(), 6)
        << path;
  }
  EXPECT_EQ(Lines(Narrowed("file { path: '/dev' access: READ }"))[2], "TMPFS /dev ro");
}

// The parser's own word on it: what a rule withholds is refused, and what it gives back is given.
TEST(NarrowedMountsTest, TheParserWithholdsWhatTheRulesDo) {
  CORDON_NEEDS_APPARMOR_PARSER();
  const auto rules =
      AppArmorFileRules(Narrowed("file { path: '/data' access: READ } "
                                 "file { path: '/data/out' access: WRITE } "
                                 "file { path: '/tmp' access: EXECUTE }"));
  ASSERT_THAT(rules, IsOk());
  std::string text = "profile t {\n";
  for (const AppArmorFileRule& rule : *rules) {
    absl::StrAppend(&text, rule.deny ? "deny " : "", "\"", rule.pattern, "\" ", rule.modes, ",\n");
  }
  const auto profile = CompileWithParser(text + "}\n");
  ASSERT_THAT(profile, IsOk());
  EXPECT_EQ(profile->Allowed("/data/x"), kAaRead);
  EXPECT_NE(profile->Allowed("/data/out/x") & kAaWrite, 0u);
  EXPECT_EQ(profile->Allowed("/data/lib/x") & kAaWrite, 0u);
  EXPECT_NE(profile->Allowed("/data/lib/x") & kAaExec, 0u);
  EXPECT_EQ(profile->Allowed("/tmp/x") & kAaWrite, 0u);
  EXPECT_NE(profile->Allowed("/tmp/x") & kAaExec, 0u);
  EXPECT_EQ(profile->Allowed("/data/hidden"), 0u);
}

}  // namespace
}  // namespace cordon
