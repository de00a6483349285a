// SPDX-License-Identifier: Apache-2.0
// The table of talk_verdict.h, row by row.
#include "sandbox/supervise/talk_verdict.h"

#include <signal.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace cordon {
namespace {

TalkEnd End(const std::string& name, v1::Verdict verdict, uint64_t ended_ns) {
  TalkEnd end;
  end.name = name;
  end.report.set_verdict(verdict);
  end.ended_ns = ended_ns;
  return end;
}
TalkEnd Exit(const std::string& name, int code, uint64_t ended_ns) {
  TalkEnd end = End(name, v1::EXITED, ended_ns);
  end.report.set_exit_code(code);
  return end;
}
TalkEnd Signal(const std::string& name, int signal, uint64_t ended_ns) {
  TalkEnd end = End(name, v1::SIGNALED, ended_ns);
  end.report.set_signal(signal);
  return end;
}
TalkEnd CutOff(TalkEnd end) {
  end.cut_off = true;
  return end;
}

struct Row {
  const char* name;
  TalkEnd grader;  // the decider
  TalkEnd contestant;
  const char* decided_by;
};

const std::vector<Row>& Rows() {
  static const auto* const rows = new std::vector<Row>{
      {"accepted", Exit("g", 0, 20), Exit("c", 0, 10), "g"},
      {"accepted, and the grader was first", Exit("g", 0, 10), Exit("c", 0, 20), "g"},
      {"wrong, after the end of the contestant", Exit("g", 1, 20), Exit("c", 0, 10), "g"},
      {"the contestant dies, so the grader says no", Exit("g", 1, 20), Signal("c", SIGSEGV, 10),
       "c"},
      {"the contestant exits with 3, so the grader says no", Exit("g", 1, 20), Exit("c", 3, 10),
       "c"},
      {"the grader says no and the contestant dies of SIGPIPE", Exit("g", 1, 10),
       CutOff(Signal("c", SIGPIPE, 20)), "g"},
      {"the grader says no and the contestant trips over the end", Exit("g", 1, 10),
       Signal("c", SIGSEGV, 20), "g"},
      {"the grader says no and the contestant runs on", Exit("g", 1, 10),
       End("c", v1::CPU_LIMIT, 20), "g"},
      {"the grader says no and the contestant is ended", Exit("g", 1, 10),
       End("c", v1::CANCELLED, 20), "g"},
      {"a grader that breaks", Signal("g", SIGABRT, 10), CutOff(Exit("c", 1, 20)), "g"},
      {"a grader that closes its ear and lives: SIGPIPE is not the writer's fault",
       Exit("g", 1, 20), CutOff(Signal("c", SIGPIPE, 10)), "g"},
      {"nor is an exit code", Exit("g", 1, 20), CutOff(Exit("c", 1, 10)), "g"},
      {"but another signal is", Exit("g", 1, 20), CutOff(Signal("c", SIGSEGV, 10)), "c"},
      {"a SIGPIPE of its own making is its fault", Exit("g", 1, 20), Signal("c", SIGPIPE, 10), "c"},
      {"accepted, SIGPIPE afterwards", Exit("g", 0, 10), CutOff(Signal("c", SIGPIPE, 20)), "g"},
      {"accepted, but crashed afterwards", Exit("g", 0, 10), Signal("c", SIGSEGV, 20), "c"},
      {"accepted, but crashed before", Exit("g", 0, 20), Signal("c", SIGSEGV, 10), "c"},
      {"accepted, but exit code 3 afterwards", Exit("g", 0, 10), CutOff(Exit("c", 3, 20)), "c"},
      {"accepted, but exit code 3 before", Exit("g", 0, 20), Exit("c", 3, 10), "c"},
      {"accepted, but runs on", Exit("g", 0, 10), End("c", v1::WALL_LIMIT, 20), "c"},
      {"flood", Exit("g", 1, 20), End("c", v1::OUTPUT_LIMIT, 10), "c"},
      {"filter", Exit("g", 1, 20), End("c", v1::SYSCALL_VIOLATION, 10), "c"},
      {"deadlock of both", End("g", v1::DEADLOCK, 10), End("c", v1::DEADLOCK, 10), "c"},
      {"a grader that waits too long", End("g", v1::WALL_LIMIT, 10), CutOff(Exit("c", 1, 20)), "g"},
      {"not set up", End("g", v1::CANCELLED, 0), End("c", v1::SETUP_FAILED, 0), "c"},
      {"the grader not set up", End("g", v1::SETUP_FAILED, 0), End("c", v1::CANCELLED, 0), "g"},
  };
  return *rows;
}

TEST(TalkVerdictTest, EachRowWhateverTheOrderInTheList) {
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.name);
    const std::vector<TalkEnd> first = {row.grader, row.contestant};
    const TalkDecision decision = DecideTalk(first, 0, false);
    EXPECT_EQ(first[decision.sandbox].name, row.decided_by) << decision.rule;
    const std::vector<TalkEnd> second = {row.contestant, row.grader};
    EXPECT_EQ(second[DecideTalk(second, 1, false).sandbox].name, row.decided_by);
  }
}

