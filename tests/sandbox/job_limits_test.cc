// SPDX-License-Identifier: Apache-2.0
// Limits of time and of output on real jobs, and that nothing a job does keeps them away. Bounds
// are wide: these tests run on slow machines, too. How exact the limits are is measured by
// cordon_bench_limits.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/job_test.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class JobLimitsTest : public JobTest {
 protected:
  void TearDown() override {
    input_ = Pipe();
    JobTest::TearDown();
  }
  // A stdin that stays open and says nothing.
  JobOptions WithOpenInput() {
    input_ = MakePipe().value();
    JobOptions options;
    options.streams.in = input_.read.get();
    return options;
  }
  Pipe input_;
};

#define NEEDS_GROUP() CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup())

TEST_F(JobLimitsTest, AJobThatWaitsForInputThatNeverComesIsIdle) {
  NEEDS_GROUP();
  JobOptions options = WithOpenInput();
  options.limits = "idle_time: \"300ms\"";
  const JobResult result = Run({"cat"}, options);
  ASSERT_VERDICT(result, "IDLE_LIMIT");
  EXPECT_EQ(result.report->signal(), SIGKILL);
  EXPECT_GE(Seconds(result.report->usage().wall_time()), 0.3);
  const v1::Evidence* evidence = EvidenceOf(*result.report, "timer.idle");
  ASSERT_NE(evidence, nullptr);
  EXPECT_EQ(evidence->limit(), "0.3s");
}

// Input that it leaves unread is no excuse, nor is being stopped.
TEST_F(JobLimitsTest, AJobThatOnlyWaitsIsIdle) {
  NEEDS_GROUP();
  JobOptions options;
  options.input = "unread";
  options.limits = "idle_time: \"300ms\"";
  ASSERT_VERDICT(Run({"sleep", "1000000"}, options), "IDLE_LIMIT");
  ASSERT_VERDICT(Run({"stop"}, options), "IDLE_LIMIT");
  ASSERT_VERDICT(Run({"wait_in_vfork"}, options), "IDLE_LIMIT");
}

// The control: with the limit on idleness as before, each of these goes on for several times that.
TEST_F(JobLimitsTest, AJobThatComputesOrTalksIsNotIdle) {
  NEEDS_GROUP();
  JobOptions options;
  options.limits = "idle_time: \"1s\"";
  options.wall_time = "300s";
  options.cpu_time = "60s";
  ASSERT_VERDICT(Run({"burn", "1500"}, options), "EXITED");
  ASSERT_VERDICT(Run({"metronome", "200", "9"}, options), "EXITED");
  ASSERT_VERDICT(Run({"trickle", "300", "6"}, options), "EXITED");
}

