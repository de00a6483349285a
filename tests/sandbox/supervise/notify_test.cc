// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/notify.h"

#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/job.h"
#include "tests/support/job_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Architecture kArch = Architecture::kX86_64;

v1::SeccompRules Rules() {
  v1::SeccompRules rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    default_action { action: ERRNO errno_value: 38 }
    rule { call: "socket" number: 41 when { arg: 0 op: EQ value: 2 }
           action { action: NOTIFY errno_value: 13 } }
    rule { call: "socket" number: 41 action { action: NOTIFY errno_value: 1 } }
    rule { call: "openat" number: 257 action { action: NOTIFY errno_value: 2 } })",
                                                            &rules));
  return rules;
}

CallSample Call(uint32_t number, std::initializer_list<uint64_t> args) {
  CallSample call;
  call.architecture = AuditArchitecture(kArch);
  call.number = number;
  std::copy(args.begin(), args.end(), call.args.begin());
  return call;
}

TEST(CallLogTest, CountsWhatTheKernelWouldReadAlike) {
  const v1::SeccompRules rules = Rules();
  CallLog log(rules, kArch);
  int asked = 0;
  const auto thread = [&] { return static_cast<uint32_t>(++asked); };
  EXPECT_EQ(log.Add(Call(41, {2, 1, 0}), thread), 13u) << "the errno of the rule that decides";
  EXPECT_EQ(log.Add(Call(41, {1, 1, 0}), thread), 1u);
  // An int is read in 32 bits, and the fourth argument not at all.
  EXPECT_EQ(log.Add(Call(41, {1 | uint64_t{7} << 32, 1, 0, 99}), thread), 1u);
  EXPECT_EQ(log.Add(Call(257, {uint64_t(-100), 0x7ffd1234, 0x80000, 0644}), thread), 2u);
  EXPECT_EQ(asked, 3);
  v1::Report report;
  log.Fill(&report);
  ASSERT_EQ(report.notified_call_size(), 3);
  EXPECT_THAT(report.notified_call(0).argument(), ElementsAre("2", "1", "0"));
  EXPECT_EQ(report.notified_call(1).call(), "socket");
  EXPECT_EQ(report.notified_call(1).count(), 2u);
  EXPECT_EQ(report.notified_call(1).thread(), 2u);
  EXPECT_EQ(report.notified_call(1).architecture(), "x86_64");
  EXPECT_EQ(report.notified_call(2).call(), "openat");
  EXPECT_THAT(report.notified_call(2).argument(),
              ElementsAre("-100", "0x7ffd1234", "524288", "0x1a4"));
}

// What the filter never asks about gets no answer but no.
TEST(CallLogTest, ACallWithoutARuleIsDenied) {
  const v1::SeccompRules rules = Rules();
  CallLog log(rules, kArch);
  EXPECT_EQ(log.Add(Call(0, {}), [] { return 1u; }), static_cast<uint32_t>(EPERM));
}

TEST(CallLogTest, AFloodIsCountedInBoundedSpaceAndHidesNoCall) {
  const v1::SeccompRules rules = Rules();
  CallLog log(rules, kArch);
  const auto thread = [] { return 5u; };
  for (uint64_t i = 0; i < 10000; ++i) log.Add(Call(41, {1, 1, i}), thread);
  log.Add(Call(257, {3, 4, 5, 6}), thread);
  log.Add(Call(41, {1, 1, 0}), thread);
  v1::Report report;
  log.Fill(&report);
  ASSERT_EQ(report.notified_call_size(), static_cast<int>(CallLog::kMaxEntries) + 2);
  EXPECT_EQ(report.notified_call(0).count(), 2u) << "entries go on counting";
  const v1::NotifiedCall& others = report.notified_call(64);
  EXPECT_EQ(others.call(), "socket");
  EXPECT_THAT(others.argument(), IsEmpty());
  EXPECT_EQ(others.count(), 10000 - CallLog::kMaxEntries);
  EXPECT_EQ(report.notified_call(65).call(), "openat");
  EXPECT_EQ(report.notified_call(65).count(), 1u);
  EXPECT_EQ(report.notified_call(65).thread(), 5u);
}

TEST(CallLogTest, ACallUnderKillEndsTheJobAndIsDescribed) {
  v1::SeccompRules rules = Rules();
  rules.mutable_rule(2)->mutable_action()->set_action(v1::Seccomp::KILL);
  rules.mutable_rule(2)->set_field("seccomp.rule[1]");
  CallLog log(rules, kArch);
  EXPECT_FALSE(log.EndsJob(Call(41, {1, 1, 0})));
  EXPECT_FALSE(log.EndsJob(Call(0, {})));
  const CallSample open = Call(257, {uint64_t(-100), 0x7ffd1234, 0x80000, 0644, 9});
  ASSERT_TRUE(log.EndsJob(open));
  const v1::CallViolation violation = log.Violation(open, 7);
  EXPECT_EQ(violation.call(), "openat");
  EXPECT_THAT(violation.argument(), ElementsAre("-100", "0x7ffd1234", "524288", "0x1a4"));
  EXPECT_EQ(violation.architecture(), "x86_64");
  EXPECT_EQ(violation.thread(), 7u);
  EXPECT_EQ(violation.number(), 257u);
  EXPECT_EQ(violation.words(), "openat(-100, 0x7ffd1234, 524288, 0x1a4)");
  EXPECT_EQ(violation.decided_by(), "seccomp.rule[1]");
  rules.mutable_default_action()->set_action(v1::Seccomp::KILL);
  EXPECT_TRUE(log.EndsJob(Call(0, {})));
  EXPECT_EQ(log.Violation(Call(0, {}), 1).decided_by(), "seccomp.default_action");
}

