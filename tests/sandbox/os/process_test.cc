// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/host_watch.h"
#include "tests/support/kernel_test.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

TEST(PipeTest, EndsAreAboveTheNumbersOfAJobAndClosedOnExec) {
  const auto pipe = MakePipe();
  ASSERT_THAT(pipe, IsOk());
  for (const int fd : {pipe->read.get(), pipe->write.get()}) {
    EXPECT_GE(fd, 16);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_THAT(SetNonBlocking(pipe->read.get()), IsOk());
  EXPECT_NE(::fcntl(pipe->read.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_FALSE(SetNonBlocking(-1).ok());
}

TEST(Clone3Test, GivesAPidfdAndTheExitCode) {
  absl::StatusOr<Clone3Result> child = Clone3(0, -1);
  ASSERT_THAT(child, IsOk());
  if (child->pid == 0) ::_exit(17);
  EXPECT_TRUE(child->pidfd.valid());
  const auto ended = WaitPidfd(child->pidfd.get(), true);
  ASSERT_THAT(ended, IsOk());
  EXPECT_TRUE(ended->ended);
  EXPECT_EQ(ended->code, CLD_EXITED);
  EXPECT_EQ(ended->status, 17);
}

TEST(Clone3Test, KillByPidfdIsSeenByWaitAndIsNoErrorAfterwards) {
  absl::StatusOr<Clone3Result> child = Clone3(0, -1);
  ASSERT_THAT(child, IsOk());
  if (child->pid == 0) {
    for (;;) ::pause();
  }
  EXPECT_FALSE(WaitPidfd(child->pidfd.get(), false)->ended);
  ASSERT_THAT(KillPidfd(child->pidfd.get()), IsOk());
  const auto ended = WaitPidfd(child->pidfd.get(), true);
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->code, CLD_KILLED);
  EXPECT_EQ(ended->status, SIGKILL);
  EXPECT_THAT(KillPidfd(child->pidfd.get()), IsOk());
  EXPECT_THAT(WaitPidfd(child->pidfd.get(), true), HasErrorWith("ECHILD"));
}

TEST(Clone3Test, AnErrorHasAHint) {
  // CLONE_FS with a new mount namespace is what the kernel refuses.
  const auto child = Clone3(CLONE_NEWNS | CLONE_FS, -1);
  ASSERT_FALSE(child.ok());
  const v1::ErrorDetail detail = DetailsOf(child.status())[0];
  EXPECT_EQ(detail.syscall(), "clone3");
  EXPECT_EQ(detail.errno_name(), "EINVAL");
  EXPECT_FALSE(detail.hint().empty());
}

TEST(TryNamespacesTest, LeavesNoProcess) {
  CORDON_NEEDS("user namespaces", HaveUserNamespaces());
  EXPECT_THAT(TryNamespaces(CLONE_NEWUSER | CLONE_NEWNET), IsOk());
  EXPECT_THAT(ChildrenOfTest(), testing::IsEmpty());
}

TEST(ProcessTest, SaysWhatTheCallerIs) {
  EXPECT_EQ(EffectiveUid(), ::geteuid());
  EXPECT_EQ(EffectiveGid(), ::getegid());
  EXPECT_EQ(RealUid(), ::getuid());
  EXPECT_EQ(CurrentPid(), ::getpid());
  EXPECT_GE(OnlineCpus(), 1u);
  EXPECT_GE(PageSize(), 4096u);
  EXPECT_GT(HostMemoryBytes(), 64u << 20);
  EXPECT_GT(OwnPeakRssBytes(), 100u * 1024);
}

TEST(ProcessTest, AnAffinityOfTheCallersDoesNotHideCpusThatAJobCanUse) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  const uint32_t all = OnlineCpus();
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(OnlineCpus(), all);
  EXPECT_GE(OnlineCpus(), static_cast<uint32_t>(CPU_COUNT(&before)));
  ::sched_setaffinity(0, sizeof(before), &before);
}

TEST(ProcessTest, SoftLimitsRiseToWhatASupervisorNeedsAndNoFurther) {
  struct rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit low = before;
  low.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_THAT(RaiseSoftLimits(), IsOk());
  EXPECT_EQ(GetRlimit(RLIMIT_NOFILE)->soft, std::min<uint64_t>(1024, before.rlim_max));
  EXPECT_EQ(GetRlimit(RLIMIT_NOFILE)->hard, before.rlim_max);
  EXPECT_THAT(RaiseSoftLimits(), IsOk());
  EXPECT_EQ(GetRlimit(RLIMIT_NOFILE)->soft, std::min<uint64_t>(1024, before.rlim_max));
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(ProcessTest, AThreadThatIsSettledIsScheduledAsBefore) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  ASSERT_EQ(::setpriority(PRIO_PROCESS, static_cast<id_t>(child), 7), 0);
  const struct sched_param none = {};
  for (const int policy : {SCHED_OTHER, SCHED_BATCH, SCHED_OTHER | SCHED_RESET_ON_FORK,
                           SCHED_BATCH | SCHED_RESET_ON_FORK, SCHED_IDLE | SCHED_RESET_ON_FORK}) {
    ASSERT_EQ(::sched_setscheduler(child, policy, &none), 0);
    SettleCpuOfThread(child);
    EXPECT_EQ(::sched_getscheduler(child), policy);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(child)), 7);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  SettleCpuOfThread(child);  // there is none
}

TEST(ProcessTest, TheClockNeverGoesBack) {
  const uint64_t first = MonotonicNs();
  EXPECT_GT(first, 0u);
  EXPECT_GE(MonotonicNs(), first);
}

TEST(ProcessTest, ReadsResourceLimits) {
  const auto limit = GetRlimit(RLIMIT_NOFILE);
  ASSERT_THAT(limit, IsOk());
  EXPECT_GE(limit->hard, limit->soft);
  EXPECT_FALSE(GetRlimit(999).ok());
}

TEST(ProcessTest, LandlockHasAnAbiOrAnErrnoAndAHint) {
  const auto abi = LandlockAbi();
  if (abi.ok()) {
    EXPECT_GE(*abi, 1u);
    return;
  }
  const v1::ErrorDetail detail = DetailsOf(abi.status())[0];
  EXPECT_EQ(detail.syscall(), "landlock_create_ruleset");
  EXPECT_NE(detail.errno_value(), 0);
  EXPECT_FALSE(detail.hint().empty());
}

TEST(SessionKeyringTest, AJoinedOneIsAnother) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    const int64_t before = SessionKeyring();
    if (before == -ENOSYS) ::_exit(0);  // a kernel without keyrings
    constexpr int kJoin = 1;            // KEYCTL_JOIN_SESSION_KEYRING
    const bool joined = ::syscall(SYS_keyctl, kJoin, nullptr) > 0;
    ::_exit(joined && SessionKeyring() > 0 && SessionKeyring() != before ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace cordon
