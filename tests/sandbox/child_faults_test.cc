// SPDX-License-Identifier: Apache-2.0
// Every operation of the child, failed with five errnos, and init, twin, checker, payload and
// supervisor killed when the child stands before it: the job never runs, the error names the
// operation, and nothing is left. Which points a run tries: tests/support/faults/points.h.
#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

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

  // Which of operations [from, to) to fail how, or to kill at.
  std::vector<FaultPoint> FailuresAt(size_t from, size_t to) {
    return Chosen(from, to, std::size(kErrnos));
  }
  std::vector<FaultPoint> KillsAt(size_t from, size_t to) { return Chosen(from, to, 1); }

  // Each opcode is there with each errno, or with one where the host is slow.
  void ExpectEach(const std::vector<FaultPoint>& chosen, size_t from, size_t to) {
    std::set<Opcode> wanted;
    std::map<Opcode, std::set<size_t>> found;
    for (size_t at = from; at < to; ++at) wanted.insert(program_.ops[at].code);
    for (const FaultPoint& point : chosen) {
      found[program_.ops[point.at].code].insert(point.variant);
    }
    const size_t least = points().slow() ? 1 : std::size(kErrnos);
    for (const Opcode code : wanted) EXPECT_GE(found[code].size(), least) << OpcodeName(code);
  }

  SetupProgram program_;
  size_t gate_ = 0;
  size_t reap_ = 0;
  int points_ = 0;

 private:
  std::vector<FaultPoint> Chosen(size_t from, size_t to, size_t variants) {
    std::vector<FaultPoint> chosen = points().Of(CodesOf(program_, from, to), variants);
    for (FaultPoint& point : chosen) point.at += from;
    points().Print(chosen.size(), (to - from) * variants);
    return chosen;
  }
};

TEST_F(ChildFaultsTest, AFailureAtAnyOperationNamesItAndLeavesNothing) {
  const std::vector<FaultPoint> chosen = FailuresAt(0, program_.ops.size());
  ExpectEach(chosen, 0, program_.ops.size());
  for (const FaultPoint& point : chosen) {
    const int error = kErrnos[point.variant];
    SCOPED_TRACE(Where(point.at, ErrnoName(error)));
    const Seen seen = RunWith(AtOperation(static_cast<int>(point.at), error), Victim::kNone);
    ExpectNothingHappened(seen);
    ExpectError(seen, point.at);
    EXPECT_EQ(seen.error.errno_value(), error);
  }
}

// The twin makes the payload's operations before the gate; a failure there is one of the set-up.
TEST_F(ChildFaultsTest, AFailureInTheTwinIsOneBeforeTheGate) {
  for (const FaultPoint& point : FailuresAt(reap_ + 1, program_.ops.size() - 1)) {
    const int error = kErrnos[point.variant];
    SCOPED_TRACE(Where(point.at, ErrnoName(error)));
    const Seen seen = RunWith(faults::InTwin(static_cast<int>(point.at), error), Victim::kNone);
    ExpectNothingHappened(seen);
    EXPECT_FALSE(seen.ending.prepared);
    EXPECT_EQ(seen.error.step(), std::string(OpcodeName(program_.ops[point.at].code)));
    EXPECT_EQ(seen.error.stage(), "prepare");
    EXPECT_EQ(seen.error.errno_value(), error);
  }
}

// Before it stands init says that it is gone; behind that its filter is missing, or its answers.
TEST_F(ChildFaultsTest, TheTwinKilledAtAnyOperationIsAnErrorBeforeTheGate) {
  const size_t filter = IndexOf(program_, Opcode::kSeccompLoad);
  for (const FaultPoint& point : KillsAt(reap_ + 1, program_.ops.size() - 1)) {
    SCOPED_TRACE(Where(point.at, "twin killed"));
    const Seen seen = RunWith(faults::InTwin(static_cast<int>(point.at), 0), Victim::kChildOfInit);
    ExpectNothingHappened(seen);
    ASSERT_TRUE(seen.ending.ended);
    EXPECT_FALSE(seen.ending.ok);
    EXPECT_FALSE(seen.ending.prepared);
    if (point.at < filter) {
      EXPECT_EQ(seen.error.step(), "ReapTwin") << seen.error.ShortDebugString();
      EXPECT_EQ(seen.error.stage(), "prepare");
    } else {
      EXPECT_EQ(seen.error.stage(), "verify") << seen.error.ShortDebugString();
    }
  }
}

