// SPDX-License-Identifier: Apache-2.0
// Every operation of the child, failed with five errnos, and init, payload and supervisor killed
// when the child stands before it: the job never runs, the error names the operation, and nothing
// is left.
#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/faults/matrix.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;
using faults::AtOperation;

// With kills of the kernel: a filter without a listener. ListenerFaultsTest has the other kind.
class ChildFaultsTest : public FaultMatrix {
 protected:
  void Adjust(JobOptions* options) override { options->seccomp += " kill_evidence: KERNEL"; }
  void SetUp() override {
    FaultMatrix::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    program_ = ProgramOfPlan();
    gate_ = IndexOf(program_, Opcode::kGate);
    reap_ = IndexOf(program_, Opcode::kReap);
  }

  std::string Where(size_t at, const std::string& what) const {
    return absl::StrCat("operation ", at, " ", OpcodeName(program_.ops[at].code), ", ", what);
  }

  void ExpectNothingHappened(const Seen& seen) {
    EXPECT_TRUE(seen.fired);
    ExpectNothingRunAndNothingLeft(seen);
  }

  void ExpectNothingRunAndNothingLeft(const Seen& seen) {
    EXPECT_FALSE(seen.hung);
    EXPECT_FALSE(seen.canary);
    EXPECT_EQ(seen.left, "");
    EXPECT_STREQ(seen.ending.left, "");
  }

  // The error of a supervisor that lived.
  void ExpectError(const Seen& seen, size_t at) {
    ASSERT_TRUE(seen.ending.ended);
    ASSERT_FALSE(seen.ending.ok) << "no fault may end in a verdict";
    EXPECT_EQ(seen.ending.prepared, at > gate_) << seen.error.ShortDebugString();
    EXPECT_EQ(seen.error.step(), std::string(OpcodeName(program_.ops[at].code)));
    EXPECT_EQ(seen.error.step_index(), static_cast<int>(at));
    EXPECT_EQ(seen.error.layer(), program_.origins[at].layer);
    EXPECT_EQ(seen.error.stage(), at <= gate_ ? "prepare" : "launch");
  }

  SetupProgram program_;
  size_t gate_ = 0;
  size_t reap_ = 0;
  int points_ = 0;
};

TEST_F(ChildFaultsTest, AFailureAtAnyOperationNamesItAndLeavesNothing) {
  size_t point = 0;
  for (size_t at = 0; at < program_.ops.size(); ++at) {
    for (const int error : kErrnos) {
      if (point++ % step() != 0) continue;
      SCOPED_TRACE(Where(at, ErrnoName(error)));
      const Seen seen = RunWith(AtOperation(static_cast<int>(at), error), Victim::kNone);
      ExpectNothingHappened(seen);
      ExpectError(seen, at);
      EXPECT_EQ(seen.error.errno_value(), error);
      ++points_;
    }
  }
  std::printf("%d points, every %zu.: %zu operations, %zu errnos\n", points_, step(),
              program_.ops.size(), std::size(kErrnos));
}

// The twin makes the payload's operations before the gate; a failure there is one of the set-up.
TEST_F(ChildFaultsTest, AFailureInTheTwinIsOneBeforeTheGate) {
  size_t point = 0;
  for (size_t at = reap_ + 1; at + 1 < program_.ops.size(); ++at) {
    for (const int error : kErrnos) {
      if (point++ % step() != 0) continue;
      SCOPED_TRACE(Where(at, ErrnoName(error)));
      const Seen seen = RunWith(faults::InTwin(static_cast<int>(at), error), Victim::kNone);
      ExpectNothingHappened(seen);
      EXPECT_FALSE(seen.ending.prepared);
      EXPECT_EQ(seen.error.step(), std::string(OpcodeName(program_.ops[at].code)));
      EXPECT_EQ(seen.error.stage(), "prepare");
      EXPECT_EQ(seen.error.errno_value(), error);
      ++points_;
    }
  }
  std::printf("%d points\n", points_);
}

