// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/verdict.h"

#include <signal.h>

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/observations.h"

namespace cordon {
namespace {

const v1::Evidence* Find(const v1::Report& report, const std::string& name) {
  for (const v1::Evidence& each : report.evidence()) {
    if (each.name() == name) return &each;
  }
  return nullptr;
}

void DieOf(Observations* seen, int signal) {
  seen->wait_code = CLD_KILLED;
  seen->wait_status = signal;
}

void KillFor(Observations* seen, KillReason reason) {
  if (seen->killed == KillReason::kNone) seen->killed = reason;
}

// One example for each row of the table, in its order: what makes the row apply, and the evidence
// that must be there.
struct Cause {
  const char* row;
  std::function<void(Observations*)> apply;
  v1::Verdict verdict;
  const char* evidence;
};

std::vector<Cause> CausesBeforeTheClocks() {
  return {
      {"told to stop",
       [](Observations* seen) {
         seen->killed = KillReason::kCancelled;
         seen->cancel_signal = SIGTERM;
       },
       v1::CANCELLED, "supervisor.signal"},
      {"CPU time reached before anything else ended it",
       [](Observations* seen) {
         seen->first_clock = KillReason::kCpu;
         seen->cpu_ns = seen->cpu_limit_ns + 5;
       },
       v1::CPU_LIMIT, "timer.cpu"},
      {"wall time reached before anything else ended it",
       [](Observations* seen) {
         seen->first_clock = KillReason::kWall;
         seen->wall_ns = seen->wall_limit_ns + 5;
       },
       v1::WALL_LIMIT, "timer.wall"},
      {"out of memory", [](Observations* seen) { seen->oom_kills = 1; }, v1::MEMORY_LIMIT,
       "cgroup.oom_kill"},
      {"too much output",
       [](Observations* seen) {
         KillFor(seen, KillReason::kOutput);
         seen->output.bytes = 1001;
       },
       v1::OUTPUT_LIMIT, "output.bytes"},
      {"file too large",
       [](Observations* seen) {
         DieOf(seen, SIGXFSZ);
         seen->written = seen->file_size_limit;
       },
       v1::OUTPUT_LIMIT, "rlimit.file_size"},
      {"forbidden call",
       [](Observations* seen) {
         DieOf(seen, SIGSYS);
         seen->killed_by_filter = true;
       },
       v1::SYSCALL_VIOLATION, "seccomp.kill"},
      {"out of memory above the job", [](Observations* seen) { seen->host_oom_kills = 2; },
       v1::SETUP_FAILED, "host.oom_kill"},
      {"refused process above the job",
       [](Observations* seen) {
         seen->host_forks_denied = 2;
         if (seen->wait_code == CLD_EXITED) seen->wait_status = 1;
       },
       v1::SETUP_FAILED, "host.forks_denied"},
      {"health check failed",
       [](Observations* seen) {
         seen->killed = KillReason::kUnhealthy;
         seen->health_end = "exit 1";
       },
       v1::UNHEALTHY, "health.check"},
      {"refused process",
       [](Observations* seen) {
         seen->forks_denied = 2;
         if (seen->wait_code == CLD_EXITED) seen->wait_status = 1;
       },
       v1::PROCESS_LIMIT, "cgroup.forks_denied"},
      {"deadlock",
       [](Observations* seen) {
         KillFor(seen, KillReason::kDeadlock);
         seen->why = {"a waits for b"};
       },
       v1::DEADLOCK, "talk.waits"},
  };
}

std::vector<Cause> CausesFromTheClocksOn() {
  return {
      {"ended for CPU time",
       [](Observations* seen) {
         KillFor(seen, KillReason::kCpu);
         seen->cpu_ns = seen->cpu_limit_ns + 5;
       },
       v1::CPU_LIMIT, "timer.cpu"},
      {"ended for wall time",
       [](Observations* seen) {
         KillFor(seen, KillReason::kWall);
         seen->wall_ns = seen->wall_limit_ns + 5;
       },
       v1::WALL_LIMIT, "timer.wall"},
      {"ended for idleness",
       [](Observations* seen) {
         KillFor(seen, KillReason::kIdle);
         seen->idle_ns = seen->idle_limit_ns;
       },
       v1::IDLE_LIMIT, "timer.idle"},
      {"CPU time over its limit at the end",
       [](Observations* seen) { seen->cpu_ns = seen->cpu_limit_ns; }, v1::CPU_LIMIT, "timer.cpu"},
      {"wall time over its limit at the end",
       [](Observations* seen) { seen->wall_ns = seen->wall_limit_ns; }, v1::WALL_LIMIT,
       "timer.wall"},
      {"another sandbox had decided",
       [](Observations* seen) {
         KillFor(seen, KillReason::kDecided);
         seen->why = {"b had decided"};
       },
       v1::CANCELLED, "talk.decided"},
      {"exited", [](Observations* /*seen*/) {}, v1::EXITED, "wait.status"},
      {"signal", [](Observations* seen) { DieOf(seen, SIGSEGV); }, v1::SIGNALED, "wait.status"},
  };
}

const std::vector<Cause>& Causes() {
  static const auto* const causes = [] {
    auto* const all = new std::vector<Cause>(CausesBeforeTheClocks());
    for (const Cause& each : CausesFromTheClocksOn()) all->push_back(each);
    return all;
  }();
  return *causes;
}

// The first row that applies.
const DecisionRow& RowOf(const Observations& seen) {
  for (const DecisionRow& row : DecisionTable()) {
    if (row.applies(seen)) return row;
  }
  return DecisionTable().back();
}

TEST(VerdictTest, AFineJobHasExited) {
  const v1::Report report = Judge(Fine());
  EXPECT_EQ(report.verdict(), v1::EXITED);
  EXPECT_TRUE(report.has_exit_code());
  EXPECT_EQ(report.exit_code(), 0);
  EXPECT_FALSE(report.has_signal());
  ASSERT_EQ(report.evidence_size(), 1);
  EXPECT_EQ(report.evidence(0).name(), "wait.status");
  EXPECT_EQ(report.evidence(0).observed(), "exit 0");
}

// A row without an example here would be untested.
TEST(VerdictTest, EveryRowOfTheTableHasItsExampleAndDecidesIt) {
  ASSERT_EQ(DecisionTable().size(), Causes().size());
  for (size_t i = 0; i < Causes().size(); ++i) {
    const Cause& cause = Causes()[i];
    EXPECT_STREQ(DecisionTable()[i].cause, cause.row);
    Observations seen = Fine();
    cause.apply(&seen);
    EXPECT_STREQ(RowOf(seen).cause, cause.row);
    const v1::Report report = Judge(seen);
    EXPECT_EQ(report.verdict(), cause.verdict) << cause.row;
    EXPECT_NE(Find(report, cause.evidence), nullptr) << cause.row;
  }
}

TEST(VerdictTest, AJobThatTheCallerCancelledIsNotOneOfASignal) {
  Observations seen = Fine();
  seen.killed = KillReason::kCancelled;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::CANCELLED);
  EXPECT_NE(Find(report, "supervisor.cancel"), nullptr);
  EXPECT_EQ(Find(report, "supervisor.signal"), nullptr);
}

TEST(VerdictTest, TheLastRowAlwaysApplies) {
  EXPECT_TRUE(DecisionTable().back().applies(Observations()));
  Observations seen;
  seen.main_ended = true;
  EXPECT_EQ(Judge(seen).verdict(), v1::SIGNALED);
}

// Both at once: the row above decides. Eighteen pairs exclude each other: a job is ended for one
// reason, has one exit status, and one that was ended for a clock has not outrun it.
TEST(VerdictTest, AnEarlierCauseWinsOverEveryLaterOne) {
  const std::vector<Cause>& causes = Causes();
  size_t excluded = 0;
  for (size_t first = 0; first < causes.size(); ++first) {
    for (size_t second = first + 1; second < causes.size(); ++second) {
      Observations seen = Fine();
      causes[second].apply(&seen);
      causes[first].apply(&seen);
      if (!DecisionTable()[first].applies(seen)) {
        ++excluded;
        continue;
      }
      EXPECT_STREQ(RowOf(seen).cause, causes[first].row)
          << causes[first].row << " before " << causes[second].row;
    }
  }
  EXPECT_EQ(excluded, 19u);
}

// First cause wins: what a job does in its extra time comes too late.
TEST(VerdictTest, WhatHappensInTheExtraTimeDecidesNothing) {
  const std::vector<std::function<void(Observations*)>> later = {
      [](Observations* seen) { seen->killed = KillReason::kMemory; },
      [](Observations* seen) { seen->killed = KillReason::kOutput; },
      [](Observations* seen) { DieOf(seen, SIGSYS); },
      [](Observations* seen) { DieOf(seen, SIGSEGV); },
      [](Observations* seen) { seen->forks_denied = 1; },
      [](Observations* seen) { seen->wait_status = 0; },
  };
  for (size_t i = 0; i < later.size(); ++i) {
    Observations seen = Fine();
    seen.first_clock = KillReason::kWall;
    seen.wall_ns = seen.wall_limit_ns + 1;
    later[i](&seen);
    EXPECT_EQ(Judge(seen).verdict(), v1::WALL_LIMIT) << i;
    seen.first_clock = KillReason::kCpu;
    EXPECT_EQ(Judge(seen).verdict(), v1::CPU_LIMIT) << i;
  }
}

// The exit code is there, and it does not decide.
TEST(VerdictTest, AJobThatEndsWellInItsExtraTimeIsOverItsLimit) {
  Observations seen = Fine();
  seen.first_clock = KillReason::kWall;
  seen.wall_ns = seen.wall_limit_ns + 1;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::WALL_LIMIT);
  EXPECT_EQ(report.exit_code(), 0);
  ASSERT_NE(Find(report, "timer.wall"), nullptr);
  EXPECT_EQ(Find(report, "timer.wall")->limit(), "2s");
}

