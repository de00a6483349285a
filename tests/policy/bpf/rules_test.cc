// SPDX-License-Identifier: Apache-2.0
#include "policy/bpf/rules.h"

#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "policy/bpf/meaning.h"
#include "policy/bpf/relation.h"
#include "policy/uapi/uapi.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr Architecture kArch = Architecture::kX86_64;

absl::StatusOr<v1::SeccompRules> Build(const std::string& text) {
  v1::Seccomp policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &policy)) << text;
  return BuildRules(policy, kArch);
}

std::string Answer(const v1::SeccompRules& rules, absl::string_view name,
                   std::initializer_list<uint64_t> args = {}) {
  CallSample call;
  call.number = FindSyscall(name, kArch).value().value();
  call.architecture = AuditArchitecture(kArch);
  std::copy(args.begin(), args.end(), call.args.begin());
  const uint32_t value = MeaningOf(rules, kArch, call);
  if (value == SECCOMP_RET_ALLOW) return "ALLOW";
  if (value == SECCOMP_RET_LOG) return "LOG";
  if (value == SECCOMP_RET_KILL_PROCESS) return "KILL";
  if (value == SECCOMP_RET_USER_NOTIF) return "NOTIFY";
  return ErrnoName(static_cast<int>(value & SECCOMP_RET_DATA));
}

TEST(RulesTest, AnEmptyPolicyAllowsNothing) {
  const auto rules = Build("");
  ASSERT_THAT(rules, IsOk());
  EXPECT_EQ(Answer(*rules, "read"), "ENOSYS");
  EXPECT_EQ(Answer(*rules, "clone3"), "ENOSYS");
}

TEST(RulesTest, NotifyKeepsItsErrnoForTheSupervisor) {
  const auto rules = Build(R"(
    allow: "stdio"
    rule { calls: "socket" when { arg: 0 equals: "AF_INET" } action: NOTIFY }
    rule { calls: "socket" when { arg: 0 equals: "AF_UNIX" } action: NOTIFY errno_name: "EACCES" }
    rule { calls: "read" action: NOTIFY })");
  ASSERT_THAT(rules, IsOk());
  EXPECT_EQ(Answer(*rules, "socket", {2, 1}), "NOTIFY");
  EXPECT_EQ(Answer(*rules, "socket", {1, 1}), "NOTIFY");
  EXPECT_EQ(Answer(*rules, "socket", {10, 1}), "ENOSYS");
  EXPECT_EQ(Answer(*rules, "read"), "NOTIFY") << "a rule takes the call out of its groups";
  CallSample call;
  call.number = FindSyscall("socket", kArch).value().value();
  call.args[0] = 1;
  EXPECT_EQ(ActionText(DecidingRule(*rules, call)->action()), "NOTIFY EACCES");
  call.args[0] = 2;
  EXPECT_EQ(ActionText(DecidingRule(*rules, call)->action()), "NOTIFY EPERM");
  call.args[0] = 10;
  EXPECT_EQ(DecidingRule(*rules, call), nullptr);
}

// The filter answers both in the same way; the supervisor could not tell which errno is meant.
TEST(RulesTest, TwoErrnosOfNotifyForOneCallAreRefused) {
  EXPECT_THAT(Build(R"(rule { calls: "socket" action: NOTIFY }
                       rule { calls: "socket" when { arg: 0 equals: "1" } action: NOTIFY
                              errno_name: "EACCES" })"),
              HasErrorWith("(NOTIFY EPERM) and seccomp.rule[1] (NOTIFY EACCES) both decide"));
}

TEST(RulesTest, DefaultsGroupsAndRulesHaveTheirPlace) {
  const auto rules = Build(R"(
    default_action: KILL
    allow: "stdio" kill: "debug"
    rule { calls: "openat" calls: "open" action: ERRNO }
    rule { calls: "getppid" action: ERRNO errno_name: "EACCES" }
    rule { calls: "getuid" action: LOG })");
  ASSERT_THAT(rules, IsOk());
  EXPECT_EQ(Answer(*rules, "read"), "ALLOW");
  EXPECT_EQ(Answer(*rules, "ptrace"), "KILL");
  EXPECT_EQ(Answer(*rules, "open"), "EPERM");
  EXPECT_EQ(Answer(*rules, "getppid"), "EACCES");
  EXPECT_EQ(Answer(*rules, "getuid"), "LOG");
  EXPECT_EQ(Answer(*rules, "getpid"), "KILL");
}

TEST(RulesTest, Clone3IsUnknownWhateverTheDefault) {
  for (const char* text : {"default_action: KILL", "default_action: ERRNO default_errno: \"EPERM\"",
                           "default_action: ALLOW", "allow: \"proc\" allow: \"thread\""}) {
    const auto rules = Build(text);
    ASSERT_THAT(rules, IsOk());
    EXPECT_EQ(Answer(*rules, "clone3"), "ENOSYS") << text;
  }
  EXPECT_EQ(Answer(*Build("rule { calls: \"clone3\" action: KILL }"), "clone3"), "KILL");
}