// What the checker makes of the payload's operations, before there is a payload.
constexpr Opcode kOfTheChecker[] = {Opcode::kSetOomScore, Opcode::kChdir, Opcode::kSetUmask,
                                    Opcode::kLandlockCreate, Opcode::kLandlockAllow};

TEST_F(ChildFaultsTest, AFailureInTheCheckerNamesItAndLeavesNothing) {
  for (const FaultPoint& point : FailuresAt(reap_ + 1, program_.ops.size())) {
    const Opcode code = program_.ops[point.at].code;
    if (std::count(std::begin(kOfTheChecker), std::end(kOfTheChecker), code) == 0) continue;
    const int error = kErrnos[point.variant];
    SCOPED_TRACE(Where(point.at, ErrnoName(error)));
    const Seen seen = RunWith(faults::InChecker(static_cast<int>(point.at), error), Victim::kNone);
    ExpectNothingHappened(seen);
    ExpectError(seen, point.at);
    EXPECT_EQ(seen.error.errno_value(), error);
  }
}

TEST_F(ChildFaultsTest, TheCheckerKilledBeforeThePayloadIsNamedAndLeavesNothing) {
  const size_t fork = IndexOf(program_, Opcode::kForkChecker);
  for (const FaultPoint& point : KillsAt(reap_ + 1, program_.ops.size())) {
    const Opcode code = program_.ops[point.at].code;
    if (std::count(std::begin(kOfTheChecker), std::end(kOfTheChecker), code) == 0) continue;
    SCOPED_TRACE(Where(point.at, "checker killed"));
    const Seen seen =
        RunWith(faults::InChecker(static_cast<int>(point.at), 0), Victim::kChildOfInit);
    ExpectNothingHappened(seen);
    ExpectError(seen, fork);
    EXPECT_EQ(seen.error.errno_name(), "EOWNERDEAD");
  }
}

TEST_F(ChildFaultsTest, TheInitKilledAtAnyOperationNamesItAndLeavesNothing) {
  for (const FaultPoint& point : KillsAt(0, program_.ops.size())) {
    const size_t at = point.at;
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
  }
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
  int early = 0;
  for (uint32_t call = before.faults.op_calls + 2; call <= opens;
       call += static_cast<uint32_t>(step())) {
    SCOPED_TRACE(absl::StrCat("init dead before call ", call));
    const Seen seen = RunWith(faults::BothHeld(-1, call), Victim::kInitOfHeld);
    const faults::State& done = seen.faults;
    if (done.gate_call != 0 && done.gate_call - done.clone_call < call) break;  // it was open
    ExpectNothingRunAndNothingLeft(seen);
    ASSERT_TRUE(seen.ending.ended);
    EXPECT_FALSE(seen.ending.ok);
    // With more waiting calls on the way, as on a busy machine, it had not come so far yet.
    const bool at_gate = seen.error.step() != "ReapTwin";
    EXPECT_EQ(seen.error.step(), at_gate ? "Gate" : "ReapTwin");
    EXPECT_EQ(seen.error.step_index(), static_cast<int>(at_gate ? gate_ : reap_));
    EXPECT_EQ(seen.error.errno_name(), "EOWNERDEAD");
    ++(at_gate ? points_ : early);
  }
  EXPECT_GT(points_, 0);
  EXPECT_GE(points_, early);
  std::printf("%d points, every %zu.\n", points_, step());
}

TEST_F(ChildFaultsTest, ThePayloadKilledBeforeItsExecNamesTheOperationAndLeavesNothing) {
  for (const FaultPoint& point : KillsAt(reap_ + 1, program_.ops.size())) {
    SCOPED_TRACE(Where(point.at, "payload killed"));
    const Seen seen = RunWith(AtOperation(static_cast<int>(point.at), 0), Victim::kPayload);
    ExpectNothingHappened(seen);
    ExpectError(seen, point.at);
    EXPECT_EQ(seen.error.errno_name(), "EOWNERDEAD");
  }
}