TEST(VerdictTest, TheOutputThatWasTooMuchIsNamed) {
  Observations seen = Fine();
  seen.killed = KillReason::kOutput;
  seen.output = {"stderr", 65, 64};
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::OUTPUT_LIMIT);
  const v1::Evidence* evidence = Find(report, "stderr.bytes");
  ASSERT_NE(evidence, nullptr);
  EXPECT_EQ(evidence->observed(), "65");
  EXPECT_EQ(evidence->limit(), "64");
}

// kill(getpid(), SIGXFSZ) and a refused write look alike to waitid.
TEST(VerdictTest, ASigxfszOfAJobThatWroteLittleIsOnlyASignal) {
  Observations seen = Fine();
  DieOf(&seen, SIGXFSZ);
  seen.written = seen.file_size_limit - 1;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::SIGNALED);
  const v1::Evidence* evidence = Find(report, "main.sigxfsz");
  ASSERT_NE(evidence, nullptr);
  EXPECT_EQ(evidence->observed(), "4095");
  EXPECT_EQ(evidence->limit(), "4096");
}

// Where the kernel does not show what was written, its group's memory tells what was not.
TEST(VerdictTest, AJobThatNeverHadTheMemoryOfSuchAFileHasNotFilledOne) {
  Observations seen = Fine();
  DieOf(&seen, SIGXFSZ);
  seen.memory_known = true;
  seen.file_size_limit = seen.memory_peak + 1;
  EXPECT_EQ(Judge(seen).verdict(), v1::SIGNALED);
  seen.file_size_limit = seen.memory_peak;
  EXPECT_EQ(Judge(seen).verdict(), v1::OUTPUT_LIMIT);
  // Pages of a file that is larger may be gone again.
  seen.file_size_limit = seen.memory_limit / 2 + 1;
  EXPECT_EQ(Judge(seen).verdict(), v1::OUTPUT_LIMIT);
}

