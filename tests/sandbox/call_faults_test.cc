// SPDX-License-Identifier: Apache-2.0
// Every call of the supervisor, from the first of Prepare to the last of RunJob, failed with five
// errnos, and the supervisor killed in its place: an error that names the call, or a run as without
// the fault; before the gate the job never runs; nothing is left.
#include <cstdio>
#include <map>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/faults/matrix.h"

namespace cordon {
namespace {

using faults::AtCall;

class CallFaultsTest : public FaultMatrix {
 protected:
  std::string Where(uint32_t call, const Seen& seen, const std::string& what) {
    return absl::StrCat("call ", call, " ", seen.faults.call_name, ", ", what, ": ",
                        seen.error.ShortDebugString());
  }
};

TEST_F(CallFaultsTest, AFailureOfAnyCallNamesItOrChangesNothing) {
  int points = 0;
  int errors = 0;
  size_t point = 0;
  bool beyond_the_last = false;
  for (uint32_t call = 1; !beyond_the_last; ++call) {
    for (const int error : kErrnos) {
      if (point++ % step() != 0) continue;
      const Seen seen = RunWith(AtCall(call, error), Victim::kNone);
      SCOPED_TRACE(Where(call, seen, ErrnoName(error)));
      beyond_the_last = !seen.fired;
      if (beyond_the_last) break;
      EXPECT_FALSE(seen.hung);
      EXPECT_TRUE(seen.ending.ended);
      EXPECT_EQ(seen.left, "");
      EXPECT_STREQ(seen.ending.left, "");
      if (seen.ending.ok) {
        EXPECT_TRUE(seen.ending.as_usual);
      } else {
        EXPECT_FALSE(seen.canary && seen.faults.gate_call == 0);
        // A limit that was not set is found when it is read back; that error says what differs.
        EXPECT_TRUE(seen.error.errno_value() == error || seen.error.stage() == "verify")
            << seen.error.errno_name();
        EXPECT_NE(seen.error.stage(), "");
        EXPECT_NE(seen.error.step(), "");
        EXPECT_NE(seen.error.layer(), "");
        ++errors;
      }
      ++points;
    }
  }
  EXPECT_GT(errors, 0);
  std::printf("%d points, every %zu., %d errors\n", points, step(), errors);
}

TEST_F(CallFaultsTest, TheSupervisorKilledAtAnyCallLeavesNothing) {
  int points = 0;
  for (uint32_t call = 1; call < 10000; call += static_cast<uint32_t>(step())) {
    const Seen seen = RunWith(AtCall(call, 0), Victim::kNone);
    SCOPED_TRACE(Where(call, seen, "killed"));
    if (!seen.fired) break;
    EXPECT_TRUE(seen.killed);
    EXPECT_EQ(seen.left, "");
    EXPECT_FALSE(seen.canary && seen.faults.gate_call == 0);
    ++points;
  }
  EXPECT_GT(static_cast<size_t>(points) * step(), 100u);
  std::printf("%d points, every %zu.\n", points, step());
}

}  // namespace
}  // namespace cordon