TEST(RulesTest, CallsYoungerThanTheTableAreUnknownWhereTheDefaultRefuses) {
  for (const char* text :
       {"default_action: KILL", "default_action: ERRNO default_errno: \"EPERM\"", ""}) {
    EXPECT_EQ(Build(text)->unknown_from(), FirstUnknownNumber(kArch)) << text;
  }
  for (const char* text : {"default_action: ALLOW", "default_action: LOG"}) {
    EXPECT_EQ(Build(text)->unknown_from(), 0u) << text;
  }
  const auto rules = Build("default_action: KILL");
  CallSample call;
  call.architecture = AuditArchitecture(kArch);
  call.number = FirstUnknownNumber(kArch) - 1;
  EXPECT_EQ(MeaningOf(*rules, kArch, call), SECCOMP_RET_KILL_PROCESS);
  ++call.number;
  EXPECT_EQ(MeaningOf(*rules, kArch, call), kReturnNoSuchCall);
}

TEST(RulesTest, ARuleTakesItsCallOutOfTheGroups) {
  const auto rules = Build(R"(
    allow: "rpath" kill: "debug"
    rule { calls: "openat" when { arg: 2 equals: "0" } action: ALLOW }
    rule { calls: "ptrace" action: ERRNO })");
  ASSERT_THAT(rules, IsOk());
  EXPECT_EQ(Answer(*rules, "openat", {0, 0, 0}), "ALLOW");
  EXPECT_EQ(Answer(*rules, "openat", {0, 0, 0x80000}), "ENOSYS");
  EXPECT_EQ(Answer(*rules, "open", {0, 0x80000}), "ALLOW");
  EXPECT_EQ(Answer(*rules, "ptrace"), "EPERM");
  EXPECT_EQ(Answer(*rules, "process_vm_readv"), "KILL");
}

TEST(RulesTest, RulesWithOneActionAreAlternatives) {
  const auto rules = Build(R"(
    rule { calls: "socket" when { arg: 0 equals: "AF_UNIX" } action: ALLOW }
    rule { calls: "socket" when { arg: 0 any_of { value: "AF_INET" value: "AF_INET6" } }
                           when { arg: 1 equals: "SOCK_STREAM" } action: ALLOW })");
  ASSERT_THAT(rules, IsOk());
  EXPECT_EQ(Answer(*rules, "socket", {1, 5}), "ALLOW");
  EXPECT_EQ(Answer(*rules, "socket", {10, 1}), "ALLOW");
  EXPECT_EQ(Answer(*rules, "socket", {10, 2}), "ENOSYS");
  EXPECT_EQ(Answer(*rules, "socket", {3, 1}), "ENOSYS");
}

TEST(RulesTest, OppositeConditionsMayHaveDifferentActions) {
  const auto rules = Build(R"(
    rule { calls: "socket" when { arg: 0 equals: "AF_UNIX" } action: ERRNO errno_name: "EACCES" }
    rule { calls: "socket" when { arg: 0 not_equals: "AF_UNIX" } action: KILL })");
  ASSERT_THAT(rules, IsOk());
  EXPECT_EQ(Answer(*rules, "socket", {1}), "EACCES");
  EXPECT_EQ(Answer(*rules, "socket", {1 | uint64_t{1} << 32}), "EACCES");
  EXPECT_EQ(Answer(*rules, "socket", {2}), "KILL");
  EXPECT_EQ(Answer(*rules, "socket", {UINT64_MAX}), "KILL");
}

TEST(RulesTest, RangesThatMeetNowhereMayHaveDifferentActions) {
  const auto rules = Build(R"(
    rule { calls: "mmap" when { arg: 1 less_than: "4096" } action: KILL }
    rule { calls: "mmap" when { arg: 1 at_least: "4096" } action: ALLOW })");
  ASSERT_THAT(rules, IsOk());
  EXPECT_EQ(Answer(*rules, "mmap", {0, 4095}), "KILL");
  EXPECT_EQ(Answer(*rules, "mmap", {0, 4096}), "ALLOW");
}

TEST(RulesTest, RefusesRulesThatDisagreeNamingBoth) {
  const auto both = Build(R"(
    rule { calls: "kill" when { arg: 1 equals: "SIGKILL" } action: KILL }
    rule { calls: "kill" when { arg: 0 equals: "1" } action: ALLOW })");
  EXPECT_THAT(both, StatusIs(absl::StatusCode::kInvalidArgument, ""));
  EXPECT_THAT(both, HasErrorWith("seccomp.rule[1]: seccomp.rule[0] (KILL) and seccomp.rule[1] "
                                 "(ALLOW) both decide about kill"));
  EXPECT_THAT(Build(R"(rule { calls: "kill" action: ALLOW }
                       rule { calls: "kill" when { arg: 1 equals: "9" } action: KILL })"),
              HasErrorWith("both decide about kill"));
  EXPECT_THAT(Build(R"(rule { calls: "kill" action: ERRNO errno_name: "EPERM" }
                       rule { calls: "kill" action: ERRNO errno_name: "ESRCH" })"),
              HasErrorWith("(ERRNO EPERM) and seccomp.rule[1] (ERRNO ESRCH)"));
  EXPECT_THAT(Build("allow: \"debug\" kill: \"dangerous\""),
              HasErrorWith("seccomp.allow[0] (ALLOW) and seccomp.kill[0] (KILL)"));
}

