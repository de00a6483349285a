// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/supervisor.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/layers/layer.h"
#include "sandbox/os/event.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/job_test.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::IsEmpty;

// Each test runs one job and then looks at the host.
class SupervisorTest : public JobTest {
 protected:
  // Waits until the payload ignores this signal. That it runs does not say that it came so far.
  bool ComesToIgnore(int signal) const {
    for (int i = 0; i < 6000; ++i) {
      for (const std::string& pid : ProcessesWith(token_)) {
        const std::string mask = ParseStatus(FileText("/proc/" + pid + "/status"))["SigIgn"];
        if (std::strtoull(mask.c_str(), nullptr, 16) >> (signal - 1) & 1) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
};

TEST_F(SupervisorTest, ReportsTheJobsOwnExitCode) {
  for (const int code : {0, 1, 7, 255}) {
    const JobResult result = Run({"exit", std::to_string(code)});
    ASSERT_VERDICT(result, "EXITED");
    EXPECT_EQ(result.report->exit_code(), code);
    EXPECT_FALSE(result.report->has_signal());
    EXPECT_FALSE(result.report->setup_only());
    ASSERT_NE(EvidenceOf(*result.report, "wait.status"), nullptr);
    EXPECT_EQ(EvidenceOf(*result.report, "wait.status")->source(), "waitid");
  }
}

TEST_F(SupervisorTest, SignalsAreReportedByNumberAndName) {
  const JobResult aborted = Run({"abort"});
  ASSERT_VERDICT(aborted, "SIGNALED");
  EXPECT_EQ(aborted.report->signal(), SIGABRT);
  EXPECT_EQ(aborted.report->signal_name(), "SIGABRT");
  const JobResult crashed = Run({"segv"});
  ASSERT_VERDICT(crashed, "SIGNALED");
  EXPECT_EQ(crashed.report->signal_name(), "SIGSEGV");
}

TEST_F(SupervisorTest, AnEndlessLoopHitsTheCpuLimit) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  JobOptions options;
  options.cpu_time = "300ms";
  const JobResult result = Run({"loop"}, options);
  ASSERT_VERDICT(result, "CPU_LIMIT");
  const double used = Seconds(result.report->usage().cpu_time());
  EXPECT_GE(used, 0.3);
  EXPECT_LT(used, 0.5);
  const v1::Evidence* evidence = EvidenceOf(*result.report, "timer.cpu");
  ASSERT_NE(evidence, nullptr);
  EXPECT_EQ(evidence->limit(), "0.3s");
}

TEST_F(SupervisorTest, ASleeperHitsTheWallLimit) {
  JobOptions options;
  options.wall_time = "300ms";
  const auto begin = std::chrono::steady_clock::now();
  const JobResult result = Run({"sleep", "1000000"}, options);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  ASSERT_VERDICT(result, "WALL_LIMIT");
  EXPECT_GE(Seconds(result.report->usage().wall_time()), 0.3);
  EXPECT_LT(took.count(), 5.0);
  EXPECT_EQ(result.report->signal(), SIGKILL);
}

TEST_F(SupervisorTest, IgnoringEverySignalDoesNotHelp) {
  JobOptions options;
  options.wall_time = "300ms";
  ASSERT_VERDICT(Run({"ignore_signals", "1000000"}, options), "WALL_LIMIT");
}

TEST_F(SupervisorTest, AStoppedJobHitsTheWallLimit) {
  JobOptions options;
  options.wall_time = "300ms";
  ASSERT_VERDICT(Run({"stop"}, options), "WALL_LIMIT");
}

TEST_F(SupervisorTest, AForkBombHitsTheProcessLimit) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  JobOptions options;
  options.processes = 12;
  const JobResult result = Run({"fork_bomb"}, options);
  ASSERT_VERDICT(result, "PROCESS_LIMIT");
  EXPECT_LE(result.report->usage().pids_peak(), 12u);
  const v1::Evidence* evidence = EvidenceOf(*result.report, "cgroup.forks_denied");
  ASSERT_NE(evidence, nullptr);
  EXPECT_EQ(evidence->limit(), "12");
  EXPECT_GE(std::stoull(evidence->observed()), 1u);
}

TEST_F(SupervisorTest, AProgramThatCopesWithTheProcessLimitHasExited) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  JobOptions options;
  options.processes = 5;
  const JobResult result = Run({"fork_politely"}, options);
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_EQ(result.report->exit_code(), 0);
  // It happened, so it is said.
  EXPECT_NE(EvidenceOf(*result.report, "cgroup.forks_denied"), nullptr);
}

