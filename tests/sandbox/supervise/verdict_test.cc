// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/verdict.h"

#include <signal.h>

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace cordon {
namespace {

// A job that ran within every limit and ended with exit code 0.
Observations Fine() {
  Observations seen;
  seen.main_ended = true;
  seen.wait_code = CLD_EXITED;
  seen.wall_ns = 1'000'000;
  seen.wall_limit_ns = 2'000'000'000;
  seen.cpu_ns = 1'000'000;
  seen.cpu_limit_ns = 1'000'000'000;
  seen.output_bytes = 10;
  seen.output_limit = 1000;
  seen.file_size_limit = 4096;
  seen.memory_peak = 1 << 20;
  seen.memory_limit = 64 << 20;
  seen.oom_source = "memory.events";
  seen.process_limit = 4;
  seen.forks_source = "pids.events";
  return seen;
}

v1::Report Judge(const Observations& seen) {
  v1::Report report;
  Decide(seen, &report);
  return report;
}

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

// One cause each, in order of precedence; the name of the evidence that must be there.
struct Cause {
  const char* name;
  std::function<void(Observations*)> apply;
  v1::Verdict verdict;
  const char* evidence;
};

const std::vector<Cause>& Causes() {
  static const auto* const causes = new std::vector<Cause>{
      {"cancelled",
       [](Observations* seen) {
         seen->killed = KillReason::kCancelled;
         seen->cancel_signal = SIGTERM;
       },
       v1::CANCELLED, "supervisor.signal"},
      {"cancelled by the caller", [](Observations* seen) { seen->killed = KillReason::kCancelled; },
       v1::CANCELLED, "supervisor.cancel"},
      {"out of memory", [](Observations* seen) { seen->oom_kills = 1; }, v1::MEMORY_LIMIT,
       "cgroup.oom_kill"},
      {"killed for output",
       [](Observations* seen) {
         if (seen->killed == KillReason::kNone) seen->killed = KillReason::kOutput;
         seen->output_bytes = 1001;
       },
       v1::OUTPUT_LIMIT, "output.bytes"},
      {"file size", [](Observations* seen) { DieOf(seen, SIGXFSZ); }, v1::OUTPUT_LIMIT,
       "rlimit.file_size"},
      {"filter",
       [](Observations* seen) {
         DieOf(seen, SIGSYS);
         seen->killed_by_filter = true;
       },
       v1::SYSCALL_VIOLATION, "seccomp.kill"},
      {"fork refused",
       [](Observations* seen) {
         seen->forks_denied = 2;
         if (seen->wait_code == CLD_EXITED) seen->wait_status = 1;
       },
       v1::PROCESS_LIMIT, "cgroup.forks_denied"},
      {"killed for cpu",
       [](Observations* seen) {
         if (seen->killed == KillReason::kNone) seen->killed = KillReason::kCpu;
         seen->cpu_ns = seen->cpu_limit_ns + 5;
       },
       v1::CPU_LIMIT, "timer.cpu"},
      {"killed for wall",
       [](Observations* seen) {
         if (seen->killed == KillReason::kNone) seen->killed = KillReason::kWall;
         seen->wall_ns = seen->wall_limit_ns + 5;
       },
       v1::WALL_LIMIT, "timer.wall"},
      {"signal", [](Observations* seen) { DieOf(seen, SIGSEGV); }, v1::SIGNALED, "wait.status"},
  };
  return *causes;
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

TEST(VerdictTest, EachCauseAloneGivesItsVerdictAndItsEvidence) {
  for (const Cause& cause : Causes()) {
    Observations seen = Fine();
    cause.apply(&seen);
    const v1::Report report = Judge(seen);
    EXPECT_EQ(report.verdict(), cause.verdict) << cause.name;
    EXPECT_NE(Find(report, cause.evidence), nullptr) << cause.name;
  }
}

TEST(VerdictTest, AnEarlierCauseWinsOverEveryLaterOne) {
  const std::vector<Cause>& causes = Causes();
  for (size_t first = 0; first < causes.size(); ++first) {
    for (size_t second = first + 1; second < causes.size(); ++second) {
      Observations seen = Fine();
      // Signals exclude one another: the earlier one is the one that killed.
      causes[second].apply(&seen);
      if (causes[first].evidence == std::string("timer.wall") ||
          causes[first].evidence == std::string("timer.cpu") ||
          causes[first].evidence == std::string("output.bytes")) {
        seen.killed = KillReason::kNone;
      }
      causes[first].apply(&seen);
      EXPECT_EQ(Judge(seen).verdict(), causes[first].verdict)
          << causes[first].name << " before " << causes[second].name;
    }
  }
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

TEST(VerdictTest, ARefusedForkOfAJobThatEndedWellIsOnlyEvidence) {
  Observations seen = Fine();
  seen.forks_denied = 3;
  const v1::Report report = Judge(seen);
  EXPECT_EQ(report.verdict(), v1::EXITED);
  const v1::Evidence* denied = Find(report, "cgroup.forks_denied");
  ASSERT_NE(denied, nullptr);
  EXPECT_EQ(denied->observed(), "3");
  EXPECT_EQ(denied->limit(), "4");
  EXPECT_EQ(denied->source(), "pids.events");
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

TEST(VerdictTest, ClocksAreExactInTheEvidence) {
  Observations seen = Fine();
  seen.killed = KillReason::kWall;
  seen.wall_ns = 2'000'000'001;
  const v1::Report report = Judge(seen);
  const v1::Evidence* wall = Find(report, "timer.wall");
  ASSERT_NE(wall, nullptr);
  EXPECT_EQ(wall->observed(), "2.000000001s");
  EXPECT_EQ(wall->limit(), "2s");
  EXPECT_EQ(wall->source(), "CLOCK_MONOTONIC");
}

TEST(SignalNameTest, NamesWhatTheKernelSends) {
  EXPECT_EQ(SignalName(SIGSEGV), "SIGSEGV");
  EXPECT_EQ(SignalName(SIGHUP), "SIGHUP");
  EXPECT_EQ(SignalName(SIGSYS), "SIGSYS");
  EXPECT_EQ(SignalName(32), "SIGRT0");
  EXPECT_EQ(SignalName(64), "SIGRT32");
  EXPECT_EQ(SignalName(0), "signal 0");
  EXPECT_EQ(SignalName(65), "signal 65");
  EXPECT_EQ(SignalName(-1), "signal -1");
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
