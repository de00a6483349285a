// SPDX-License-Identifier: Apache-2.0
// The way of a listener from the payload to the supervisor, on a real kernel: whatever the filter
// forbids it arrives, nothing of the job runs before, and nothing of it is left in the job.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/launch/status_pipe.h"
#include "sandbox/os/seccomp_listener.h"
#include "tests/support/host_watch.h"
#include "tests/support/job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using testing::IsEmpty;

// For a payload that may not even write to the descriptor that it would wait with.
constexpr char kMayNotWait[] =
    " rule { calls: \"write\" when { arg: 0 not_equals: \"9\" } action: ALLOW }"
    " rule { calls: \"write\" when { arg: 0 equals: \"9\" } action: KILL }";

class ListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    CORDON_NEEDS("user namespaces", HaveUserNamespaces());
    IgnoreSigpipe();
    options_.seccomp += " rule { calls: \"socket\" action: NOTIFY }";
    token_ = "token_" + std::to_string(::getpid()) + "_" +
             testing::UnitTest::GetInstance()->current_test_info()->name();
    descriptors_ = DescriptorsOfTest().size();
  }
  void TearDown() override {
    EXPECT_THAT(ChildrenOfTest(), IsEmpty());
    EXPECT_THAT(GroupsOfTest(), IsEmpty());
    if (descriptors_ != 0) {
      EXPECT_EQ(DescriptorsOfTest().size(), descriptors_);
    }
  }
  JobResult TrySockets() { return RunPayload({"sockets", "2", std::to_string(AF_INET)}, options_); }

  static void ExpectListed(const JobResult& result) {
    ASSERT_THAT(result.report, IsOk());
    EXPECT_EQ(result.report->exit_code(), EPERM) << result.verdict();
    ASSERT_EQ(result.report->notified_call_size(), 1);
    EXPECT_EQ(result.report->notified_call(0).count(), 2u);
  }

  // A sandbox whose gate is open, and nobody who takes the listener.
  std::unique_ptr<Sandbox> Launched() {
    const CompiledPlan plan = PlanOf(options_).value();
    auto sandbox = Sandbox::Prepare(plan, HostFactsOfTest());
    EXPECT_THAT(sandbox, IsOk());
    EXPECT_THAT((*sandbox)->Launch(
                    LaunchOf(plan, {"sockets", "1", std::to_string(AF_INET), token_}).value()),
                IsOk());
    return *std::move(sandbox);
  }

  // Whether init has told the payload to go on when it enters the read that wakes it; -1: it never
  // did. Init is traced from before it knows that the supervisor has the listener.
  int ReadyWhenWoken() {
    const std::unique_ptr<Sandbox> sandbox = Launched();
    UniqueFd listener;
    EXPECT_THAT(ReadFrame(sandbox->child().status.get(), 10000, &listener), IsOk());
    const pid_t init = sandbox->child().pid;
    EXPECT_EQ(::ptrace(PTRACE_SEIZE, init, 0, PTRACE_O_TRACESYSGOOD), 0);
    EXPECT_EQ(::ptrace(PTRACE_INTERRUPT, init, 0, 0), 0);
    EXPECT_THAT(ConfirmListener(sandbox->child()), IsOk());
    int ready = -1;
    int status = 0;
    while (ready < 0 && ::waitpid(init, &status, __WALL) == init && WIFSTOPPED(status)) {
      __ptrace_syscall_info call = {};
      ::ptrace(PTRACE_GET_SYSCALL_INFO, init, sizeof(call), &call);
      if (call.op == PTRACE_SYSCALL_INFO_ENTRY && call.entry.nr == SYS_read &&
          IsEvent(init, call.entry.args[0])) {
        ready = static_cast<int>(sandbox->child().region()->init_ready);
      }
      ::ptrace(PTRACE_SYSCALL, init, 0, 0);
    }
    return ready;
  }
  static bool IsEvent(pid_t pid, uint64_t fd) {
    std::error_code none;
    const auto link = std::filesystem::read_symlink(
        "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd), none);
    return link == "anon_inode:[eventfd]";
  }

  JobOptions options_;
  std::string token_;
  size_t descriptors_ = 0;
};

// Init and supervisor hand it over with calls that the job itself would die of.
TEST_F(ListenerTest, ArrivesWhateverTheFilterForbids) {
  options_.seccomp +=
      " rule { calls: [\"sendmsg\", \"recvmsg\", \"read\", \"close\", \"close_range\", "
      "\"nanosleep\","
      " \"clock_nanosleep\", \"waitid\", \"wait4\", \"unshare\", \"futex\", \"sched_yield\","
      " \"dup3\", \"fcntl\", \"poll\", \"epoll_wait\"] action: KILL }";
  ExpectListed(TrySockets());
  options_.seccomp += kMayNotWait;
  ExpectListed(TrySockets());
}

TEST_F(ListenerTest, TheJobHasNeitherListenerNorTheEndsOfTheInit) {
  EXPECT_EQ(RunPayload({"descriptors"}, options_).out, "0 1 2 ");
  EXPECT_EQ(RunPayload({"processes"}, options_).out, "1 3 ");
}