TEST_F(SupervisorTest, AMemoryBombHitsTheMemoryLimit) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  JobOptions options;
  options.memory = "32MiB";
  const JobResult result = Run({"memory"}, options);
  ASSERT_VERDICT(result, "MEMORY_LIMIT");
  EXPECT_LE(result.report->usage().memory_peak_bytes(), 32u << 20);
  EXPECT_GE(result.report->usage().memory_peak_bytes(), 16u << 20);
  const v1::Evidence* evidence = EvidenceOf(*result.report, "cgroup.oom_kill");
  ASSERT_NE(evidence, nullptr);
  EXPECT_GE(std::stoull(evidence->observed()), 1u);
}

TEST_F(SupervisorTest, AKilledChildIsAMemoryLimitThoughTheParentExitsWell) {
  CORDON_NEEDS("cgroup memory, pids and cpuacct", HaveCgroup());
  JobOptions options;
  options.memory = "32MiB";
  ASSERT_VERDICT(Run({"memory_in_child"}, options), "MEMORY_LIMIT");
}

TEST_F(SupervisorTest, AFloodHitsTheOutputLimitAndForwardsExactlyTheLimit) {
  JobOptions options;
  options.output = "100KiB";
  const JobResult result = Run({"flood"}, options);
  ASSERT_VERDICT(result, "OUTPUT_LIMIT");
  EXPECT_EQ(result.out.size() + result.err.size(), 100u * 1024);
  ASSERT_NE(EvidenceOf(*result.report, "output.bytes"), nullptr);
}

TEST_F(SupervisorTest, OutputOfExactlyTheLimitIsFine) {
  JobOptions options;
  options.output = "1KiB";
  options.input = std::string(1024, 'x');
  const JobResult result = Run({"cat"}, options);
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_EQ(result.out, options.input);
  options.input.push_back('y');
  const JobResult over = Run({"cat"}, options);
  ASSERT_VERDICT(over, "OUTPUT_LIMIT");
  EXPECT_EQ(over.out, std::string(1024, 'x'));
}

TEST_F(SupervisorTest, AFileAboveItsLimitIsAnOutputLimit) {
  JobOptions options;
  options.file_size = "256KiB";
  const JobResult result = Run({"big_file", "/work/big"}, options);
  ASSERT_VERDICT(result, "OUTPUT_LIMIT");
  EXPECT_EQ(result.report->signal_name(), "SIGXFSZ");
  ASSERT_NE(EvidenceOf(*result.report, "rlimit.file_size"), nullptr);
}

TEST_F(SupervisorTest, AForbiddenCallIsASyscallViolation) {
  JobOptions options;
  options.seccomp += " kill_evidence: KERNEL";
  const JobResult result = Run({"sigsys"}, options);
  ASSERT_VERDICT(result, "SYSCALL_VIOLATION");
  EXPECT_EQ(result.report->signal(), SIGSYS);
  EXPECT_FALSE(result.report->has_violation());
}

TEST_F(SupervisorTest, AChildThatDiesOfTheFilterIsTheParentsBusiness) {
  JobOptions options;
  options.seccomp += " kill_evidence: KERNEL";
  const JobResult result = Run({"sigsys_in_child"}, options);
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_EQ(result.report->exit_code(), 9);
}

TEST_F(SupervisorTest, ADaemonDiesWithTheJobAndItsCanaryIsNeverWritten) {
  const SharedFolder folder;
  JobOptions options;
  options.mounts = "bind { source: \"" + folder.path() + "\" target: \"/out\" read_only: false }";
  // The folder works: the same write, done in time, arrives.
  ASSERT_VERDICT(Run({"canary", "/out/in_time"}, options), "EXITED");
  ASSERT_EQ(FileText(folder.path() + "/in_time"), "alive\n");
  const JobResult result = Run({"daemon", "/out/late", "300"}, options);
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_THAT(ProcessesWith(token_), IsEmpty());
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  EXPECT_THAT(NamesIn(folder.path()), testing::ElementsAre("in_time"));
}

TEST_F(SupervisorTest, ClosingStdioDoesNotEndTheJob) {
  const JobResult result = Run({"close_stdio", "7"});
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_EQ(result.report->exit_code(), 7);
}

TEST_F(SupervisorTest, OutputOfChildrenArrivesInOrder) {
  const JobResult result = Run({"fork_and_write"});
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_EQ(result.out, "before\nchild\nparent\n");
}

