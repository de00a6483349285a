// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/health_log.h"

#include <signal.h>

#include <string>

#include "gtest/gtest.h"

namespace cordon {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

v1::HealthPlan Plan(uint32_t retries, uint64_t start_period_ns = 0) {
  v1::HealthPlan plan;
  plan.set_retries(retries);
  plan.set_start_period_ns(start_period_ns);
  return plan;
}

CheckResult Failure(uint64_t began_ns) {
  return {began_ns, began_ns + kSecond, false, false, "exit 1", ""};
}
CheckResult Pass(uint64_t began_ns) {
  return {began_ns, began_ns + kSecond, true, false, "exit 0", ""};
}

v1::HealthReport Filled(const HealthLog& log) {
  v1::HealthReport report;
  log.Fill(&report);
  return report;
}

TEST(HealthLogTest, NothingIsKnownBeforeTheFirstCheck) {
  const v1::HealthPlan plan = Plan(1);
  const HealthLog log(plan);
  EXPECT_FALSE(log.unhealthy());
  EXPECT_FALSE(Filled(log).ready());
  EXPECT_FALSE(Filled(log).has_last());
}

TEST(HealthLogTest, FailuresCountWhenTheyAreInARow) {
  const v1::HealthPlan plan = Plan(3);
  HealthLog log(plan);
  log.Add(Failure(0));
  log.Add(Failure(2 * kSecond));
  EXPECT_FALSE(log.unhealthy());
  log.Add(Pass(4 * kSecond));
  log.Add(Failure(6 * kSecond));
  log.Add(Failure(8 * kSecond));
  EXPECT_FALSE(log.unhealthy());
  log.Add(Failure(10 * kSecond));
  EXPECT_TRUE(log.unhealthy());
  const v1::HealthReport report = Filled(log);
  EXPECT_EQ(report.passed(), 1u);
  EXPECT_EQ(report.failed(), 5u);
  EXPECT_EQ(report.failed_in_row(), 3u);
  EXPECT_TRUE(report.ready());
  EXPECT_EQ(report.ready_after().seconds(), 5);
  EXPECT_EQ(report.last().offset().seconds(), 11);
  EXPECT_EQ(report.last().duration().seconds(), 1);
  Observations seen;
  log.Fill(&seen);
  EXPECT_EQ(seen.health_end, "exit 1");
  EXPECT_EQ(seen.health_in_row, 3u);
  EXPECT_EQ(seen.health_retries, 3u);
}

TEST(HealthLogTest, InTheStartPeriodFailuresDoNotCountBeforeTheFirstPass) {
  const v1::HealthPlan plan = Plan(1, 10 * kSecond);
  HealthLog log(plan);
  for (uint64_t at = 0; at < 10; ++at) log.Add(Failure(at * kSecond));
  EXPECT_FALSE(log.unhealthy());
  EXPECT_EQ(Filled(log).failed(), 10u);
  EXPECT_EQ(Filled(log).failed_in_row(), 0u);
  HealthLog late = log;
  late.Add(Failure(10 * kSecond));
  EXPECT_TRUE(late.unhealthy());
  log.Add(Pass(5 * kSecond));
  log.Add(Failure(6 * kSecond));  // it had been ready
  EXPECT_TRUE(log.unhealthy());
}

TEST(HealthLogTest, ReadyIsTheFirstPass) {
  const v1::HealthPlan plan = Plan(2);
  HealthLog log(plan);
  log.Add(Pass(kSecond));
  log.Add(Pass(7 * kSecond));
  EXPECT_EQ(Filled(log).ready_after().seconds(), 2);
}

TEST(HealthLogTest, TimeoutsAreFailuresOfTheirOwnKind) {
  const v1::HealthPlan plan = Plan(2);
  HealthLog log(plan);
  log.Add({0, kSecond, false, true, "timeout", ""});
  log.Add(Failure(2 * kSecond));
  EXPECT_EQ(Filled(log).failed(), 2u);
  EXPECT_EQ(Filled(log).timed_out(), 1u);
}

TEST(HealthLogTest, WhatACheckSaysIsKeptAsItIs) {
  const v1::HealthPlan plan = Plan(2);
  HealthLog log(plan);
  const std::string bytes("a\0\x1b[31m\xff\n", 9);
  log.Add({0, 1, true, false, "exit 0", bytes});
  EXPECT_EQ(Filled(log).last().output(), bytes);
  Observations seen;
  log.Fill(&seen);
  EXPECT_EQ(seen.health_output, bytes);
}

const v1::Evidence* Find(const v1::Report& report, const std::string& name) {
  for (const v1::Evidence& each : report.evidence()) {
    if (each.name() == name) return &each;
  }
  return nullptr;
}

TEST(HealthVerdictTest, AnUnhealthyJobHasTheCheckThatFailed) {
  Observations seen;
  seen.main_ended = false;
  seen.killed = KillReason::kUnhealthy;
  seen.health_end = "timeout";
  seen.health_output = std::string("a\0\x1b[1m", 6);
  seen.health_in_row = 2;
  seen.health_retries = 3;
  seen.checker_end = "ended: SIGKILL";
  seen.forks_denied = 5;  // what a check was refused is no verdict about the job
  v1::Report report;
  Decide(seen, &report);
  EXPECT_EQ(report.verdict(), v1::UNHEALTHY);
  ASSERT_NE(Find(report, "health.checker"), nullptr);
  EXPECT_EQ(Find(report, "health.checker")->observed(), "ended: SIGKILL");
  EXPECT_EQ(Find(report, "health.check")->observed(), "timeout");
  EXPECT_EQ(Find(report, "health.failed_in_row")->observed(), "2");
  EXPECT_EQ(Find(report, "health.failed_in_row")->limit(), "3");
  EXPECT_NE(Find(report, "cgroup.forks_denied"), nullptr);
  for (const char c : Find(report, "health.output")->observed()) EXPECT_GE(c, ' ');
}

TEST(EndTextTest, IsWhatWaitidSays) {
  EXPECT_EQ(EndText(CLD_EXITED, 0), "exit 0");
  EXPECT_EQ(EndText(CLD_EXITED, 255), "exit 255");
  EXPECT_EQ(EndText(CLD_KILLED, SIGKILL), "SIGKILL");
  EXPECT_EQ(EndText(CLD_DUMPED, SIGSEGV), "SIGSEGV");
}

}  // namespace
}  // namespace cordon
