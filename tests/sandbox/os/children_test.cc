// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/children.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "policy/base/status.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "sandbox/os/unique_fd.h"
#include "tests/support/few_descriptors.h"
#include "tests/support/running_job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

class ChildrenTest : public RunningJobTest {};

TEST_F(ChildrenTest, AProcessIsFoundByItsIdInside) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const pid_t init = sandbox_->child().pid;
  const absl::StatusOr<FoundChild> found = FindChild(init, 3);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(std::to_string(found->pid), payload_);
  // The descriptor is that process.
  EXPECT_FALSE(IsGone(found->pidfd.get()));
  ASSERT_THAT(SignalPidfd(found->pidfd.get(), SIGKILL), IsOk());
  ASSERT_THAT(WaitPidfd(sandbox_->child().pidfd.get(), true), IsOk());
  sandbox_->child().reaped = true;
  EXPECT_TRUE(IsGone(found->pidfd.get()));
  // Nor is there a parent any more.
  EXPECT_EQ(FindChild(init, 3).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ChildrenTest, OthersAreNot) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const pid_t init = sandbox_->child().pid;
  for (const uint32_t inside : {0u, 1u, 2u, 4u, static_cast<uint32_t>(std::stoul(payload_))}) {
    EXPECT_EQ(FindChild(init, inside).status().code(), absl::StatusCode::kNotFound) << inside;
  }
  // A child of ours in our own pid namespace has no id inside.
  EXPECT_FALSE(FindChild(CurrentPid(), static_cast<uint32_t>(init)).ok());
}

// The payload program without a sandbox, as a child of the test; its stdout is a pipe.
class EndingTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& words) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    out_ = UniqueFd(ends[0]);
    UniqueFd write(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, write.get(), 1);
    std::string path = CORDON_PAYLOAD_FOLDER "/payload";
    std::vector<std::string> kept = words;
    std::vector<char*> argv = {path.data()};
    for (std::string& word : kept) argv.push_back(word.data());
    argv.push_back(nullptr);
    ASSERT_EQ(::posix_spawn(&child_.pid, path.c_str(), &actions, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    absl::StatusOr<UniqueFd> pidfd = OpenPidfd(child_.pid);
    ASSERT_THAT(pidfd, IsOk());
    child_.pidfd = *std::move(pidfd);
  }
  void TearDown() override {
    if (!child_.pidfd.valid()) return;
    ::kill(child_.pid, SIGKILL);
    Reap();
  }
  void Reap() {
    ::waitpid(child_.pid, nullptr, 0);
    child_.pidfd.Reset();
  }
  // "T (stopped)"; waits until its first letter is `state`.
  void AwaitState(char state) {
    std::string found;
    while (found.empty() || found[0] != state) {
      found = ParseStatus(FileText("/proc/" + std::to_string(child_.pid) + "/status"))["State"];
      ASSERT_FALSE(found.empty());
    }
  }
  // Until everybody who had the other end of its stdout has closed it.
  void AwaitEndOfOutput() {
    char block[512];
    while (::read(out_.get(), block, sizeof(block)) > 0) continue;
  }

  absl::StatusOr<bool> Ends() const { return IsEnding(child_.pid, child_.pidfd.get()); }

  UniqueFd out_;
  FoundChild child_;
};

TEST_F(EndingTest, OneThatRunsSleepsOrIsStoppedIsNot) {
  ASSERT_NO_FATAL_FAILURE(Start({"sleep", "1000000"}));
  ASSERT_NO_FATAL_FAILURE(AwaitState('S'));
  EXPECT_THAT(Ends(), IsOkAndHolds(false));
  ::kill(child_.pid, SIGSTOP);
  ASSERT_NO_FATAL_FAILURE(AwaitState('T'));
  EXPECT_THAT(Ends(), IsOkAndHolds(false));
}

TEST_F(EndingTest, AnEndOfItsOutputByItsDeathIsOneOfAnEndingProcess) {
  // Whoever is faster, the kernel that takes it apart or the one who looks.
  for (const char* how : {"abort", "exit", "segv"}) {
    for (int i = 0; i < 200; ++i) {
      ASSERT_NO_FATAL_FAILURE(Start({how}));
      AwaitEndOfOutput();
      ASSERT_THAT(Ends(), IsOkAndHolds(true)) << how << " " << i;
      Reap();
    }
  }
}

TEST_F(EndingTest, AnEndOfItsOutputByItsWillIsNone) {
  ASSERT_NO_FATAL_FAILURE(Start({"talk_close", "1", "1000000000", "0"}));
  AwaitEndOfOutput();
  EXPECT_THAT(Ends(), IsOkAndHolds(false));
}

TEST_F(EndingTest, AZombieIsAndOneThatIsReapedIs) {
  ASSERT_NO_FATAL_FAILURE(Start({"abort"}));
  ASSERT_NO_FATAL_FAILURE(AwaitState('Z'));
  EXPECT_THAT(Ends(), IsOkAndHolds(true));
  ::waitpid(child_.pid, nullptr, 0);
  EXPECT_THAT(Ends(), IsOkAndHolds(true));
  child_.pidfd.Reset();
}

// To take it for one that lives would be to accuse it of what its end has done.
TEST_F(EndingTest, NothingIsKnownOfOneThatCannotBeLookedAt) {
  ASSERT_NO_FATAL_FAILURE(Start({"sleep", "1000000"}));
  ASSERT_NO_FATAL_FAILURE(AwaitState('S'));
  for (int room = 0; room < 3; ++room) {  // for the process, for its threads, for their list
    absl::StatusOr<bool> ends = false;
    {
      const FewDescriptors few(room);
      ends = Ends();
    }
    ASSERT_FALSE(ends.ok()) << room;
    EXPECT_EQ(DetailsOf(ends.status())[0].errno_value(), EMFILE) << room;
  }
  EXPECT_THAT(Ends(), IsOkAndHolds(false));
}

TEST_F(EndingTest, OneWhoseFirstThreadAloneHasLeftIsNot) {
  ASSERT_NO_FATAL_FAILURE(Start({"leave_thread"}));
  ASSERT_NO_FATAL_FAILURE(AwaitState('Z'));
  EXPECT_THAT(Ends(), IsOkAndHolds(false));
  ::kill(child_.pid, SIGKILL);
  AwaitEndOfOutput();
  EXPECT_THAT(Ends(), IsOkAndHolds(true));
}

}  // namespace
}  // namespace cordon