TEST_F(SupervisorTest, StdoutAndStderrAreSeparate) {
  const JobResult result = RunPayload({"echo", "to out", "to err"});
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_EQ(result.out, "to out");
  EXPECT_EQ(result.err, "to err");
  EXPECT_EQ(result.report->usage().output_bytes(), 12u);
}

TEST_F(SupervisorTest, BytesAreNotTouchedUnlessATerminalIsServed) {
  const std::string bytes("a\0b\0\0\x1b[31m\xff", 11);
  const JobResult plain = Run({"nul"});
  ASSERT_VERDICT(plain, "EXITED");
  EXPECT_EQ(plain.out, bytes);
  JobOptions options;
  options.streams.escape_out = true;
  const JobResult escaped = Run({"nul"}, options);
  ASSERT_VERDICT(escaped, "EXITED");
  EXPECT_EQ(escaped.out, "a\\x00b\\x00\\x00\\x1b[31m\\xff");
}

// Every byte value, in blocks that no buffer size divides.
std::string TenMegabytes() {
  std::string bytes(10 * 1000 * 1000 + 7, '\0');
  uint32_t state = 1;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

TEST_F(SupervisorTest, TenMegabytesThroughFilesArriveExactly) {
  JobOptions options;
  options.output = "16MiB";
  options.input = TenMegabytes();
  const JobResult result = Run({"cat"}, options);
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_TRUE(result.out == options.input);
}

TEST_F(SupervisorTest, TenMegabytesThroughPipesArriveExactlyDespiteASlowConsumer) {
  absl::StatusOr<Pipe> in = MakePipe();
  absl::StatusOr<Pipe> out = MakePipe();
  ASSERT_THAT(in, IsOk());
  ASSERT_THAT(out, IsOk());
  const std::string sent = TenMegabytes();
  std::string received;
  std::thread writer([&] {
    for (size_t done = 0; done < sent.size();) {
      const ssize_t put = ::write(in->write.get(), sent.data() + done, sent.size() - done);
      if (put <= 0) break;
      done += static_cast<size_t>(put);
    }
    in->write.Reset();
  });
  std::thread reader([&] {
    char block[50000];
    for (int round = 0;; ++round) {
      const ssize_t got = ::read(out->read.get(), block, sizeof(block));
      if (got <= 0) break;
      received.append(block, static_cast<size_t>(got));
      if (round % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  JobOptions options;
  options.output = "16MiB";
  options.streams.in = in->read.get();
  options.streams.out = out->write.get();
  const JobResult result = Run({"cat"}, options);
  out->write.Reset();
  writer.join();
  reader.join();
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_TRUE(received == sent);
}

TEST_F(SupervisorTest, AConsumerThatNeverReadsDoesNotStopTheWallClock) {
  absl::StatusOr<Pipe> out = MakePipe();
  ASSERT_THAT(out, IsOk());
  JobOptions options;
  options.wall_time = "500ms";
  options.output = "16MiB";
  options.streams.out = out->write.get();
  // Lets go only when the job has come and gone; without that, the last bytes would wait for ever.
  // How long a set-up takes is not this test's business (it is long under a sanitizer).
  std::thread late([&] {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto wait_while = [&](auto condition) {
      while (condition() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    };
    wait_while([&] { return ProcessesWith(token_).empty(); });
    wait_while([&] { return !ProcessesWith(token_).empty(); });
    EXPECT_THAT(ProcessesWith(token_), IsEmpty());
    out->read.Reset();
  });
  const JobResult result = Run({"flood"}, options);
  late.join();
  ASSERT_VERDICT(result, "WALL_LIMIT");
  EXPECT_LT(Seconds(result.report->usage().wall_time()), 1.0);
}

TEST_F(SupervisorTest, AConsumerThatIsGoneIsTheJobsBrokenPipe) {
  absl::StatusOr<Pipe> out = MakePipe();
  ASSERT_THAT(out, IsOk());
  out->read.Reset();
  JobOptions options;
  options.streams.out = out->write.get();
  options.output = "16MiB";
  const JobResult result = Run({"flood"}, options);
  ASSERT_VERDICT(result, "SIGNALED");
  EXPECT_EQ(result.report->signal_name(), "SIGPIPE");
}

TEST_F(SupervisorTest, AnInputThatNobodyReadsDoesNotKeepTheJob) {
  absl::StatusOr<Pipe> in = MakePipe();
  ASSERT_THAT(in, IsOk());
  JobOptions options;
  options.streams.in = in->read.get();  // its write end stays open
  const JobResult result = Run({"exit", "0"}, options);
  ASSERT_VERDICT(result, "EXITED");
}

TEST_F(SupervisorTest, SignalsToTheSupervisorCancelTheJob) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const pid_t main_thread = static_cast<pid_t>(::syscall(SYS_gettid));
    // To this thread, which waits in RunJob with the signal blocked once the job runs.
    std::thread sender([&] {
      for (int i = 0; i < 500 && ProcessesWith(token_).empty(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      ::syscall(SYS_tgkill, ::getpid(), main_thread, signal);
    });
    const JobResult result = Run({"sleep", "1000000"});
    sender.join();
    ASSERT_VERDICT(result, "CANCELLED");
    ASSERT_NE(EvidenceOf(*result.report, "supervisor.signal"), nullptr);
    EXPECT_EQ(EvidenceOf(*result.report, "supervisor.signal")->observed(),
              signal == SIGINT    ? "SIGINT"
              : signal == SIGTERM ? "SIGTERM"
                                  : "SIGHUP");
  }
}

TEST_F(SupervisorTest, ADescriptorCancelsAJobWithItsGrace) {
  const absl::StatusOr<UniqueFd> event = MakeEventFd();
  ASSERT_THAT(event, IsOk());
  JobOptions options;
  options.control.cancel_fd = event->get();
  options.launch.set_cancel_grace_ns(300'000'000);
  options.launch.set_cancel_signal(SIGTERM);
  std::thread caller([&] {
    EXPECT_TRUE(ComesToIgnore(SIGTERM));
    const uint64_t one = 1;
    EXPECT_EQ(::write(event->get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  });
  const JobResult result = Run({"ignore_signals", "1000000"}, options);
  caller.join();
  ASSERT_VERDICT(result, "CANCELLED");
  EXPECT_NE(EvidenceOf(*result.report, "supervisor.cancel"), nullptr);
  ASSERT_NE(EvidenceOf(*result.report, "cancel.SIGTERM"), nullptr);
  EXPECT_EQ(EvidenceOf(*result.report, "cancel.SIGTERM")->observed(), "killed afterwards");
  EXPECT_GE(Seconds(result.report->usage().wall_time()), 0.3);
}

TEST_F(SupervisorTest, AFailedExecIsAnErrorOfStageLaunch) {
  const absl::StatusOr<CompiledPlan> plan = PlanOf({});
  ASSERT_THAT(plan, IsOk());
  const struct {
    const char* path;
    const char* error;
  } cases[] = {
      {"/payload/nothing", "ENOENT"}, {"/work", "EACCES"}, {"/payload/payload/x", "ENOENT"}};
  for (const auto& each : cases) {
    absl::StatusOr<std::unique_ptr<Sandbox>> sandbox = Sandbox::Prepare(*plan, HostFactsOfTest());
    ASSERT_THAT(sandbox, IsOk());
    v1::JobSpec job;
    job.add_argv(each.path);
    const absl::StatusOr<v1::LaunchPlan> launch = CompileLaunch(job, *plan);
    ASSERT_THAT(launch, IsOk());
    const StreamFile file;
    const auto report = RunJob(**sandbox, *launch, {file.fd(), file.fd(), file.fd(), false, false});
    ASSERT_FALSE(report.ok()) << each.path;
    const v1::ErrorDetail detail = DetailsOf(report.status())[0];
    EXPECT_EQ(detail.stage(), "launch");
    EXPECT_EQ(detail.step(), "Exec");
    EXPECT_EQ(detail.errno_name(), each.error) << each.path;
    EXPECT_EQ(detail.object(), each.path);
  }
}

TEST_F(SupervisorTest, TheJobSeesOnlyItself) {
  EXPECT_EQ(RunPayload({"descriptors"}).out, "0 1 2 ");
  EXPECT_EQ(RunPayload({"environment"}).out, "");
  EXPECT_EQ(RunPayload({"processes"}).out, "1 3 ");
  EXPECT_EQ(RunPayload({"cannot_read", "/etc/passwd"}).report->exit_code(), 0);
  if (IsRoot()) {
    EXPECT_EQ(RunPayload({"ids"}).out, "uid 1000 gid 1000 groups 0 pid 3\n");
  }
}

TEST_F(SupervisorTest, TheReportNamesEveryLayerAndEachStep) {
  const JobResult result = Run({"exit", "0"});
  ASSERT_VERDICT(result, "EXITED");
  EXPECT_EQ(result.report->layers_size(), kLayerCount);
  EXPECT_GT(result.report->steps_size(), 20);
  EXPECT_GT(result.report->usage().supervisor_peak_rss_bytes(), 0u);
}

}  // namespace
}  // namespace cordon
