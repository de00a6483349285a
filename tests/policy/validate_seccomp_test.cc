// SPDX-License-Identifier: Apache-2.0
// Seccomp rules: complete, unambiguous, and an errno only where it has a meaning.
#include "policy/validate_seccomp.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/policy_text.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

absl::Status Seccomp(absl::string_view text) {
  return ValidateText(absl::StrCat("seccomp { ", text, " }"));
}

absl::Status When(absl::string_view condition) {
  return Seccomp(absl::StrCat("rule { calls: \"prctl\" action: ALLOW when { ", condition, " } }"));
}

TEST(ValidateSeccompTest, AcceptsAWholeBlock) {
  EXPECT_THAT(Seccomp(R"(
enforcement: IF_AVAILABLE default_action: ERRNO default_errno: "EPERM" allow: ["stdio", "stdio"]
kill: "debug"
rule { calls: ["prctl", "arch_prctl"] when { arg: 5 any_of { value: ["1", "PR_SET_NAME"] } }
       when { masked_equals { mask: "0xff" value: "0" } } action: ERRNO errno_name: "EWOULDBLOCK" }
rule { calls: "prctl" when { equals: "3" } action: LOG }
rule { calls: "prctl" action: KILL })"),
              IsOk());
}

TEST(ValidateSeccompTest, ARuleNeedsCallsAndAnAction) {
  const absl::Status status = Seccomp("rule {}");
  EXPECT_THAT(status, HasError("seccomp.rule[0].calls (p:1:11): names no system call"));
  EXPECT_THAT(status,
              HasError("seccomp.rule[0].action (p:1:11): is required: ALLOW, ERRNO, KILL, LOG or "
                       "NOTIFY"));
  EXPECT_THAT(Seccomp("rule { calls: \"\" action: KILL }"),
              HasErrorWith("calls[0] (p:1:18): is empty"));
}

TEST(ValidateSeccompTest, NotifyIsForRulesAndNotForTheCallsOfTheStart) {
  EXPECT_THAT(Seccomp("rule { calls: \"socket\" action: NOTIFY errno_name: \"EACCES\" }"), IsOk());
  for (const char* call : {"execve", "execveat", "write", "exit_group", "clock_gettime"}) {
    const std::string text =
        absl::StrCat("rule { calls: [\"socket\", \"", call, "\"] when { arg: 0 equals: \"7\" } ");
    EXPECT_THAT(Seccomp(text + "action: NOTIFY }"),
                HasErrorWith(absl::StrCat("seccomp.rule[0].calls[1] (p:1:36): ", call,
                                          " cannot be NOTIFY: the start of the job makes")));
    EXPECT_THAT(Seccomp(text + "action: ERRNO }"), IsOk());
  }
  EXPECT_THAT(Seccomp("default_action: NOTIFY"),
              HasErrorWith("seccomp.default_action (p:1:11): cannot be NOTIFY"));
  EXPECT_THAT(Seccomp("default_action: NOTIFY default_errno: \"EPERM\""),
              HasErrorWith("with default_action ERRNO only"));
}

TEST(ValidateSeccompTest, AnErrnoNeedsItsActionAndAName) {
  EXPECT_THAT(Seccomp("rule { calls: \"x\" action: ERRNO errno_name: \"ENOPE\" }"),
              HasErrorWith("\"ENOPE\" is not the name of an errno, such as EPERM or ENOSYS"));
  EXPECT_THAT(Seccomp("rule { calls: \"x\" action: ERRNO errno_name: \"1\" }"),
              HasErrorWith("seccomp.rule[0].errno_name"));
  EXPECT_THAT(Seccomp("rule { calls: \"x\" action: KILL errno_name: \"EPERM\" }"),
              HasErrorWith("has a meaning with action ERRNO or NOTIFY only"));
  EXPECT_THAT(Seccomp("default_errno: \"EBOGUS\""), HasErrorWith("seccomp.default_errno (p:1:11)"));
  EXPECT_THAT(Seccomp("default_action: KILL default_errno: \"EPERM\""),
              HasErrorWith("has a meaning with default_action ERRNO only"));
}

TEST(ValidateSeccompTest, ConditionsAreComplete) {
  EXPECT_THAT(When("arg: 6 equals: \"1\""),
              HasErrorWith("seccomp.rule[0].when[0].arg (p:1:54): is 6; 0 to 5 is allowed"));
  EXPECT_THAT(When("arg: 1"), HasErrorWith("seccomp.rule[0].when[0] (p:1:47): has no comparison"));
  EXPECT_THAT(When("any_of {}"), HasErrorWith("any_of (p:1:54): lists no value"));
  EXPECT_THAT(When("any_of { value: [\"1\", \"\"] }"), HasErrorWith("any_of.value[1]"));
  EXPECT_THAT(When("masked_equals { value: \"1\" }"), HasErrorWith("masked_equals.mask"));
  EXPECT_THAT(When("masked_equals { mask: \"1\" }"), HasErrorWith("masked_equals.value"));
  for (const absl::string_view comparison :
       {"equals", "not_equals", "less_than", "at_most", "greater_than", "at_least"}) {
    EXPECT_THAT(When(absl::StrCat(comparison, ": \"\"")), HasErrorWith(": is empty")) << comparison;
    EXPECT_THAT(When(absl::StrCat(comparison, ": \"1\"")), IsOk()) << comparison;
  }
}

// POL-06
TEST(ValidateSeccompTest, RefusesContradictions) {
  EXPECT_THAT(Seccomp("rule { calls: [\"x\", \"x\"] action: KILL }"),
              HasErrorWith("seccomp.rule[0].calls[1] (p:1:31): \"x\" is in this rule twice"));
  EXPECT_THAT(
      Seccomp("rule { calls: \"x\" action: KILL }\nrule { calls: [\"y\", \"x\"] action: ALLOW }"),
      HasError("seccomp.rule[1].calls[1] (p:2:21): \"x\" is decided by seccomp.rule[0] "
               "already, for all arguments"));
  EXPECT_THAT(Seccomp("allow: \"net\" kill: \"net\""),
              HasError("seccomp.kill[0] (p:1:24): \"net\" is in seccomp.allow, too"));
  EXPECT_THAT(Seccomp("allow: \"\""), HasErrorWith("seccomp.allow[0] (p:1:11): is empty"));
  EXPECT_THAT(Seccomp("kill: \"\""), HasErrorWith("seccomp.kill[0] (p:1:11): is empty"));
}

}  // namespace
}  // namespace cordon
