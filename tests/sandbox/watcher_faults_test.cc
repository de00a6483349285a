// SPDX-License-Identifier: Apache-2.0
// The init is ended by a stranger while the supervisor watches a job with everything that looks at
// processes of it: whatever is read of the dying is no breach of the sandbox, and no error.
#include <algorithm>
#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/faults/matrix.h"
#include "tests/support/health_of.h"

namespace cordon {
namespace {

class WatcherFaultsTest : public FaultMatrix {
 protected:
  void Adjust(JobOptions* options) override {
    options->limits = "idle_time: \"90s\"";
    options->seccomp += " rule { calls: \"socket\" action: NOTIFY }";
  }
  // The job ends when its health check has passed.
  void AdjustLaunch(v1::LaunchPlan* launch) override {
    launch->clear_argv();
    for (const char* word : {"/payload/payload", "canary_after", "/out/checked", "/out/canary"}) {
      launch->add_argv(word);
    }
    launch->set_timeline_interval_ns(1'000'000);
    AddHealth({"canary", "/out/checked"}, 1'000'000'000'000, 1, launch);
  }
};

TEST_F(WatcherFaultsTest, AnInitThatIsDeadBeforeACallOfTheSupervisorIsNoErrorOfALayer) {
  const Seen usual = RunWith(faults::Unbroken(), Victim::kNone);
  ASSERT_TRUE(usual.ending.as_usual);
  const uint32_t calls = usual.faults.calls - usual.faults.clone_call;
  const size_t every = step() == 1 ? 1 : std::min<size_t>(step() * 3, 37);  // long runs
  int killed = 0;
  int not_begun = 0;
  int over = 0;
  for (uint32_t call = usual.faults.gate_call - usual.faults.clone_call + 1; call <= calls;
       call += static_cast<uint32_t>(every)) {
    SCOPED_TRACE(absl::StrCat("init dead before call ", call));
    const Seen seen = RunWith(faults::BothHeld(-1, call), Victim::kInitOfHeld);
    EXPECT_FALSE(seen.hung);
    EXPECT_EQ(seen.left, "");
    EXPECT_STREQ(seen.ending.left, "");
    ASSERT_TRUE(seen.ending.ended);
    if (seen.faults.gate_call == 0) continue;  // a slow host: it slept for so long before
    if (!seen.ending.ok) {
      // Nobody had said yet that the job began.
      EXPECT_THAT(seen.error.message(), testing::HasSubstr("init died without a word"))
          << seen.error.ShortDebugString();
      ++not_begun;
    } else if (seen.ending.verdict == v1::SIGNALED) {
      ++killed;
    } else {
      EXPECT_EQ(seen.ending.verdict, v1::EXITED);
      ++over;
    }
  }
  EXPECT_GT(killed, 0);
  std::printf("%d points, every %zu.: before the job %d, in it %d, after it %d\n",
              not_begun + killed + over, every, not_begun, killed, over);
}

}  // namespace
}  // namespace cordon