constexpr char kNotify[] = " rule { calls: \"socket\" action: NOTIFY }";
constexpr char kAllow[] = " rule { calls: \"socket\" action: ALLOW }";

class NotifyTest : public OneJobTest {
 protected:
  void Run(const std::vector<std::string>& arguments, const std::string& rules) {
    options_.seccomp += rules;
    OneJobTest::Run(arguments);
  }
};

TEST_F(NotifyTest, AnAttemptFailsAndTheReportListsIt) {
  Run({"sockets", "3", std::to_string(AF_INET)}, kNotify);
  EXPECT_EQ(report().verdict(), v1::EXITED);
  EXPECT_EQ(report().exit_code(), EPERM);
  ASSERT_EQ(report().notified_call_size(), 1);
  const v1::NotifiedCall& call = report().notified_call(0);
  EXPECT_EQ(call.call(), "socket");
  EXPECT_THAT(call.argument(), ElementsAre("2", "1", "0"));
  EXPECT_EQ(call.architecture(), HostFactsOfTest().architecture());
  EXPECT_EQ(call.thread(), 3u) << "as the job itself sees it";
  EXPECT_EQ(call.count(), 3u);
}

TEST_F(NotifyTest, WithAllowTheSameJobHasItsSocketsAndNothingIsListed) {
  Run({"sockets", "3", std::to_string(AF_INET)}, kAllow);
  EXPECT_EQ(report().exit_code(), 0);
  EXPECT_EQ(report().notified_call_size(), 0);
}

TEST_F(NotifyTest, TheErrnoIsThatOfTheRuleAndOtherArgumentsGoOn) {
  const std::string rules =
      " rule { calls: \"socket\" when { arg: 0 equals: \"AF_INET\" } action: NOTIFY errno_name: "
      "\"EACCES\" } rule { calls: \"socket\" when { arg: 0 equals: \"AF_UNIX\" } action: ALLOW }";
  Run({"sockets", "1", std::to_string(AF_INET)}, rules);
  EXPECT_EQ(report().exit_code(), EACCES);
  EXPECT_EQ(report().notified_call_size(), 1);
  Run({"sockets", "1", std::to_string(AF_UNIX)}, "");
  EXPECT_EQ(report().exit_code(), 0);
  EXPECT_EQ(report().notified_call_size(), 0);
}

TEST_F(NotifyTest, EachThreadIsToldByItsOwnId) {
  Run({"socket_in_threads"}, kNotify);
  EXPECT_EQ(report().exit_code(), 2 * EPERM);
  ASSERT_EQ(report().notified_call_size(), 2);
  std::vector<uint32_t> threads;
  for (const v1::NotifiedCall& call : report().notified_call()) threads.push_back(call.thread());
  EXPECT_THAT(threads, testing::UnorderedElementsAre(4, 5));
}

TEST_F(NotifyTest, EveryCallOfAFloodIsCounted) {
  Run({"sockets", "2000", std::to_string(AF_INET)}, kNotify);
  EXPECT_EQ(report().verdict(), v1::EXITED);
  ASSERT_EQ(report().notified_call_size(), 1);
  EXPECT_EQ(report().notified_call(0).count(), 2000u);
}

TEST_F(NotifyTest, AFloodWithoutEndMeetsTheWallLimit) {
  options_.wall_time = "3s";
  const auto begin = std::chrono::steady_clock::now();
  Run({"socket_flood", "3"}, kNotify);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_STREQ(result_.verdict(), "WALL_LIMIT");
  EXPECT_LT(took.count(), 60.0);
  ASSERT_GE(report().notified_call_size(), 1);
  EXPECT_LE(report().notified_call_size(), static_cast<int>(CallLog::kMaxEntries) + 1);
}

TEST_F(NotifyTest, AFloodWithoutEndMeetsTheCpuLimit) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  options_.cpu_time = "200ms";
  Run({"socket_flood", "3"}, kNotify);
  EXPECT_STREQ(result_.verdict(), "CPU_LIMIT");
}

// With a listener of its own a job could let its calls go on. The kernel allows one listener; a
// filter without one changes nothing, since ours answers the same and the call has to be denied.
TEST_F(NotifyTest, AJobCannotAnswerForItself) {
  const std::string filters = " rule { calls: \"seccomp\" action: ALLOW }";
  Run({"own_listener"}, filters + kAllow + " kill_evidence: KERNEL");
  EXPECT_EQ(report().exit_code(), 100) << "beside no listener of ours it gets one: the control";
  options_ = JobOptions();
  Run({"own_listener"}, filters + kNotify);
  EXPECT_EQ(report().exit_code(), EBUSY);
  options_ = JobOptions();
  Run({"own_listener"}, filters + kAllow);
  EXPECT_EQ(report().exit_code(), EBUSY) << "named kills are a listener of ours, too";
}

}  // namespace
}  // namespace cordon
