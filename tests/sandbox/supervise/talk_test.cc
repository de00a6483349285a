// SPDX-License-Identifier: Apache-2.0
// Sandboxes that talk, judged by reports and by the host: who decides, deadlocks, ends of streams.
#include "sandbox/supervise/talk.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "sandbox/supervise/talk_verdict.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/job_test.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

using Words = std::vector<std::string>;

struct Talked {
  absl::StatusOr<TalkResult> result = absl::UnknownError("not run");
  double seconds = 0;
  std::string err;  // what all wrote to stderr

  // "EXITED 0", "SIGNALED SIGPIPE", "DEADLOCK"
  std::string How(size_t index) const {
    if (!result.ok() || !result->ends[index].report.ok()) return "error";
    const v1::Report& report = *result->ends[index].report;
    std::string text = v1::Verdict_Name(report.verdict());
    if (report.verdict() == v1::EXITED) absl::StrAppend(&text, " ", report.exit_code());
    if (report.verdict() == v1::SIGNALED) absl::StrAppend(&text, " ", report.signal_name());
    return text;
  }
};

class TalkTest : public JobTest {
 protected:
  // Payloads by their arguments, named a, b, c ...; the first decides. `links` are as in "ab": the
  // stdout of a feeds b.
  Talked Run(const std::vector<Words>& programs, const std::vector<std::string>& links,
             JobOptions options = {}) {
    Talked talked;
    const StreamFile nothing;
    const StreamFile err;
    const auto run = [&]() -> absl::StatusOr<TalkResult> {
      CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, PlanOf(options));
      std::vector<Talker> talkers;
      for (size_t i = 0; i < programs.size(); ++i) {
        Words words = programs[i];
        words.push_back(token_);
        Talker talker;
        talker.name = std::string(1, static_cast<char>('a' + i));
        CORDON_ASSIGN_OR_RETURN(talker.launch, LaunchOf(plan, words));
        CORDON_ASSIGN_OR_RETURN(talker.sandbox, Sandbox::Prepare(plan, HostFactsOfTest()));
        talker.streams.in = nothing.fd();
        talker.streams.out = err.fd();
        talker.streams.err = err.fd();
        talkers.push_back(std::move(talker));
      }
      std::vector<TalkLink> ends;
      for (const std::string& link : links) {
        ends.push_back({static_cast<size_t>(link[0] - 'a'), 1, static_cast<size_t>(link[1] - 'a')});
      }
      const auto begin = std::chrono::steady_clock::now();
      absl::StatusOr<TalkResult> result = WatchTalk(std::move(talkers), ends, 0);
      talked.seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      return result;
    };
    talked.result = run();
    EXPECT_THAT(talked.result, IsOk());
    talked.err = err.Text();
    return talked;
  }
  Talked Pair(const Words& a, const Words& b, const JobOptions& options = {}) {
    return Run({a, b}, {"ab", "ba"}, options);
  }
};

// The end of a sandbox is reported late: its init is stopped before its program, which begins with
// "stopped", goes on. The init may go on twice the grace of a decided job later than that, or than
// the end of the other sandbox.
class SlowInit {
 public:
  enum class Until { kSoon, kTheOtherIsOver };
  SlowInit(const std::string& token, Until until)
      : thread_([this, token, until] { Act(token, until); }) {}
  ~SlowInit() {
    given_up_ = true;  // of a talk that has never begun
    thread_.join();
  }
  SlowInit(const SlowInit&) = delete;
  SlowInit& operator=(const SlowInit&) = delete;