TEST_F(ListenerTest, TheSmallestLimitsAreEnough) {
  options_.processes = 1;
  options_.limits = "open_files: 16";
  options_.landlock = HostFactsOfTest().landlock_abi() >= 2 ? "REQUIRED" : "OFF";
  ExpectListed(TrySockets());
}

TEST_F(ListenerTest, NothingOfTheJobRunsBeforeTheSupervisorHasIt) {
  const std::unique_ptr<Sandbox> sandbox = Launched();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_THAT(ProcessesWith(token_), IsEmpty());
  // The control: with the word that it is taken the job begins.
  UniqueFd listener;
  const auto frame = ReadFrame(sandbox->child().status.get(), 10000, &listener);
  ASSERT_THAT(frame, IsOk());
  ASSERT_EQ((*frame)->kind, child::FrameKind::kListener);
  ASSERT_THAT(ConfirmListener(sandbox->child()), IsOk());
  auto taken = SeccompListener::Adopt(std::move(listener));
  ASSERT_THAT(taken, IsOk());
  EXPECT_TRUE(Readable(taken->fd(), 10000));
  EXPECT_EQ(ProcessesWith(token_).size(), 1u);
}

// A payload that sleeps in its write may run as soon as the read ends, on the processor of init,
// and would spin at the job's expense until init runs again.
TEST_F(ListenerTest, APayloadThatSleepsNeedNotSpinWhenItWakes) {
  CORDON_NEEDS("root, to trace a process that was not dumpable", IsRoot());
  EXPECT_EQ(ReadyWhenWoken(), 1);
}

// One that may not write spins; it is let go when nothing of init can fail any more.
TEST_F(ListenerTest, APayloadThatSpinsIsLetGoLast) {
  CORDON_NEEDS("root, to trace a process that was not dumpable", IsRoot());
  options_.seccomp += kMayNotWait;
  EXPECT_EQ(ReadyWhenWoken(), 0);
}

TEST_F(ListenerTest, AJobThatWaitsForItsAnswerIsKilledAtOnce) {
  const std::unique_ptr<Sandbox> sandbox = Launched();
  UniqueFd fd;
  ASSERT_THAT(ReadFrame(sandbox->child().status.get(), 10000, &fd), IsOk());
  ASSERT_THAT(ConfirmListener(sandbox->child()), IsOk());
  auto listener = SeccompListener::Adopt(std::move(fd));
  ASSERT_THAT(listener, IsOk());
  ASSERT_TRUE(Readable(listener->fd(), 10000));
  const auto call = listener->Receive();
  ASSERT_THAT(call, IsOk());
  ASSERT_TRUE(call->has_value());
  EXPECT_THAT(sandbox->Kill(), IsOk());
  const auto ended = WaitPidfd(sandbox->child().pidfd.get(), true);
  ASSERT_THAT(ended, IsOk());
  sandbox->child().reaped = ended->ended;
  EXPECT_FALSE(listener->Waits((*call)->id));
  EXPECT_THAT(listener->Deny((*call)->id, EPERM), IsOk());
  EXPECT_THAT(sandbox->Collect(), IsOk());
}

TEST_F(ListenerTest, AStepThatFailsBeforeTheFilterIsReported) {
  CORDON_NEEDS("Landlock ABI 2", HostFactsOfTest().landlock_abi() >= 2);
  options_.landlock =
      "REQUIRED file { path: \"/payload\" access: READ }"
      " file { path: \"/payload/none\" access: EXECUTE }";
  const JobResult result = TrySockets();
  ASSERT_FALSE(result.report.ok());
  EXPECT_EQ(DetailsOf(result.report.status())[0].step(), "LandlockAllow")
      << AllErrors(result.report.status());
}

TEST_F(ListenerTest, AnExecThatFailsIsReported) {
  const CompiledPlan plan = PlanOf(options_).value();
  v1::LaunchPlan launch = LaunchOf(plan, {"exit", "0"}).value();
  launch.set_exec_path(0, "/payload/none");
  const auto sandbox = Sandbox::Prepare(plan, HostFactsOfTest());
  ASSERT_THAT(sandbox, IsOk());
  const StreamFile file;
  const auto report = RunJob(**sandbox, launch, {file.fd(), file.fd(), file.fd(), false, false});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(DetailsOf(report.status())[0].step(), "Exec");
  EXPECT_EQ(DetailsOf(report.status())[0].errno_value(), ENOENT);
}

// The kernel allows one listener per chain of filters: where the supervisor lives under one, the
// job does not start.
TEST_F(ListenerTest, UnderAForeignListenerTheJobDoesNotStart) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    const struct sock_fprog program = {1, &allow};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                  &program) < 0) {
      ::_exit(2);
    }
    const JobResult result = TrySockets();
    if (result.report.ok()) ::_exit(3);
    const v1::ErrorDetail detail = DetailsOf(result.report.status())[0];
    ::_exit(detail.step() == "SeccompLoad" && detail.errno_value() == EBUSY &&
                    detail.hint().find("write ERRNO in place of NOTIFY") != std::string::npos
                ? 0
                : 4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace cordon