TEST(TalkVerdictTest, WithADeciderThatEndsWellTheOrderOfEndsPlaysNoPart) {
  for (Row row : Rows()) {
    SCOPED_TRACE(row.name);
    if (row.grader.report.verdict() != v1::EXITED || row.grader.report.exit_code() != 0) continue;
    std::swap(row.grader.ended_ns, row.contestant.ended_ns);
    const std::vector<TalkEnd> ends = {row.grader, row.contestant};
    EXPECT_EQ(ends[DecideTalk(ends, 0, false).sandbox].name, row.decided_by);
  }
}

TEST(TalkVerdictTest, TheFirstOfSeveralThatFailedDecides) {
  const std::vector<TalkEnd> ends = {Exit("g", 1, 30), Signal("a", SIGSEGV, 20), Exit("b", 3, 10)};
  EXPECT_EQ(ends[DecideTalk(ends, 0, false).sandbox].name, "b");
}

TEST(TalkVerdictTest, InAPipelineTheCauseCountsAndNotWhoDiedOfIt) {
  // a | b | c: b crashes, a dies of SIGPIPE, c ends well on what there was.
  const std::vector<TalkEnd> ends = {CutOff(Signal("a", SIGPIPE, 20)), Signal("b", SIGSEGV, 10),
                                     Exit("c", 0, 30)};
  EXPECT_EQ(ends[DecideTalk(ends, 2, false).sandbox].name, "b");
  // a | head: head has seen enough.
  const std::vector<TalkEnd> head = {CutOff(Signal("a", SIGPIPE, 20)), Exit("head", 0, 10)};
  EXPECT_EQ(head[DecideTalk(head, 1, false).sandbox].name, "head");
}

TEST(TalkVerdictTest, StoppedIsStopped) {
  const std::vector<TalkEnd> ends = {Exit("g", 1, 10), End("c", v1::CANCELLED, 20)};
  EXPECT_EQ(ends[DecideTalk(ends, 0, true).sandbox].name, "c");
  // All had ended when the signal came.
  const std::vector<TalkEnd> over = {Exit("g", 1, 10), Exit("c", 0, 5)};
  EXPECT_EQ(over[DecideTalk(over, 0, true).sandbox].name, "g");
}

TEST(TalkVerdictTest, TheReportIsTheDecisiveOnesWithTheUsageOfAll) {
  std::vector<TalkEnd> ends = {Exit("g", 1, 1'500'000'000), Signal("c", SIGSEGV, 10)};
  ends[1].report.set_signal_name("SIGSEGV");
  ends[1].report.add_evidence()->set_name("wait.status");
  for (TalkEnd& end : ends) {
    v1::Usage* usage = end.report.mutable_usage();
    usage->mutable_cpu_time()->set_seconds(1);
    usage->mutable_cpu_time()->set_nanos(600'000'000);
    usage->mutable_wall_time()->set_seconds(end.name == "g" ? 3 : 2);
    usage->set_memory_peak_bytes(10);
    usage->add_lower_bound("pids_peak");
  }
  const v1::Report report = TalkReport(ends, DecideTalk(ends, 0, false));
  EXPECT_EQ(report.verdict(), v1::SIGNALED);
  EXPECT_EQ(report.signal(), SIGSEGV);
  EXPECT_EQ(report.signal_name(), "SIGSEGV");
  EXPECT_FALSE(report.has_exit_code());
  EXPECT_EQ(report.evidence_size(), 1);
  EXPECT_EQ(report.decided_by(), "c");
  EXPECT_NE(report.decided_why(), "");
  ASSERT_EQ(report.sandbox_size(), 2);
  EXPECT_EQ(report.sandbox(0).name(), "g");
  EXPECT_EQ(report.sandbox(0).report().exit_code(), 1);
  EXPECT_EQ(report.sandbox(0).ended_after().seconds(), 1);
  EXPECT_EQ(report.sandbox(0).ended_after().nanos(), 500'000'000);
  EXPECT_EQ(report.usage().cpu_time().seconds(), 3);
  EXPECT_EQ(report.usage().cpu_time().nanos(), 200'000'000);
  EXPECT_EQ(report.usage().wall_time().seconds(), 3);
  EXPECT_EQ(report.usage().memory_peak_bytes(), 20u);
  EXPECT_EQ(report.usage().lower_bound_size(), 1);
}

TEST(TalkVerdictTest, WhatAllLeftBehindIsWhatTheJobLeft) {
  std::vector<TalkEnd> ends = {Exit("g", 0, 2), Exit("c", 0, 1)};
  ends[0].report.add_collected()->set_to("/g");
  ends[1].report.add_collected()->set_to("/c");
  v1::NotCollected* missing = ends[1].report.add_not_collected();
  missing->set_path("/work/x");
  ends[1].report.set_not_collected_more(3);
  v1::Report report = TalkReport(ends, DecideTalk(ends, 0, false));
  ASSERT_EQ(report.collected_size(), 2);
  EXPECT_EQ(report.collected(0).to(), "/g");
  EXPECT_EQ(report.collected(1).to(), "/c");
  ASSERT_EQ(report.not_collected_size(), 1);
  EXPECT_EQ(report.not_collected_more(), 3u);
  EXPECT_FALSE(report.outputs_missing());
  ends[1].report.set_outputs_missing(true);
  report = TalkReport(ends, DecideTalk(ends, 0, false));
  EXPECT_TRUE(report.outputs_missing());
}

}  // namespace
}  // namespace cordon
