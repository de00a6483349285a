// SPDX-License-Identifier: Apache-2.0
// Every call of the supervisor, from the first of Prepare to the last of RunJob, failed with five
// errnos, and the supervisor killed in its place: an error that names the call, or a run as without
// the fault; before the gate the job never runs; nothing is left.
#include <cstdio>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/faults/matrix.h"

namespace cordon {
namespace {

using faults::AtCall;
using faults::AtCallFromClone;
using faults::State;

class CallFaultsTest : public FaultMatrix {
 protected:
  // The calls of a run without a fault, by their names.
  std::vector<std::string> UsualCalls() {
    const Seen usual = RunWith(faults::Unbroken(), Victim::kNone);
    EXPECT_TRUE(usual.canary);
    clone_ = usual.faults.clone_call;
    watch_ = usual.faults.watch_call;
    std::vector<std::string> names;
    for (uint32_t i = 0; i < usual.faults.calls && i < faults::kMostNames; ++i) {
      names.emplace_back(usual.faults.names[i]);
    }
    return names;
  }

  // Number `call`, which is counted from clone3 where it is behind that: how many come before
  // depends on what others have left on the host.
  State At(uint32_t call, int error) const {
    return call > clone_ ? AtCallFromClone(call - clone_, error) : AtCall(call, error);
  }

  void ExpectNothingLeft(const Seen& seen) {
    EXPECT_FALSE(seen.hung);
    EXPECT_EQ(seen.left, "");
    EXPECT_STREQ(seen.ending.left, "");
    EXPECT_FALSE(seen.canary && seen.faults.gate_call == 0);
  }

  uint32_t clone_ = 0;  // the numbers of two calls of a run without a fault
  uint32_t watch_ = 0;

  std::string Where(uint32_t call, const Seen& seen, const std::string& what) {
    return absl::StrCat("call ", call, " ", seen.faults.call_name, ", ", what, ": ",
                        seen.error.ShortDebugString());
  }
};

TEST_F(CallFaultsTest, AFailureOfAnyCallNamesItOrChangesNothing) {
  const std::vector<std::string> calls = UsualCalls();
  const std::vector<FaultPoint> chosen = points().Of(calls, std::size(kErrnos));
  points().Print(chosen.size(), calls.size() * std::size(kErrnos));
  int errors = 0;
  size_t reached = 0;
  std::set<std::string> steps;
  for (const FaultPoint& point : chosen) {
    const int error = kErrnos[point.variant];
    const auto call = static_cast<uint32_t>(point.at + 1);
    const Seen seen = RunWith(At(call, error), Victim::kNone);
    SCOPED_TRACE(Where(call, seen, ErrnoName(error)));
    if (!seen.fired) continue;  // how often is waited is not the same in each run
    ++reached;
    ExpectNothingLeft(seen);
    EXPECT_TRUE(seen.ending.ended);
    if (seen.ending.ok) {
      EXPECT_TRUE(seen.ending.as_usual);
      continue;
    }
    // A limit that was not set is found when it is read back; that error says what differs.
    EXPECT_TRUE(seen.error.errno_value() == error || seen.error.stage() == "verify")
        << seen.error.errno_name();
    EXPECT_NE(seen.error.stage(), "");
    EXPECT_NE(seen.error.step(), "");
    EXPECT_NE(seen.error.layer(), "");
    steps.insert(seen.error.step());
    ++errors;
  }
  EXPECT_GT(errors, 0);
  EXPECT_GT(reached * 2, chosen.size()) << "most points are in every run";
  std::printf("%zu reached, %d errors, in the steps:", reached, errors);
  for (const std::string& step : steps) std::printf(" \"%s\"", step.c_str());
  std::printf("\n");
}

// The last calls before the gate: whatever of the files cannot be read back is no start.
TEST_F(CallFaultsTest, AFailureOfAnyCallThatReadsCopiedFilesBackIsNoStart) {
  UsualCalls();
  ASSERT_GT(watch_, clone_);
  int of_files = 0;
  uint32_t turn = 0;
  for (uint32_t call = watch_ - 1; call > clone_; --call, ++turn) {
    // Where one run takes long each fifth, the first in any case.
    if (points().slow() && turn % 5 != 0) continue;
    const int error = kErrnos[(points().offset() + turn) % std::size(kErrnos)];
    const Seen seen = RunWith(At(call, error), Victim::kNone);
    SCOPED_TRACE(Where(call, seen, ErrnoName(error)));
    ASSERT_TRUE(seen.fired);
    ExpectNothingLeft(seen);
    if (seen.ending.ok) continue;
    if (of_files > 0 && seen.error.step() != "verify: files copied in") break;
    ASSERT_EQ(seen.error.step(), "verify: files copied in");
    EXPECT_FALSE(seen.canary);
    EXPECT_FALSE(seen.ending.prepared);
    EXPECT_EQ(seen.error.errno_value(), error);
    EXPECT_EQ(seen.error.layer(), "mount");
    ++of_files;
  }
  EXPECT_GT(of_files, 0);
  std::printf("%d calls of it\n", of_files);
}

TEST_F(CallFaultsTest, TheSupervisorKilledAtAnyCallLeavesNothing) {
  const std::vector<std::string> calls = UsualCalls();
  const std::vector<FaultPoint> chosen = points().Of(calls, 1);
  points().Print(chosen.size(), calls.size());
  size_t reached = 0;
  for (const FaultPoint& point : chosen) {
    const auto call = static_cast<uint32_t>(point.at + 1);
    const Seen seen = RunWith(At(call, 0), Victim::kNone);
    SCOPED_TRACE(Where(call, seen, "killed"));
    if (!seen.fired) continue;
    ++reached;
    EXPECT_TRUE(seen.killed);
    ExpectNothingLeft(seen);
  }
  EXPECT_GT(reached * 2, chosen.size()) << "most points are in every run";
}

}  // namespace
}  // namespace cordon
