// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise/cancel.h"

#include <signal.h>
#include <sys/wait.h>

#include "gtest/gtest.h"
#include "sandbox/os/event.h"
#include "tests/support/running_job.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

constexpr uint32_t kMain = 3;  // id of the payload inside

class CancelGraceTest : public RunningJobTest {
 protected:
  static v1::LaunchPlan Wanting(uint64_t grace_ns, int number) {
    v1::LaunchPlan launch;
    launch.set_cancel_grace_ns(grace_ns);
    launch.set_cancel_signal(static_cast<uint32_t>(number));
    return launch;
  }
  static Observations Seen(const CancelGrace& grace) {
    Observations seen;
    grace.Fill(&seen);
    return seen;
  }
  pid_t init() { return sandbox_->child().pid; }
};

TEST_F(CancelGraceTest, TheMainProcessGetsTheSignalOnce) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::LaunchPlan launch = Wanting(60'000'000'000, SIGUSR1);
  absl::StatusOr<CancelGrace> grace = CancelGrace::Make(launch);
  ASSERT_THAT(grace, IsOk());
  EXPECT_TRUE(grace->Request(init(), kMain));
  EXPECT_FALSE(grace->Request(init(), kMain));  // the second one does not wait
  ASSERT_THAT(WaitPidfd(sandbox_->child().pidfd.get(), true), IsOk());  // it died of it
  sandbox_->child().reaped = true;
  EXPECT_EQ(Seen(*grace).asked_signal, SIGUSR1);
  EXPECT_EQ(Seen(*grace).cancel_grace_ns, 60'000'000'000u);
  EXPECT_FALSE(Readable(grace->fd(), 0));
}

TEST_F(CancelGraceTest, TheTimeIsOverAndIsOverOnce) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::LaunchPlan launch = Wanting(20'000'000, SIGCONT);  // does nothing to it
  absl::StatusOr<CancelGrace> grace = CancelGrace::Make(launch);
  ASSERT_THAT(grace, IsOk());
  EXPECT_TRUE(grace->Request(init(), kMain));
  EXPECT_TRUE(Readable(grace->fd(), 10'000));
  grace->Acknowledge();
  EXPECT_FALSE(Readable(grace->fd(), 30));
  EXPECT_NE(Status(payload_).size(), 0u);  // it lives
}

TEST_F(CancelGraceTest, NobodyToAskIsNoReasonToWait) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::LaunchPlan none = Wanting(0, 0);
  const v1::LaunchPlan some = Wanting(60'000'000'000, SIGUSR1);
  absl::StatusOr<CancelGrace> without = CancelGrace::Make(none);
  ASSERT_THAT(without, IsOk());
  EXPECT_FALSE(without->Request(init(), kMain));
  absl::StatusOr<CancelGrace> early = CancelGrace::Make(some);
  ASSERT_THAT(early, IsOk());
  EXPECT_FALSE(early->Request(init(), 0));  // its program has not begun
  absl::StatusOr<CancelGrace> gone = CancelGrace::Make(some);
  ASSERT_THAT(gone, IsOk());
  EXPECT_FALSE(gone->Request(init(), 77));
  for (const auto* each : {&without, &early, &gone}) EXPECT_EQ(Seen(**each).asked_signal, 0);
  EXPECT_NE(Status(payload_).size(), 0u);
}

TEST(CancelVerdictTest, ARequestThroughTheLibraryIsToldFromASignal) {
  Observations seen;
  seen.killed = KillReason::kCancelled;
  v1::Report report;
  Decide(seen, &report);
  EXPECT_EQ(report.verdict(), v1::CANCELLED);
  EXPECT_NE(EvidenceOf(report, "supervisor.cancel"), nullptr);
  EXPECT_EQ(EvidenceOf(report, "supervisor.signal"), nullptr);
  EXPECT_EQ(EvidenceOf(report, "cancel.SIGTERM"), nullptr);
}

}  // namespace
}  // namespace cordon
