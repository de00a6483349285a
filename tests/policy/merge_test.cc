// SPDX-License-Identifier: Apache-2.0
// One policy over its base: what replaces, what is appended, and where it says it came from.
#include "policy/merge.h"

#include <google/protobuf/descriptor.h>

#include <string>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/policy_text.h"

namespace cordon {
namespace {

ParsedPolicy Merge(absl::string_view base, absl::string_view over) {
  return MergePolicies(*ParseText(base, "base"), *ParseText(over, "over"));
}

TEST(MergeTest, SingularFieldsReplaceAndTheRestIsInherited) {
  const ParsedPolicy merged = Merge(R"(extends: "x" description: "base"
limits { memory: "1GiB" processes: 5 enforcement: REQUIRED }
mounts { proc { process_only: true } }
working_directory: "/a")",
                                    R"(limits { memory: "2GiB" enforcement: OFF }
mounts { proc { process_only: false } })");
  EXPECT_EQ(PrintText(merged.policy), R"(mounts {
  proc {
    process_only: false
  }
}
working_directory: "/a"
limits {
  enforcement: OFF
  memory: "2GiB"
  processes: 5
}
)");
  EXPECT_EQ(merged.name, "over");
  EXPECT_EQ(merged.places.Find("limits.memory"), "over:1:10");
  EXPECT_EQ(merged.places.Find("limits.processes"), "base:2:25");
  EXPECT_EQ(merged.places.Find("working_directory"), "base:4:1");
  EXPECT_EQ(merged.places.Find("network"), "over");
}

TEST(MergeTest, RepeatedFieldsAppendWithTheirPlaces) {
  const ParsedPolicy merged = Merge("mounts { bind { source: \"/a\" } masked: \"/m\" }",
                                    "mounts {\n bind { source: \"/b\" } masked: \"/n\" }");
  EXPECT_EQ(merged.policy.mounts().bind_size(), 2);
  EXPECT_EQ(merged.policy.mounts().masked(1), "/n");
  EXPECT_EQ(merged.places.Find("mounts.bind[0].source"), "base:1:17");
  EXPECT_EQ(merged.places.Find("mounts.bind[1].source"), "over:2:9");
  EXPECT_EQ(merged.places.Find("mounts.masked[1]"), "over:2:24");
}

// Found by the fuzzer: a profile's errno made every other default action of its heirs an error, and
// no heir can clear a field.
TEST(MergeTest, AnInheritedErrnoGoesWithItsAction) {
  const auto inherited = [](absl::string_view over) {
    return Merge("seccomp { default_action: ERRNO default_errno: \"EACCES\" }", over)
        .policy.seccomp()
        .default_errno();
  };
  EXPECT_EQ(inherited("seccomp { default_action: KILL }"), "");
  EXPECT_EQ(inherited("seccomp { default_action: KILL default_errno: \"EPERM\" }"), "EPERM");
  EXPECT_EQ(inherited("seccomp { default_action: ERRNO }"), "EACCES");
  EXPECT_EQ(inherited("seccomp { allow: \"stdio\" }"), "EACCES");
}

TEST(MergeTest, AVariableReplacesTheInheritedOne) {
  const ParsedPolicy merged =
      Merge("environment { name: \"A\" value: \"1\" }\nenvironment { name: \"B\" value: \"1\" }",
            "environment { name: \"A\" value: \"2\" }");
  ASSERT_EQ(merged.policy.environment_size(), 2);
  EXPECT_EQ(merged.policy.environment(0).name(), "B");
  EXPECT_EQ(merged.policy.environment(1).value(), "2");
  EXPECT_EQ(merged.places.Find("environment[0].value"), "base:2:25");
  EXPECT_EQ(merged.places.Find("environment[1].value"), "over:1:25");
}

TEST(MergeTest, AMountReplacesWhateverHadItsTarget) {
  const ParsedPolicy merged = Merge(R"(mounts {
  bind { source: "/x" target: "/t/" } bind { source: "/usr" }
  tmpfs { target: "/tmp" size: "1MiB" }
  symlink { path: "/l" target: "a" }
  file { path: "/f" } })",
                                    R"(mounts {
  tmpfs { target: "/t" size: "2MiB" } file { path: "/l" } symlink { path: "//f" target: "b" }
  bind { source: "/tmp" } })");
  const v1::Mounts& mounts = merged.policy.mounts();
  ASSERT_EQ(mounts.bind_size(), 2);
  EXPECT_EQ(mounts.bind(0).source(), "/usr");
  EXPECT_EQ(mounts.bind(1).source(), "/tmp");
  ASSERT_EQ(mounts.tmpfs_size(), 1);
  EXPECT_EQ(mounts.tmpfs(0).size(), "2MiB");
  ASSERT_EQ(mounts.symlink_size(), 1);
  EXPECT_EQ(mounts.symlink(0).target(), "b");
  ASSERT_EQ(mounts.file_size(), 1);
  EXPECT_EQ(mounts.file(0).path(), "/l");
  EXPECT_EQ(merged.places.Find("mounts.bind[0].source"), "base:2:46");
}