 private:
  static std::string StatusOf(const std::string& pid, const char* field) {
    return ParseStatus(FileText("/proc/" + pid + "/status"))[field];
  }
  void Await(const std::function<bool()>& done) const {
    while (!done() && !given_up_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  void AwaitStopped(const std::string& pid) const {
    Await([&] { return StatusOf(pid, "State").substr(0, 1) == "T"; });
  }
  static void Send(const std::string& pid, int signal) { ::kill(std::stoi(pid), signal); }

  void Act(const std::string& token, Until until) const {
    std::vector<std::string> programs;
    Await([&] { return (programs = ProcessesWith(token)).size() == 2; });
    if (programs.size() != 2) return;
    const auto stops = [](const std::string& pid) {
      return FileText("/proc/" + pid + "/cmdline").find("stopped") != std::string::npos;
    };
    const std::string slow = stops(programs[0]) ? programs[0] : programs[1];
    const std::string other = stops(programs[0]) ? programs[1] : programs[0];
    const std::string other_init = StatusOf(other, "PPid");
    AwaitStopped(slow);
    const std::string init = StatusOf(slow, "PPid");
    Send(init, SIGSTOP);
    AwaitStopped(init);
    Send(slow, SIGCONT);
    if (until == Until::kTheOtherIsOver) {
      Await([&] { return FileText("/proc/" + other_init + "/status").empty(); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2 * kTalkGraceMs));
    Send(init, SIGCONT);
  }

  std::atomic<bool> given_up_ = false;
  std::thread thread_;
};

JobOptions Wall(const std::string& limit) {
  JobOptions options;
  options.wall_time = limit;
  return options;
}

TEST_F(TalkTest, ByteByByteToAnEnd) {
  const Talked talked = Pair({"talk_ask", "1000"}, {"cat"});
  ASSERT_THAT(talked.result, IsOk());
  EXPECT_EQ(talked.How(0), "EXITED 0");
  EXPECT_EQ(talked.How(1), "EXITED 0");  // it saw the end of its input
  ASSERT_THAT(talked.result->streams, SizeIs(2));
  EXPECT_EQ(talked.result->streams[0].from(), "a.stdout");
  EXPECT_EQ(talked.result->streams[0].to(), "b.stdin");
  EXPECT_EQ(talked.result->streams[0].bytes(), 1000u);
  EXPECT_EQ(talked.result->streams[1].bytes(), 1000u);
  EXPECT_EQ(talked.result->ends[0].report->usage().output_bytes(), 1000u);
}

TEST_F(TalkTest, APipelineOfThreeCarriesEveryByte) {
  JobOptions options;
  options.output = "64MiB";
  // a reads what c makes of what b writes; a decides.
  const Talked talked = Run({{"cat"}, {"talk_flood", "2048"}, {"cat"}}, {"bc", "ca"}, options);
  ASSERT_THAT(talked.result, IsOk());
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(talked.How(i), "EXITED 0") << i;
  EXPECT_EQ(talked.result->streams[0].bytes(), 2048u * 4096);
  EXPECT_EQ(talked.result->streams[1].bytes(), 2048u * 4096);
  EXPECT_EQ(talked.err.size(), 2048u * 4096);
  EXPECT_FALSE(talked.result->streams[0].cut());
}

TEST_F(TalkTest, BothWaitForTheOtherOne) {
  // The limit is far away: only the detector can end this within it.
  const Talked talked = Pair({"talk_wait", "read"}, {"talk_wait", "read"}, Wall("120s"));
  ASSERT_THAT(talked.result, IsOk());
  EXPECT_EQ(talked.How(0), "DEADLOCK");
  EXPECT_EQ(talked.How(1), "DEADLOCK");
  EXPECT_LT(talked.seconds, 60);
  const v1::Report& report = *talked.result->ends[0].report;
  ASSERT_NE(EvidenceOf(report, "talk.waits"), nullptr);
  EXPECT_EQ(EvidenceOf(report, "talk.waits")->observed(),
            "a waits in read for its stdin, from b.stdout");
  EXPECT_EQ(report.signal(), SIGKILL);
}

TEST_F(TalkTest, WaysOfADeadlock) {
  for (const char* how : {"poll", "select", "epoll", "child", "thread"}) {
    SCOPED_TRACE(how);
    const Talked talked = Pair({"talk_wait", "read"}, {"talk_wait", how}, Wall("120s"));
    EXPECT_EQ(talked.How(0), "DEADLOCK");
    EXPECT_EQ(talked.How(1), "DEADLOCK");
  }
}

// After some talk; the third waits for nobody that could ever write.
TEST_F(TalkTest, ACircleOfThree) {
  const Talked talked =
      Run({{"talk_wait", "read"}, {"cat"}, {"cat"}}, {"ab", "bc", "ca"}, Wall("120s"));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(talked.How(i), "DEADLOCK") << i;
}

TEST_F(TalkTest, BothWriteAndNobodyReads) {
  JobOptions options = Wall("120s");
  options.output = "1GiB";
  const Talked talked = Pair({"talk_flood", "0"}, {"talk_flood", "0"}, options);
  EXPECT_EQ(talked.How(0), "DEADLOCK");
  EXPECT_EQ(talked.How(1), "DEADLOCK");
  ASSERT_THAT(talked.result, IsOk());
  EXPECT_THAT(EvidenceOf(*talked.result->ends[1].report, "talk.waits")->observed(),
              HasSubstr("in write for its stdout, to"));
}

// The control of the tests above: what may still go on is left to the limits.
TEST_F(TalkTest, WhatHasAnEndOfItsOwnIsNoDeadlock) {
  for (const char* how : {"sleep", "poll_timeout", "alarm_handled", "timer", "timerfd", "spin",
                          "stop", "pause", "sleeping_child", "spinning_child"}) {
    SCOPED_TRACE(how);
    const Talked talked = Pair({"talk_wait", "read"}, {"talk_wait", how}, Wall("700ms"));
    // Whose limit is reached first is the scheduler's; the other one then sees the end.
    EXPECT_TRUE(talked.How(0) == "WALL_LIMIT" || talked.How(1) == "WALL_LIMIT")
        << talked.How(0) << ", " << talked.How(1);
    EXPECT_NE(talked.How(0), "DEADLOCK");
    EXPECT_NE(talked.How(1), "DEADLOCK");
  }
}

TEST_F(TalkTest, ASlowPartnerIsNoDeadlock) {
  // 150 ms between two bytes: six looks.
  const Talked talked = Pair({"talk_wait", "read"}, {"talk_slow", "5", "150"});
  EXPECT_EQ(talked.How(0), "EXITED 0");
  EXPECT_EQ(talked.How(1), "EXITED 0");
}

TEST_F(TalkTest, AFloodIsTheFloodersFault) {
  const Talked reads = Pair({"talk_wait", "read"}, {"talk_flood", "0"});
  EXPECT_EQ(reads.How(1), "OUTPUT_LIMIT");
  EXPECT_EQ(reads.How(0), "EXITED 0");  // the end of its input
  ASSERT_THAT(reads.result, IsOk());
  // Exactly the budget went through.
  EXPECT_EQ(reads.result->streams[1].bytes(), uint64_t{1} << 20);
}

TEST_F(TalkTest, AReaderThatClosesIsABrokenPipeAtOnce) {
  // a closes its stdin and lives on for three seconds; b must not live as long.
  const Talked talked = Pair({"talk_close", "0", "3000", "0"}, {"talk_flood", "0"});
  EXPECT_EQ(talked.How(1), "SIGNALED SIGPIPE");
  EXPECT_EQ(talked.How(0), "EXITED 0");
  ASSERT_THAT(talked.result, IsOk());
  EXPECT_TRUE(talked.result->ends[1].cut_off);
  EXPECT_TRUE(talked.result->streams[1].cut());
  EXPECT_LT(talked.result->ends[1].ended_ns, talked.result->ends[0].ended_ns);
}

TEST_F(TalkTest, AWriterThatClosesGivesTheEndOfTheInput) {
  // b closes its stdout and lives; a sees the end and not the limit.
  const Talked talked = Pair({"talk_wait", "read"}, {"talk_close", "1", "3000", "0"});
  EXPECT_EQ(talked.How(0), "EXITED 0");
  EXPECT_EQ(talked.How(1), "EXITED 0");
  ASSERT_THAT(talked.result, IsOk());
  EXPECT_LT(talked.result->ends[0].ended_ns, talked.result->ends[1].ended_ns);
  EXPECT_FALSE(talked.result->ends[1].cut_off);
}

TEST_F(TalkTest, AProcessThatIsLeftHoldsNoEnd) {
  // b is gone, and what it left has all ends: the death of its sandbox closes them.
  const Talked talked = Pair({"talk_wait", "read"}, {"talk_hold"});
  EXPECT_EQ(talked.How(0), "EXITED 0");
  EXPECT_EQ(talked.How(1), "EXITED 0");
  EXPECT_LT(talked.seconds, 15);
}

TEST_F(TalkTest, WhenTheDeciderSaysNoTheOthersAreEndedSoon) {
  const Talked talked = Pair({"exit", "1"}, {"sleep", "1000000"}, Wall("120s"));
  EXPECT_EQ(talked.How(0), "EXITED 1");
  EXPECT_EQ(talked.How(1), "CANCELLED");
  ASSERT_THAT(talked.result, IsOk());
  ASSERT_NE(EvidenceOf(*talked.result->ends[1].report, "talk.decided"), nullptr);
  EXPECT_EQ(EvidenceOf(*talked.result->ends[1].report, "talk.decided")->observed(),
            "a has ended: EXITED 1");
  EXPECT_LT(talked.seconds, 60);
  EXPECT_FALSE(talked.result->cancelled);
}

TEST_F(TalkTest, WhenTheDeciderSaysYesTheOthersHaveTheirLimits) {
  const Talked talked = Pair({"exit", "0"}, {"sleep", "1000000"}, Wall("900ms"));
  EXPECT_EQ(talked.How(0), "EXITED 0");
  EXPECT_EQ(talked.How(1), "WALL_LIMIT");
}

TEST_F(TalkTest, ASignalCancelsThemAll) {
  const pid_t self = ::getpid();
  std::thread killer;
  {
    const SignalFd hold = SignalFd::Make().value();  // before the thread: it must not take it
    killer = std::thread([self] {
      std::this_thread::sleep_for(std::chrono::milliseconds(700));
      ::kill(self, SIGTERM);
    });
    const Talked talked = Pair({"talk_wait", "sleep"}, {"talk_wait", "sleep"}, Wall("120s"));
    killer.join();
    ASSERT_THAT(talked.result, IsOk());
    EXPECT_TRUE(talked.result->cancelled);
    EXPECT_EQ(talked.How(0), "CANCELLED");
    EXPECT_EQ(talked.How(1), "CANCELLED");
  }
}

TEST_F(TalkTest, OneThatCannotBeExecutedEndsTheOthers) {
  JobOptions options = Wall("120s");
  const StreamFile nothing;
  const auto run = [&]() -> absl::StatusOr<TalkResult> {
    CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, PlanOf(options));
    std::vector<Talker> talkers(2);
    for (size_t i = 0; i < 2; ++i) {
      v1::JobSpec job;
      job.add_argv(i == 0 ? "/payload/payload" : "/payload/missing");
      job.add_argv("talk_wait");
      job.add_argv("sleep");
      job.add_argv(token_);
      talkers[i].name = i == 0 ? "a" : "b";
      CORDON_ASSIGN_OR_RETURN(talkers[i].launch, CompileLaunch(job, plan));
      CORDON_ASSIGN_OR_RETURN(talkers[i].sandbox, Sandbox::Prepare(plan, HostFactsOfTest()));
      talkers[i].streams.in = talkers[i].streams.out = talkers[i].streams.err = nothing.fd();
    }
    return WatchTalk(std::move(talkers), {{0, 1, 1}, {1, 1, 0}}, 0);
  };
  const absl::StatusOr<TalkResult> result = run();
  ASSERT_THAT(result, IsOk());
  EXPECT_FALSE(result->ends[1].report.ok());
  EXPECT_EQ(DetailsOf(result->ends[1].report.status())[0].errno_name(), "ENOENT");
  ASSERT_THAT(result->ends[0].report, IsOk());
  EXPECT_EQ(result->ends[0].report->verdict(), v1::CANCELLED);
}

size_t DecidedBy(const Talked& talked) {
  std::vector<TalkEnd> ends;
  for (const TalkResult::End& end : talked.result->ends) {
    ends.push_back({"", end.report.ok() ? *end.report : v1::Report(), end.ended_ns, end.cut_off});
  }
  return DecideTalk(ends, 0, talked.result->cancelled).sandbox;
}

// The tests below are of the order of ends. In each of them the init that says how its program
// ended is stopped until the other sandbox, which noticed, has ended, too, and was reported.
TEST_F(TalkTest, AnEndIsBeforeWhatFollowsFromItThoughItIsReportedLater) {
  const SlowInit slow(token_, SlowInit::Until::kTheOtherIsOver);
  const Talked talked = Pair({"talk_ask", "9"}, {"stopped", "abort"}, Wall("120s"));
  ASSERT_THAT(talked.result, IsOk());
  EXPECT_EQ(talked.How(0), "EXITED 5");
  EXPECT_EQ(talked.How(1), "SIGNALED SIGABRT");
  EXPECT_LT(talked.result->ends[1].ended_ns, talked.result->ends[0].ended_ns);
  EXPECT_EQ(DecidedBy(talked), 1u);
}

TEST_F(TalkTest, WhatFollowsFromTheEndOfTheDeciderIsNobodysFault) {
  const SlowInit slow(token_, SlowInit::Until::kTheOtherIsOver);
  // b says 5 at the end of its input. Nobody reads what it writes, so it is not cut off.
  const Talked talked = Run({{"stopped", "exit", "7"}, {"talk_ask", "9"}}, {"ab"}, Wall("120s"));
  ASSERT_THAT(talked.result, IsOk());
  EXPECT_EQ(talked.How(0), "EXITED 7");
  EXPECT_EQ(talked.How(1), "EXITED 5");
  EXPECT_FALSE(talked.result->ends[1].cut_off);
  EXPECT_EQ(DecidedBy(talked), 0u);
}

TEST_F(TalkTest, NorIsWhatFollowsFromABrokenPipe) {
  const SlowInit slow(token_, SlowInit::Until::kTheOtherIsOver);
  const Talked talked = Pair({"stopped", "exit", "7"}, {"talk_flood", "0", "abort"}, Wall("120s"));
  ASSERT_THAT(talked.result, IsOk());
  EXPECT_EQ(talked.How(0), "EXITED 7");
  EXPECT_EQ(talked.How(1), "SIGNALED SIGABRT");
  EXPECT_TRUE(talked.result->ends[1].cut_off);
  EXPECT_EQ(DecidedBy(talked), 0u);
}

// b closes its stdout, which a takes for a no. What b does when it hears of that is a's.
TEST_F(TalkTest, AStreamThatIsClosedIsNoEnd) {
  const SlowInit slow(token_, SlowInit::Until::kTheOtherIsOver);
  const Talked talked =
      Pair({"stopped", "talk_ask", "9"}, {"talk_close", "1", "read", "3"}, Wall("120s"));
  ASSERT_THAT(talked.result, IsOk());
  EXPECT_EQ(talked.How(0), "EXITED 5");
  EXPECT_EQ(talked.How(1), "EXITED 3");
  EXPECT_LT(talked.result->ends[0].ended_ns, talked.result->ends[1].ended_ns);
  EXPECT_EQ(DecidedBy(talked), 0u);
}

// What b leaves behind waits for a, and a for it; b's init is about to end that.
TEST_F(TalkTest, WhatAnEndLeavesBehindMakesNoDeadlock) {
  const SlowInit slow(token_, SlowInit::Until::kSoon);
  const Talked talked = Pair({"talk_wait", "read"}, {"stopped", "talk_hold", "read"}, Wall("120s"));
  EXPECT_EQ(talked.How(0), "EXITED 0");
  EXPECT_EQ(talked.How(1), "EXITED 0");
}

// Nothing of one sandbox is open in the other one, and what it writes to can only be read here.
TEST_F(TalkTest, NoDescriptorLeaks) {
  const Talked talked = Run({{"descriptors"}, {"talk_wait", "read"}}, {"ab"});
  ASSERT_THAT(talked.result, IsOk());
  EXPECT_EQ(talked.result->streams[0].bytes(), std::string("0 1 2 ").size());
}

}  // namespace
}  // namespace cordon