TEST(VerdictTest, ASigxfszOfWhichNothingIsKnownSaysSo) {
  Observations seen = Fine();
  DieOf(&seen, SIGXFSZ);
  const v1::Report unknown = Judge(seen);
  EXPECT_EQ(unknown.verdict(), v1::OUTPUT_LIMIT);
  ASSERT_NE(Find(unknown, "rlimit.file_size"), nullptr);
  EXPECT_NE(Find(unknown, "rlimit.file_size")->source().find("sent itself"), std::string::npos);
  // Without a limit there is none to be reached, whatever was written.
  seen.file_size_limit = UINT64_MAX;
  seen.written = UINT64_MAX - 1;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::SIGNALED);
  EXPECT_EQ(Find(report, "main.sigxfsz")->limit(), "");
}

TEST(VerdictTest, AMemoryEventThatMadeUsKillIsAMemoryLimit) {
  Observations seen = Fine();
  seen.main_ended = false;
  seen.killed = KillReason::kMemory;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::MEMORY_LIMIT);
  const v1::Evidence* peak = Find(report, "cgroup.memory_peak");
  ASSERT_NE(peak, nullptr);
  EXPECT_EQ(peak->observed(), "1048576");
  EXPECT_EQ(peak->limit(), "67108864");
}

TEST(VerdictTest, CpuCountsThoughNoTimerFired) {
  Observations seen = Fine();
  seen.cpu_ns = seen.cpu_limit_ns;
  EXPECT_EQ(Judge(seen).verdict(), v1::CPU_LIMIT);
  seen.cpu_ns = seen.cpu_limit_ns - 1;
  EXPECT_EQ(Judge(seen).verdict(), v1::EXITED);
}