TEST_F(ChildFaultsTest, TheInitKilledAtAnyOperationNamesItAndLeavesNothing) {
  for (size_t at = 0; at < program_.ops.size(); at += step()) {
    SCOPED_TRACE(Where(at, "init killed"));
    const Seen seen = RunWith(AtOperation(static_cast<int>(at), 0), Victim::kInit);
    ExpectNothingHappened(seen);
    if (at == reap_) {
      // The payload waits for Reap, and so the first thing of its own is what did not happen.
      ExpectError(seen, at + 1);
    } else {
      ExpectError(seen, at);
    }
    EXPECT_EQ(seen.error.errno_name(), "EOWNERDEAD");
    ++points_;
  }
  std::printf("%d points, every %zu.\n", points_, step());
}

// The end of a child is met by whichever call of the supervisor comes next, and each in a way of
// its own: the files of a dead process are root's, pipes have no other end.
TEST_F(ChildFaultsTest, AnInitThatIsDeadBeforeACallOfTheSupervisorNamesItsOperation) {
  // Without ids, and before its twin, to which it comes when it was told to.
  const size_t first = IndexOf(program_, Opcode::kAwaitParent);
  for (const size_t at : {first, IndexOf(program_, Opcode::kForkTwin)}) {
    const Seen usual = RunWith(AtOperation(static_cast<int>(at), 0), Victim::kInit);
    ASSERT_GT(usual.faults.clone_call, 0u);
    const auto every = static_cast<uint32_t>(at == first ? 1 : step());
    for (uint32_t call = at == first ? 1 : usual.faults.op_calls + 1;; call += every) {
      SCOPED_TRACE(Where(at, absl::StrCat("init dead before call ", call)));
      const Seen seen = RunWith(faults::BothHeld(static_cast<int>(at), call), Victim::kInitOfHeld);
      ExpectNothingHappened(seen);
      ExpectError(seen, at);
      EXPECT_EQ(seen.error.errno_name(), "EOWNERDEAD");
      if (seen.faults.hold_reached == 0) break;
      ++points_;
    }
  }
  EXPECT_GT(points_, 8);
  std::printf("%d points, every %zu. but for the first operation\n", points_, step());
}

// It is read while it stands in the gate: that it is dead explains whatever differs.
TEST_F(ChildFaultsTest, AnInitThatIsDeadBeforeACallOfTheVerificationNamesTheGate) {
  const Seen before = RunWith(AtOperation(static_cast<int>(gate_), 0), Victim::kInit);
  const Seen usual = RunWith(faults::Unbroken(), Victim::kNone);
  ASSERT_TRUE(usual.canary);
  const uint32_t opens = usual.faults.gate_call - usual.faults.clone_call;
  ASSERT_GT(opens, before.faults.op_calls);
  for (uint32_t call = before.faults.op_calls + 2; call <= opens;
       call += static_cast<uint32_t>(step())) {
    SCOPED_TRACE(absl::StrCat("init dead before call ", call));
    const Seen seen = RunWith(faults::BothHeld(-1, call), Victim::kInitOfHeld);
    const faults::State& done = seen.faults;
    if (done.gate_call != 0 && done.gate_call - done.clone_call < call) break;  // it was open
    ExpectNothingRunAndNothingLeft(seen);
    ASSERT_TRUE(seen.ending.ended);
    EXPECT_FALSE(seen.ending.ok);
    EXPECT_EQ(seen.error.step(), "Gate");
    EXPECT_EQ(seen.error.step_index(), static_cast<int>(gate_));
    EXPECT_EQ(seen.error.errno_name(), "EOWNERDEAD");
    ++points_;
  }
  EXPECT_GT(points_, 0);
  std::printf("%d points, every %zu.\n", points_, step());
}