TEST_F(JobLimitsTest, AJobThatWaitsForASlowReaderIsNotIdle) {
  NEEDS_GROUP();
  const Pipe out = MakePipe().value();  // nobody reads
  JobOptions options;
  options.limits = "idle_time: \"200ms\"";
  options.wall_time = "1500ms";
  options.output = "16MiB";
  options.streams.out = out.write.get();
  // What the supervisor holds for the reader would keep it from ending.
  std::thread late([&] {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    const auto wait_while = [&](auto condition) {
      while (condition() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    };
    wait_while([&] { return ProcessesWith(token_).empty(); });
    wait_while([&] { return !ProcessesWith(token_).empty(); });
    const_cast<Pipe&>(out).read.Reset();
  });
  const JobResult result = Run({"flood"}, options);
  late.join();
  ASSERT_VERDICT(result, "WALL_LIMIT");
}

TEST_F(JobLimitsTest, AJobThatEndsInItsExtraTimeIsOverItsWallLimit) {
  JobOptions options;
  options.wall_time = "200ms";
  options.limits = "extra_time: \"60s\"";
  const JobResult result = Run({"sleep", "600"}, options);
  ASSERT_VERDICT(result, "WALL_LIMIT");
  EXPECT_EQ(result.report->exit_code(), 0);
  EXPECT_FALSE(result.report->has_signal());
  EXPECT_GE(Seconds(result.report->usage().wall_time()), 0.6);
}

TEST_F(JobLimitsTest, AJobThatEndsInItsExtraTimeIsOverItsCpuLimit) {
  NEEDS_GROUP();
  JobOptions options;
  options.cpu_time = "100ms";
  options.limits = "extra_time: \"60s\"";
  const JobResult result = Run({"burn", "400"}, options);
  ASSERT_VERDICT(result, "CPU_LIMIT");
  EXPECT_EQ(result.report->exit_code(), 0);
  EXPECT_GE(Seconds(result.report->usage().cpu_time()), 0.4);
}

TEST_F(JobLimitsTest, ExtraTimeEnds) {
  JobOptions options;
  options.wall_time = "200ms";
  options.limits = "extra_time: \"300ms\"";
  const JobResult sleeper = Run({"sleep", "1000000"}, options);
  ASSERT_VERDICT(sleeper, "WALL_LIMIT");
  EXPECT_GE(Seconds(sleeper.report->usage().wall_time()), 0.5);
  EXPECT_EQ(sleeper.report->signal(), SIGKILL);
  NEEDS_GROUP();
  options.wall_time = "20s";
  options.cpu_time = "100ms";
  const JobResult computing = Run({"loop"}, options);
  ASSERT_VERDICT(computing, "CPU_LIMIT");
  EXPECT_GE(Seconds(computing.report->usage().cpu_time()), 0.4);
  EXPECT_LT(Seconds(computing.report->usage().cpu_time()), 2.0);
}

TEST_F(JobLimitsTest, AStreamBeyondItsLimitEndsTheJob) {
  JobOptions options;
  options.limits = "stdout_size: \"10KiB\"";
  const JobResult result = Run({"flood"}, options);
  ASSERT_VERDICT(result, "OUTPUT_LIMIT");
  EXPECT_EQ(result.out.size(), 10u * 1024);
  const v1::Evidence* evidence = EvidenceOf(*result.report, "stdout.bytes");
  ASSERT_NE(evidence, nullptr);
  EXPECT_EQ(evidence->limit(), "10240");
}

TEST_F(JobLimitsTest, AStreamOfExactlyItsLimitIsFine) {
  JobOptions options;
  options.limits = "stdout_size: \"6B\" stderr_size: \"7B\"";
  JobResult result = RunPayload({"echo", "to out", "to err!"}, options);
  ASSERT_VERDICT(result, "EXITED");
  result = RunPayload({"echo", "to out", "to err!!"}, options);
  ASSERT_VERDICT(result, "OUTPUT_LIMIT");
  EXPECT_NE(EvidenceOf(*result.report, "stderr.bytes"), nullptr);
  EXPECT_EQ(result.err, "to err!");
}

TEST_F(JobLimitsTest, ATruncatedStreamIsCutAndTheJobGoesOn) {
  JobOptions options;
  options.output = "8KiB";
  options.limits = "stdout_size: \"4KiB\" stdout_action: TRUNCATE";
  options.input = std::string(100'000, 'x');
  const JobResult result = Run({"cat"}, options);
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_EQ(result.out, std::string(4096, 'x'));
  EXPECT_EQ(result.report->usage().stdout_bytes(), 100'000u);
  EXPECT_EQ(result.report->usage().output_bytes(), 100'000u);
  // The control: without TRUNCATE the same job is ended.
  options.limits = "stdout_size: \"4KiB\"";
  ASSERT_VERDICT(Run({"cat"}, options), "OUTPUT_LIMIT");
}

// What is known of it: by root what was written, by others (some kernels) what memory there was.
TEST_F(JobLimitsTest, ASigxfszThatTheJobSendsItselfIsNoOutputLimit) {
  if (!IsRoot()) NEEDS_GROUP();
  JobOptions options;
  options.file_size = "4MiB";
  const JobResult sent = Run({"raise", std::to_string(SIGXFSZ)}, options);
  ASSERT_VERDICT(sent, "SIGNALED");
  EXPECT_EQ(sent.report->signal_name(), "SIGXFSZ");
  ASSERT_NE(EvidenceOf(*sent.report, "main.sigxfsz"), nullptr);
  // The control: the same signal of the limit.
  const JobResult real = Run({"big_file", "/work/big"}, options);
  ASSERT_VERDICT(real, "OUTPUT_LIMIT");
  const v1::Evidence* evidence = EvidenceOf(*real.report, "rlimit.file_size");
  ASSERT_NE(evidence, nullptr);
  EXPECT_EQ(evidence->limit(), std::to_string(4 << 20));
  if (IsRoot()) {
    // A few bytes are of its set-up.
    EXPECT_GE(std::stoull(evidence->observed()), 4u << 20);
    EXPECT_LT(std::stoull(evidence->observed()), 5u << 20);
  }
}

// What cannot be told from a signal that was sent is not called a limit.
TEST_F(JobLimitsTest, AWriteBeyondTheEndOfAFileIsOnlyASignal) {
  if (!IsRoot()) NEEDS_GROUP();
  JobOptions options;
  options.file_size = "4MiB";
  const JobResult result = Run({"seek_beyond", "/work/sparse", std::to_string(4 << 20)}, options);
  ASSERT_VERDICT(result, "SIGNALED");
  EXPECT_NE(EvidenceOf(*result.report, "main.sigxfsz"), nullptr);
}

TEST_F(JobLimitsTest, AJobInUninterruptibleSleepIsEnded) {
  JobOptions options;
  options.wall_time = "300ms";
  ASSERT_VERDICT(Run({"wait_in_vfork"}, options), "WALL_LIMIT");
}

// A file system of its own that stands still: a write to it sleeps in a way that no signal ends.
class FrozenDisk {
 public:
  FrozenDisk() {
    const std::string image = folder_.path() + "/image";
    const std::string make = "mkfs.ext4 -q -F " + image + " 4096 >/dev/null 2>&1 && mkdir " +
                             folder_.path() + "/disk && mount -o loop " + image + " " + disk() +
                             " && chmod 777 " + disk() + " && chown 65534 " + disk() +
                             " 2>/dev/null";
    usable_ = IsRoot() && std::system(make.c_str()) == 0;
  }
  ~FrozenDisk() {
    Thaw();
    // The job's namespace may still hold it for a moment.
    const std::string end = "umount -l " + disk() + " 2>/dev/null";
    if (usable_ && std::system(end.c_str()) != 0) ADD_FAILURE() << "cannot unmount " << disk();
  }
  bool usable() const { return usable_; }
  std::string disk() const { return folder_.path() + "/disk"; }
  void Freeze() { frozen_ = std::system(("fsfreeze -f " + disk()).c_str()) == 0; }
  void Thaw() {
    if (frozen_) frozen_ = std::system(("fsfreeze -u " + disk()).c_str()) != 0;
  }

 private:
  SharedFolder folder_;
  bool usable_ = false;
  bool frozen_ = false;
};

// Not even the kernel can end it: RunJob says so instead of waiting for the disk.
TEST_F(JobLimitsTest, AJobThatNobodyCanEndIsGivenUpWithAnError) {
  NEEDS_GROUP();
  FrozenDisk disk;
  if (!disk.usable()) GTEST_SKIP() << "needs root, loop devices and mkfs.ext4";
  JobOptions options;
  options.wall_time = "2s";
  options.mounts = "bind { source: \"" + disk.disk() + "\" target: \"/out\" read_only: false }";
  // The disk works: the same write, before it is frozen, is done.
  ASSERT_VERDICT(Run({"canary", "/out/in_time"}, options), "EXITED");
  ASSERT_EQ(FileText(disk.disk() + "/in_time"), "alive\n");
  const absl::StatusOr<CompiledPlan> plan = PlanOf(options);
  ASSERT_THAT(plan, IsOk());
  absl::StatusOr<std::unique_ptr<Sandbox>> sandbox = Sandbox::Prepare(*plan, HostFactsOfTest());
  ASSERT_THAT(sandbox, IsOk());
  const StreamFile file;
  disk.Freeze();
  const auto report = RunJob(**sandbox, LaunchOf(*plan, {"canary", "/out/late", token_}).value(),
                             {file.fd(), file.fd(), file.fd(), false, false});
  EXPECT_THAT(report.status(), HasErrorWith("state D"));
  EXPECT_THAT(ProcessesWith(token_), testing::SizeIs(1));
  disk.Thaw();
}

// Somebody freezes the group of a running job; the wall clock ends it all the same.
TEST_F(JobLimitsTest, AFrozenJobIsEnded) {
  NEEDS_GROUP();
  bool frozen = false;
  std::thread freezer([&] {
    for (int i = 0; i < 1000 && !frozen; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      if (ProcessesWith(token_).empty()) continue;
      for (const std::string& group : GroupsOfTest()) {
        const std::string file = group + "/cgroup.freeze";
        if (std::filesystem::exists(file)) frozen |= WriteAt(kCwd, file, "1").ok();
      }
    }
  });
  JobOptions options;
  options.wall_time = "1500ms";
  const JobResult result = Run({"sleep", "1000000"}, options);
  freezer.join();
  if (!frozen) GTEST_SKIP() << "no group of cgroup v2 that could be frozen";
  ASSERT_VERDICT(result, "WALL_LIMIT");
}

}  // namespace
}  // namespace cordon