TEST(MergeTest, ARuleTakesItsCallsOutOfInheritedRules) {
  const ParsedPolicy merged = Merge(R"(seccomp {
  rule { calls: ["a", "b", "c"] action: KILL }
  rule { calls: "b" when { equals: "1" } action: ALLOW }
  rule { calls: "d" action: KILL } })",
                                    "seccomp { rule { calls: \"b\" action: LOG } }");
  ASSERT_EQ(merged.policy.seccomp().rule_size(), 3);
  EXPECT_THAT(merged.policy.seccomp().rule(0).calls(), testing::ElementsAre("a", "c"));
  EXPECT_THAT(merged.policy.seccomp().rule(1).calls(), testing::ElementsAre("d"));
  EXPECT_THAT(merged.policy.seccomp().rule(2).calls(), testing::ElementsAre("b"));
  // "c" has moved: its rule says where it comes from, not the old place of another call.
  EXPECT_EQ(merged.places.Find("seccomp.rule[0].calls[1]"), "base:2:3");
  EXPECT_EQ(merged.places.Find("seccomp.rule[0].action"), "base:2:33");
  EXPECT_EQ(merged.places.Find("seccomp.rule[1].calls[0]"), "base:4:10");
  EXPECT_EQ(merged.places.Find("seccomp.rule[2].calls[0]"), "over:1:18");
}

TEST(MergeTest, AGroupMovesBetweenTheLists) {
  const ParsedPolicy merged = Merge("seccomp { allow: [\"stdio\", \"net\"] kill: \"debug\" }",
                                    "seccomp { kill: \"net\" allow: [\"debug\", \"stdio\"] }");
  EXPECT_THAT(merged.policy.seccomp().allow(), testing::ElementsAre("stdio", "debug", "stdio"));
  EXPECT_THAT(merged.policy.seccomp().kill(), testing::ElementsAre("net"));
}

TEST(MergeTest, ADeviceLimitReplacesTheInheritedOne) {
  const ParsedPolicy merged =
      Merge("cgroup { io { device: \"8:0\" read_operations_per_second: 1 } }",
            "cgroup { io { device: \"8:0\" read_operations_per_second: 2 } }");
  ASSERT_EQ(merged.policy.cgroup().io_size(), 1);
  EXPECT_EQ(merged.policy.cgroup().io(0).read_operations_per_second(), 2u);
}

TEST(MergeTest, AFileRuleReplacesTheInheritedOneOfItsPath) {
  const ParsedPolicy merged = Merge(R"(landlock { enforcement: IF_AVAILABLE
  file { path: "/a/" access: READ } file { path: "/b" access: READ } })",
                                    "landlock { file { path: \"/a\" access: WRITE } }");
  EXPECT_EQ(merged.policy.landlock().enforcement(), v1::IF_AVAILABLE);
  ASSERT_EQ(merged.policy.landlock().file_size(), 2);
  EXPECT_EQ(merged.policy.landlock().file(0).path(), "/b");
  EXPECT_EQ(merged.policy.landlock().file(1).access(), v1::FileRule::WRITE);
  EXPECT_EQ(merged.places.Find("landlock.file[1].access"), "over:1:30");
}

TEST(MergeTest, AcceptedLintsReplaceThoseOfTheSameId) {
  const ParsedPolicy merged = Merge(R"(accept_lint { id: "a" reason: "base" }
accept_lint { id: "b" reason: "base" })",
                                    R"(accept_lint { id: "a" reason: "over" })");
  ASSERT_EQ(merged.policy.accept_lint_size(), 2);
  EXPECT_EQ(merged.policy.accept_lint(0).id(), "b");
  EXPECT_EQ(merged.places.Find("accept_lint[0]"), "base:2:1");
  EXPECT_EQ(merged.policy.accept_lint(1).reason(), "over");
  EXPECT_EQ(merged.places.Find("accept_lint[1]"), "over:1:1");
}

TEST(MergeTest, TheNamesOfTheBasesAreKeptNearestFirst) {
  const ParsedPolicy middle = Merge("working_directory: \"/a\"", "working_directory: \"/b\"");
  EXPECT_THAT(middle.bases, testing::ElementsAre("base"));
  const ParsedPolicy last = MergePolicies(middle, *ParseText("working_directory: \"/c\"", "last"));
  EXPECT_EQ(last.name, "last");
  EXPECT_THAT(last.bases, testing::ElementsAre("over", "base"));
}

// The merge copies singular fields kind by kind; a kind that it does not know would be dropped.
TEST(MergeTest, EveryFieldOfTheSchemaIsInherited) {
  const auto* file = v1::Policy::descriptor()->file();
  for (int i = 0; i < file->message_type_count(); ++i) {
    for (int k = 0; k < file->message_type(i)->field_count(); ++k) {
      const auto* field = file->message_type(i)->field(k);
      const auto type = field->cpp_type();
      const bool known =
          type == field->CPPTYPE_STRING || type == field->CPPTYPE_MESSAGE ||
          (!field->is_repeated() && (type == field->CPPTYPE_BOOL || type == field->CPPTYPE_ENUM ||
                                     type == field->CPPTYPE_UINT32));
      EXPECT_TRUE(known) << field->full_name();
    }
  }
}

TEST(MergeTest, NothingOverAPolicyIsThePolicy) {
  const absl::string_view text = R"(identity { uid: 5 hostname: "h" }
mounts { bind { source: "/a" optional: true } dev { device: "null" shm_size: "1MiB" } }
environment { name: "A" value: "1" }
limits { cpu_time: "1s" } cgroup { cpu_weight: 7 } capabilities { enforcement: OFF }
seccomp { default_action: KILL allow: "a" rule { calls: "x" action: LOG } } network { mode: NONE }
landlock { enforcement: OFF file { path: "/a" access: READ } }
apparmor { enforcement: OFF profile: "site" })";
  ParsedPolicy nothing;
  nothing.places = SourceMap("over");
  const ParsedPolicy parsed = *ParseText(text, "base");
  const ParsedPolicy merged = MergePolicies(parsed, nothing);
  EXPECT_EQ(PrintText(merged.policy), PrintText(parsed.policy));
  for (const auto& [path, place] : parsed.places.entries()) {
    EXPECT_EQ(merged.places.Find(path), place) << path;
  }
}

}  // namespace
}  // namespace cordon