TEST_F(ChildFaultsTest, ThePayloadKilledBeforeItsExecNamesTheOperationAndLeavesNothing) {
  for (size_t at = reap_ + 1; at < program_.ops.size(); at += step()) {
    SCOPED_TRACE(Where(at, "payload killed"));
    const Seen seen = RunWith(AtOperation(static_cast<int>(at), 0), Victim::kPayload);
    ExpectNothingHappened(seen);
    ExpectError(seen, at);
    EXPECT_EQ(seen.error.errno_name(), "EOWNERDEAD");
    ++points_;
  }
  std::printf("%d points, every %zu.\n", points_, step());
}

TEST_F(ChildFaultsTest, TheSupervisorKilledAtAnyOperationOfTheChildLeavesNothing) {
  for (size_t at = 0; at < program_.ops.size(); at += step()) {
    SCOPED_TRACE(Where(at, "supervisor killed"));
    // Behind the gate the child could well go on to the job; the kernel ends it where it stands.
    const Victim victim = at <= gate_ ? Victim::kSupervisorOnly : Victim::kSupervisor;
    const Seen seen = RunWith(AtOperation(static_cast<int>(at), 0), victim);
    ExpectNothingHappened(seen);
    EXPECT_TRUE(seen.killed);
    ++points_;
  }
  if (HaveCgroup()) {
    EXPECT_GT(groups_swept_, 0) << "the janitor had nothing to do: is this test blind?";
  }
  std::printf("%d points, every %zu.\n", points_, step());
}

// A filter with a listener: payload and init wait for each other in another way, so each operation
// behind the gate is tried.
class ListenerFaultsTest : public ChildFaultsTest {
 protected:
  void Adjust(JobOptions* options) override {
    options->seccomp += " rule { calls: \"socket\" action: NOTIFY }";
  }
  void SetUp() override {
    ChildFaultsTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    await_ = IndexOf(program_, Opcode::kAwaitListener);
    ASSERT_LT(await_, program_.ops.size());
  }

  // `named`: the operation of the error.
  void KillAt(size_t at, Victim victim, size_t named) {
    SCOPED_TRACE(Where(at, victim == Victim::kInit ? "init killed" : "payload killed"));
    const Seen seen = RunWith(AtOperation(static_cast<int>(at), 0), victim);
    ExpectNothingHappened(seen);
    ExpectError(seen, named);
    EXPECT_EQ(seen.error.errno_name(), "EOWNERDEAD");
  }

  size_t await_ = 0;
};

TEST_F(ListenerFaultsTest, AFailureAtAnyOperationNamesItAndLeavesNothing) {
  for (size_t at = gate_ + 1; at < program_.ops.size(); ++at) {
    const int error = kErrnos[at % std::size(kErrnos)];
    SCOPED_TRACE(Where(at, ErrnoName(error)));
    const Seen seen = RunWith(AtOperation(static_cast<int>(at), error), Victim::kNone);
    ExpectNothingHappened(seen);
    ExpectError(seen, at);
    EXPECT_EQ(seen.error.errno_value(), error);
  }
}

TEST_F(ListenerFaultsTest, WhoeverIsKilledTheOperationIsNamedAndNothingIsLeft) {
  for (size_t at = gate_ + 1; at < reap_; ++at) KillAt(at, Victim::kInit, at);
  // The payload has come as far as it can without Reap.
  KillAt(reap_, Victim::kInit, await_);
  for (size_t at = reap_ + 1; at < program_.ops.size(); ++at) KillAt(at, Victim::kPayload, at);
}

TEST_F(ListenerFaultsTest, TheSupervisorKilledLeavesNothing) {
  for (size_t at = gate_ + 1; at < program_.ops.size(); ++at) {
    SCOPED_TRACE(Where(at, "supervisor killed"));
    const Seen seen = RunWith(AtOperation(static_cast<int>(at), 0), Victim::kSupervisor);
    ExpectNothingHappened(seen);
    EXPECT_TRUE(seen.killed);
  }
}

}  // namespace
}  // namespace cordon