TEST(VerdictTest, NoCpuLimitIsNeverReached) {
  Observations seen = Fine();
  seen.cpu_limit_ns = UINT64_MAX;
  seen.cpu_ns = UINT64_MAX - 1;
  EXPECT_EQ(Judge(seen).verdict(), v1::EXITED);
}

TEST(VerdictTest, ARefusedForkOfAJobThatWasKilledIsTheProcessLimit) {
  Observations seen = Fine();
  seen.forks_denied = 3;
  seen.main_ended = false;
  seen.killed = KillReason::kWall;
  EXPECT_EQ(Judge(seen).verdict(), v1::PROCESS_LIMIT);
}

TEST(VerdictTest, WithoutAWaitStatusTheJobWasKilledWithTheRest) {
  Observations seen = Fine();
  seen.main_ended = false;
  seen.killed = KillReason::kWall;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::WALL_LIMIT);
  EXPECT_EQ(report.signal(), SIGKILL);
  EXPECT_EQ(report.signal_name(), "SIGKILL");
  EXPECT_FALSE(report.has_exit_code());
  EXPECT_EQ(Find(report, "wait.status"), nullptr);
}

TEST(VerdictTest, ACoreDumpIsASignalToo) {
  Observations seen = Fine();
  seen.wait_code = CLD_DUMPED;
  seen.wait_status = SIGABRT;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::SIGNALED);
  EXPECT_EQ(report.signal_name(), "SIGABRT");
}

TEST(VerdictTest, ANamedCallIsTheEvidenceOfItsViolation) {
  Observations seen = Fine();
  seen.main_ended = false;
  seen.killed = KillReason::kSyscall;
  seen.violation = "socket(AF_INET=2, 1, 0)";
  seen.violating_thread = 4;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::SYSCALL_VIOLATION);
  EXPECT_EQ(report.signal(), SIGKILL) << "we ended it";
  ASSERT_NE(Find(report, "seccomp.call"), nullptr);
  EXPECT_EQ(Find(report, "seccomp.call")->observed(), "socket(AF_INET=2, 1, 0)");
  EXPECT_EQ(Find(report, "seccomp.thread")->observed(), "4");
  EXPECT_EQ(Find(report, "main.sigsys"), nullptr);
}