TEST(RulesTest, RefusesTwoConditionsOnOneArgument) {
  EXPECT_THAT(Build(R"(rule { calls: "mmap" when { arg: 1 at_least: "1" }
                                            when { arg: 1 at_most: "9" } action: ALLOW })"),
              HasErrorWith("seccomp.rule[0].when[1]: two conditions on argument 1"));
}

TEST(RulesTest, ListsEveryErrorWithItsField) {
  const auto rules = Build(R"(
    allow: "stdoi"
    rule { calls: "read" calls: "raed" action: ALLOW }
    rule { calls: "prctl" when { arg: 0 equals: "PR_SET_NAM" } action: ALLOW }
    rule { calls: "getpid" action: ERRNO errno_name: "EWHAT" }
    rule { calls: "getpid" })");
  EXPECT_THAT(rules, HasErrorWith("seccomp.allow[0]: "));
  EXPECT_THAT(rules, HasErrorWith("seccomp.rule[0].calls[1]: "));
  EXPECT_THAT(rules, HasErrorWith("seccomp.rule[1].when[0]: "));
  EXPECT_THAT(rules, HasErrorWith("did you mean \"PR_SET_NAME\"?"));
  EXPECT_THAT(rules, HasErrorWith("\"EWHAT\" is not the name of an errno"));
  EXPECT_THAT(rules, HasErrorWith("seccomp.rule[3].action: the rule has no action"));
}

TEST(RulesTest, ACallOfAnotherArchitectureIsLeftOut) {
  v1::Seccomp policy;
  policy.add_allow("proc");
  v1::Rule& rule = *policy.add_rule();
  rule.add_calls("open");
  rule.set_action(v1::Seccomp::ALLOW);
  const auto rules = BuildRules(policy, Architecture::kAarch64);
  ASSERT_THAT(rules, IsOk());
  for (const v1::SyscallRule& each : rules->rule()) {
    EXPECT_NE(each.call(), "open");
    EXPECT_NE(each.call(), "fork");
  }
}

TEST(RulesTest, AreSortedAndHoldNothingTwice) {
  const auto rules = Build("allow: [\"rpath\", \"wpath\", \"cpath\", \"thread\", \"proc\"]");
  ASSERT_THAT(rules, IsOk());
  for (int i = 1; i < rules->rule_size(); ++i) {
    const v1::SyscallRule& before = rules->rule(i - 1);
    const v1::SyscallRule& rule = rules->rule(i);
    EXPECT_LE(before.number(), rule.number());
    if (before.number() != rule.number()) continue;
    EXPECT_FALSE(before.when().empty() && !rule.when().empty()) << rule.call();
    EXPECT_FALSE(Implies(before, rule) || Implies(rule, before)) << rule.call();
  }
}

TEST(RulesTest, RefusesConditionsThatWouldTakeLongToCompile) {
  EXPECT_THAT(Build(R"(rule { calls: "mmap" when { arg: 0 not_equals: "1" }
                                            when { arg: 1 not_equals: "1" } action: ALLOW })"),
              HasErrorWith("more than 512 comparisons"));
  std::string many;
  for (const char* call : {"read", "write", "lseek", "mremap", "brk", "mprotect", "fallocate",
                           "mmap", "pread64", "pwrite64", "readahead"}) {
    many += std::string("rule { calls: \"") + call +
            "\" when { arg: 2 not_equals: \"1\" } action: KILL }";
  }
  many.replace(many.find("brk"), 3, "madvise");
  EXPECT_THAT(Build(many), HasErrorWith("600 in all"));
  EXPECT_THAT(Build(R"(rule { calls: "mmap" when { arg: 0 not_equals: "1" } action: ALLOW }
                       rule { calls: "mmap" when { arg: 1 equals: "1" } action: ALLOW })"),
              HasErrorWith("at most 32 for one call whose rules look at different arguments"));
}

TEST(RulesTest, ActionsAreWords) {
  v1::SeccompAction action;
  action.set_action(v1::Seccomp::ERRNO);
  action.set_errno_value(13);
  EXPECT_EQ(ActionText(action), "ERRNO EACCES");
  action.set_action(v1::Seccomp::KILL);
  EXPECT_EQ(ActionText(action), "KILL");
}

}  // namespace
}  // namespace cordon
