// SPDX-License-Identifier: Apache-2.0
#include "policy/explain_calls.h"

#include "gmock/gmock.h"
#include "tests/support/explained.h"

namespace cordon {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(ExplainCallsTest, SaysWhichCallsAreAllowedWhichFailAndWhichEndTheJob) {
  const v1::Explanation explanation = Explained(R"(seccomp {
    allow: ["exec", "stdio"] kill: "keys"
    rule { calls: "socket" when { arg: 0 equals: "AF_UNIX" } action: ERRNO errno_name: "EACCES" }
    rule { calls: ["getppid", "getpid"] action: LOG }
    rule { calls: "prctl" when { arg: 0 any_of { value: "PR_SET_NAME" value: "PR_GET_NAME" } }
           action: ALLOW }
    rule { calls: "clone" when { arg: 0 masked_equals { mask: "CLONE_NEWNS" value: "0" } }
           action: ALLOW } })");
  EXPECT_THAT(RowOf(explanation, "calls", "stdio").text(),
              StartsWith("uses the descriptors it was given, and ends (read, write, readv and "));
  EXPECT_EQ(RowOf(explanation, "calls", "stdio").place(), "test.textproto:2:21");
  const v1::ExplainedRow keys = RowOf(explanation, "calls", "keys");
  EXPECT_EQ(keys.text(),
            "ends the job that tries: uses kernel keyrings (add_key, request_key, keyctl)");
  EXPECT_EQ(keys.verdict(), v1::SYSCALL_VIOLATION);
  EXPECT_EQ(RowOf(explanation, "calls", "socket").text(),
            "fails with EACCES when the first argument is AF_UNIX");
  EXPECT_EQ(RowOf(explanation, "calls", "socket").verdict(), v1::VERDICT_UNSPECIFIED);
  EXPECT_EQ(RowOf(explanation, "calls", "several").text(), "allowed and logged: getpid getppid");
  EXPECT_EQ(RowOf(explanation, "calls", "prctl").text(),
            "allowed when the first argument is one of PR_SET_NAME, PR_GET_NAME");
  EXPECT_EQ(RowOf(explanation, "calls", "clone").text(),
            "allowed when the first argument has none of CLONE_NEWNS");
  EXPECT_EQ(RowOf(explanation, "calls", "clone").place(), "test.textproto:7:5");
  EXPECT_THAT(RowOf(explanation, "calls", "all others").text(), StartsWith("fails with ENOSYS"));
  EXPECT_EQ(RowOf(explanation, "calls", "other ABIs").verdict(), v1::SYSCALL_VIOLATION);
}

TEST(ExplainCallsTest, GroupsStandInTheOrderOfRisk) {
  const v1::Explanation explanation = Explained(Shipped("judge/cpp"));
  const v1::ExplainedSection& calls = explanation.section(explanation.section_size() - 1);
  ASSERT_EQ(calls.id(), "calls");
  std::vector<std::string> labels;
  for (const v1::ExplainedRow& row : calls.row()) labels.push_back(row.label());
  const auto at = [&](const char* label) {
    return std::find(labels.begin(), labels.end(), label) - labels.begin();
  };
  EXPECT_LT(at("stdio"), at("cpath"));
  EXPECT_LT(at("cpath"), at("exec"));
  EXPECT_LT(at("exec"), at("dangerous"));
  EXPECT_THAT(RowOf(explanation, "calls", "thread").text(), HasSubstr("(clone, "));
  // A group of groups says what each of them does.
  EXPECT_THAT(RowOf(explanation, "calls", "dangerous").text(),
              HasSubstr("inspects or changes other processes; changes mounts and roots; "));
}

TEST(ExplainCallsTest, CallsThatARuleTookAreNotNamedWithTheGroup) {
  const v1::Explanation explanation =
      Explained("seccomp { allow: [\"stdio\", \"exec\"] rule { calls: \"readv\" action: KILL } }");
  EXPECT_THAT(RowOf(explanation, "calls", "stdio").text(), HasSubstr("(read, write, writev and "));
  EXPECT_EQ(RowOf(explanation, "calls", "readv").text(), "ends the job");
}

TEST(ExplainCallsTest, EveryComparisonHasItsWords) {
  const struct {
    const char* condition;
    const char* words;
  } cases[] = {
      {"not_equals: \"7\"", "the third argument is not 7"},
      {"less_than: \"7\"", "the third argument is below 7"},
      {"at_most: \"7\"", "the third argument is at most 7"},
      {"greater_than: \"7\"", "the third argument is above 7"},
      {"at_least: \"7\"", "the third argument is at least 7"},
      {"masked_equals { mask: \"3\" value: \"1\" }", "the third argument has of 3 just 1"},
  };
  for (const auto& each : cases) {
    const v1::Explanation explanation = Explained(
        absl::StrCat("seccomp { allow: \"stdio\" allow: \"exec\" rule { calls: \"mmap\" when { "
                     "arg: 2 ",
                     each.condition, " } action: ALLOW } }"));
    EXPECT_EQ(RowOf(explanation, "calls", "mmap").text(),
              absl::StrCat("allowed when ", each.words));
  }
}

TEST(ExplainCallsTest, NotifySaysThatTheCallFailsAndIsListed) {
  const v1::Explanation explained = Explained(
      "seccomp { allow: [\"stdio\", \"exec\"] rule { calls: \"socket\" action: NOTIFY } }");
  EXPECT_EQ(RowOf(explained, "calls", "socket").text(),
            "fails with EPERM, and the report lists each try");
}

TEST(ExplainCallsTest, SaysLoudlyWhatIsOffOrMissing) {
  EXPECT_THAT(RowOf(Explained("seccomp { enforcement: OFF }"), "calls", "all").text(),
              StartsWith("OFF: NOT FILTERED"));
  v1::HostFacts facts = FullHost();
  facts.clear_seccomp_actions();
  const v1::Explanation missing =
      Explained("seccomp { allow: [\"stdio\", \"exec\"] enforcement: IF_AVAILABLE }", facts);
  EXPECT_THAT(RowOf(missing, "calls", "this host").text(), StartsWith("NOT FILTERED"));
}

}  // namespace
}  // namespace cordon
