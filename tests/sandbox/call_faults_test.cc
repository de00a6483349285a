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
  const size_t step = StepOfMatrix();
  int points = 0;
  int errors = 0;
  size_t point = 0;
  for (uint32_t call = 1; call < 10000; ++call) {
    bool fired = false;
    for (const int error : kErrnos) {
      if (point++ % step != 0) {
        fired = true;
        continue;
      }
      const Seen seen = RunWith(AtCall(call, error), Victim::kNone);
      SCOPED_TRACE(Where(call, seen, ErrnoName(error)));
      if (!seen.fired) break;
      fired = true;
      EXPECT_FALSE(seen.hung);
      EXPECT_TRUE(seen.ending.ended);
      EXPECT_EQ(seen.left, "");
      EXPECT_STREQ(seen.ending.left, "");
      if (seen.ending.ok) {
        EXPECT_TRUE(seen.ending.as_usual);
      } else {
        if (seen.faults.gate_call == 0) EXPECT_FALSE(seen.canary);
        // A limit that was not set is found when it is read back; that error says what differs.
        if (seen.error.stage() != "verify") EXPECT_EQ(seen.error.errno_value(), error);
        EXPECT_NE(seen.error.stage(), "");
        EXPECT_NE(seen.error.step(), "");
        EXPECT_NE(seen.error.layer(), "");
        ++errors;
      }
      ++points;
    }
    if (!fired) break;
  }
  EXPECT_GT(errors, 0);
  std::printf("%d points, %d errors\n", points, errors);
}

TEST_F(CallFaultsTest, TheSupervisorKilledAtAnyCallLeavesNothing) {
  const size_t step = StepOfMatrix();
  int points = 0;
  for (uint32_t call = 1; call < 10000; call += static_cast<uint32_t>(step)) {
    const Seen seen = RunWith(AtCall(call, 0), Victim::kNone);
    SCOPED_TRACE(Where(call, seen, "killed"));
    if (!seen.fired) break;
    EXPECT_TRUE(seen.killed);
    EXPECT_EQ(seen.left, "");
    if (seen.faults.gate_call == 0) EXPECT_FALSE(seen.canary);
    ++points;
  }
  EXPECT_GT(points, 10);
  std::printf("%d points\n", points);
}

}  // namespace
}  // namespace cordon