// The kernel says nothing of a thread that was not the first, nor of a signal that was sent.
TEST(VerdictTest, ASigsysAloneIsNoEvidenceOfTheFilter) {
  Observations seen = Fine();
  DieOf(&seen, SIGSYS);
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::SYSCALL_VIOLATION);
  EXPECT_EQ(Find(report, "seccomp.kill"), nullptr);
  ASSERT_NE(Find(report, "main.sigsys"), nullptr);
  EXPECT_NE(Find(report, "main.sigsys")->source().find("sent to itself"), std::string::npos);
}

// 31 as an exit code is not SIGSYS.
TEST(VerdictTest, AnExitCodeIsNeverTakenForASignal) {
  for (const int code : {SIGSYS, SIGXFSZ, SIGKILL}) {
    Observations seen = Fine();
    seen.wait_status = code;
    const v1::Report report = Judge(seen);
    EXPECT_EQ(report.verdict(), v1::EXITED);
    EXPECT_EQ(report.exit_code(), code);
  }
}

TEST(VerdictTest, ACancelledJobThatEndedInItsGraceIsCancelled) {
  Observations seen = Fine();
  seen.killed = KillReason::kCancelled;
  seen.cancel_signal = SIGHUP;
  seen.asked_signal = SIGTERM;
  seen.cancel_grace_ns = 2'000'000'000;
  v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::CANCELLED);
  EXPECT_EQ(report.exit_code(), 0);
  ASSERT_NE(Find(report, "cancel.SIGTERM"), nullptr);
  EXPECT_EQ(Find(report, "cancel.SIGTERM")->observed(), "ended by itself");
  EXPECT_EQ(Find(report, "cancel.SIGTERM")->limit(), "2s");
  seen.main_ended = false;
  seen.cancel_killed = true;
  report = Judge(seen);
  EXPECT_EQ(report.signal(), SIGKILL);
  EXPECT_EQ(Find(report, "cancel.SIGTERM")->observed(), "killed afterwards");
}

TEST(VerdictTest, ClocksAreExactInTheEvidence) {
  Observations seen = Fine();
  seen.killed = KillReason::kWall;
  seen.first_clock = KillReason::kWall;
  seen.wall_ns = 2'000'000'001;
  const v1::Report report = Judge(seen);
  const v1::Evidence* wall = Find(report, "timer.wall");
  ASSERT_NE(wall, nullptr);
  EXPECT_EQ(wall->observed(), "2.000000001s");
  EXPECT_EQ(wall->limit(), "2s");
  EXPECT_EQ(wall->source(), "CLOCK_MONOTONIC");
}

TEST(VerdictTest, ADeadlockIsDescribedAndAfterWhatTheKernelCounted) {
  Observations seen = Fine();
  seen.main_ended = false;
  seen.killed = KillReason::kDeadlock;
  seen.why = {"a waits", "b waits"};
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::DEADLOCK);
  EXPECT_EQ(report.signal(), SIGKILL);
  ASSERT_NE(Find(report, "talk.waits"), nullptr);
  EXPECT_EQ(Find(report, "talk.waits")->observed(), "a waits");
  EXPECT_EQ(report.evidence(1).observed(), "b waits");
  // A process of it was killed for memory, and the others waited for that one.
  seen.oom_kills = 1;
  EXPECT_EQ(Judge(seen).verdict(), v1::MEMORY_LIMIT);
}

TEST(VerdictTest, EndedForAnothersDecisionIsCancelledUnlessALimitWasBroken) {
  Observations seen = Fine();
  seen.main_ended = false;
  seen.killed = KillReason::kDecided;
  seen.why = {"grader has ended: EXITED 1"};
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::CANCELLED);
  ASSERT_NE(Find(report, "talk.decided"), nullptr);
  EXPECT_EQ(Find(report, "talk.decided")->observed(), "grader has ended: EXITED 1");
  EXPECT_EQ(Find(report, "supervisor.signal"), nullptr);
  seen.cpu_ns = seen.cpu_limit_ns;
  EXPECT_EQ(Judge(seen).verdict(), v1::CPU_LIMIT);
}

}  // namespace
}  // namespace cordon