TEST_F(ChildFaultsTest, TheSupervisorKilledAtAnyOperationOfTheChildLeavesNothing) {
  for (const FaultPoint& point : KillsAt(0, program_.ops.size())) {
    const size_t at = point.at;
    SCOPED_TRACE(Where(at, "supervisor killed"));
    // Behind the gate the child could well go on to the job; the kernel ends it where it stands.
    const Victim victim = at <= gate_ ? Victim::kSupervisorOnly : Victim::kSupervisor;
    const Seen seen = RunWith(AtOperation(static_cast<int>(at), 0), victim);
    ExpectNothingHappened(seen);
    EXPECT_TRUE(seen.killed);
  }
  if (HaveCgroup()) {
    EXPECT_GT(groups_swept_, 0) << "the janitor had nothing to do: is this test blind?";
  }
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
  // What only such a filter has with each errno, the others with one.
  for (size_t at = gate_ + 1; at < program_.ops.size(); ++at) {
    const Opcode code = program_.ops[at].code;
    const bool own = code == Opcode::kPassListener || code == Opcode::kAwaitListener;
    for (size_t variant = 0; variant < std::size(kErrnos); ++variant) {
      const bool turn = variant == (at + points().offset()) % std::size(kErrnos);
      if (!own && !turn && !points().all()) continue;
      const int error = kErrnos[variant];
      SCOPED_TRACE(Where(at, ErrnoName(error)));
      const Seen seen = RunWith(AtOperation(static_cast<int>(at), error), Victim::kNone);
      ExpectNothingHappened(seen);
      ExpectError(seen, at);
      EXPECT_EQ(seen.error.errno_value(), error);
    }
  }
}

// Together with what ChildFaultsTest has: its program has no listener, and is otherwise the same.
TEST_F(ListenerFaultsTest, EveryOperationThatThereIsOccursInTheMatrix) {
  std::set<Opcode> absent;
  for (size_t code = 0; code < static_cast<size_t>(Opcode::kCount); ++code) {
    absent.insert(static_cast<Opcode>(code));
  }
  for (const Op& op : program_.ops) absent.erase(op.code);
  // What the host has not got; each of them is there where it has.
  const auto needs = [&](bool there, std::initializer_list<Opcode> codes) {
    for (const Opcode code : codes) {
      if (!there) absent.erase(code);
    }
  };
  needs(HaveCgroup(), {Opcode::kAwaitGroup, Opcode::kNewCgroupNamespace});
  needs(HostFactsOfTest().landlock_abi() > 0,
        {Opcode::kLandlockCreate, Opcode::kLandlockAllow, Opcode::kLandlockRestrict});
  const v1::AppArmorFacts apparmor = HostFactsOfTest().apparmor();
  needs(apparmor.present() && (apparmor.may_load() || apparmor.family()),
        {Opcode::kAppArmorOnExec});
  for (const Opcode code : absent) ADD_FAILURE() << OpcodeName(code) << " is never failed";
}

TEST_F(ListenerFaultsTest, TheTwinThatFailsOrIsKilledBehindItsFilterIsAnErrorBeforeTheGate) {
  for (const int error : kErrnos) {
    SCOPED_TRACE(Where(await_, ErrnoName(error)));
    const Seen seen = RunWith(faults::InTwin(static_cast<int>(await_), error), Victim::kNone);
    ExpectNothingHappened(seen);
    EXPECT_FALSE(seen.ending.prepared);
    EXPECT_FALSE(seen.ending.ok);
  }
  SCOPED_TRACE(Where(await_, "twin killed"));
  const Seen seen = RunWith(faults::InTwin(static_cast<int>(await_), 0), Victim::kChildOfInit);
  ExpectNothingHappened(seen);
  EXPECT_FALSE(seen.ending.prepared);
  EXPECT_FALSE(seen.ending.ok);
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
