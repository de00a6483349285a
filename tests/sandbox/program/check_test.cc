// SPDX-License-Identifier: Apache-2.0
#include "sandbox/program/check.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/good_program.h"
#include "tests/support/status_matchers.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;

class CheckTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<SetupProgram> program = GoodProgram(true);
    ASSERT_THAT(program, IsOk());
    good_ = *std::move(program);
    // Every opcode is in it: no rule is left untested because its operation is missing.
    for (uint16_t code = 0; code < static_cast<uint16_t>(Opcode::kCount); ++code) {
      const auto opcode = static_cast<Opcode>(code);
      ASSERT_LT(IndexOf(good_, opcode), good_.ops.size()) << OpcodeName(opcode);
    }
  }
  // Moves the operation at `from` so that it stands at `to`.
  SetupProgram Moved(size_t from, size_t to) const {
    SetupProgram program = good_;
    const Op op = program.ops[from];
    EraseOp(&program, from);
    InsertOp(&program, to, op);
    return program;
  }
  absl::Status Check(SetupProgram program) const {
    return CheckedProgram::Make(std::move(program)).status();
  }
  SetupProgram good_;
};

TEST_F(CheckTest, AcceptsTheProgramOfARealPlan) { EXPECT_THAT(Check(good_), IsOk()); }

// The order that security rests on, written down a second time and on purpose: a rule that gets
// lost in check.cc is found here.
TEST_F(CheckTest, EveryOrderThatMattersIsARule) {
  const std::pair<Opcode, Opcode> rules[] = {
      {Opcode::kAdoptFds, Opcode::kAwaitParent},
      {Opcode::kAwaitParent, Opcode::kOpenTree},
      {Opcode::kMakeMountsPrivate, Opcode::kOpenTree},
      {Opcode::kMakeMountsPrivate, Opcode::kMakeRoot},
      {Opcode::kOpenTree, Opcode::kSetIds},
      {Opcode::kSetIds, Opcode::kMakeRoot},
      {Opcode::kMakeRoot, Opcode::kPivotRoot},
      {Opcode::kAttachTree, Opcode::kPivotRoot},
      {Opcode::kMountTmpfs, Opcode::kPivotRoot},
      {Opcode::kMountTmpfs, Opcode::kSealTmpfs},
      {Opcode::kSealTmpfs, Opcode::kPivotRoot},
      {Opcode::kMountProc, Opcode::kPivotRoot},
      {Opcode::kOpenProc, Opcode::kPivotRoot},
      {Opcode::kMaskPath, Opcode::kPivotRoot},
      {Opcode::kPivotRoot, Opcode::kSealRoot},
      {Opcode::kPivotRoot, Opcode::kCopyFile},
      {Opcode::kPivotRoot, Opcode::kCopyLink},
      {Opcode::kAwaitGroup, Opcode::kCopyFile},
      {Opcode::kCopyFile, Opcode::kCloseContents},
      {Opcode::kCopyFile, Opcode::kSetRlimit},
      {Opcode::kCopyLink, Opcode::kGate},
      {Opcode::kCloseContents, Opcode::kForkTwin},
      {Opcode::kSealRoot, Opcode::kSetCaps},
      {Opcode::kLimitNamespaces, Opcode::kSetCaps},
      {Opcode::kSetRlimit, Opcode::kForkTwin},
      {Opcode::kNewCgroupNamespace, Opcode::kForkTwin},
      {Opcode::kNoNewPrivs, Opcode::kForkTwin},
      {Opcode::kForkTwin, Opcode::kReapTwin},
      {Opcode::kReapTwin, Opcode::kGate},
      {Opcode::kAwaitGroup, Opcode::kNewCgroupNamespace},
      {Opcode::kNewCgroupNamespace, Opcode::kSetCaps},
      {Opcode::kDropBounding, Opcode::kSetCaps},
      {Opcode::kSetSecurebits, Opcode::kSetCaps},
      {Opcode::kSetCaps, Opcode::kNoNewPrivs},
      {Opcode::kGate, Opcode::kReadLaunch},
      {Opcode::kReadLaunch, Opcode::kSetUndumpable},
      {Opcode::kSetUndumpable, Opcode::kForkPayload},
      {Opcode::kSetUndumpable, Opcode::kForkChecker},
      {Opcode::kForkChecker, Opcode::kForkPayload},
      {Opcode::kForkPayload, Opcode::kInitFilter},
      {Opcode::kInitFilter, Opcode::kReap},
      {Opcode::kReap, Opcode::kPayloadSession},
      {Opcode::kLimitFiles, Opcode::kSeccompLoad},
      {Opcode::kAppArmorOnExec, Opcode::kSetOomScore},
      {Opcode::kAppArmorOnExec, Opcode::kLandlockRestrict},
      {Opcode::kAppArmorOnExec, Opcode::kSeccompLoad},
      {Opcode::kCloseInitFds, Opcode::kSeccompLoad},
      {Opcode::kSetOomScore, Opcode::kSeccompLoad},
      {Opcode::kChdir, Opcode::kSeccompLoad},
      {Opcode::kCloseInitFds, Opcode::kLandlockCreate},
      {Opcode::kLandlockCreate, Opcode::kLandlockAllow},
      {Opcode::kLandlockAllow, Opcode::kLandlockRestrict},
      {Opcode::kSetOomScore, Opcode::kLandlockRestrict},
      {Opcode::kLandlockRestrict, Opcode::kSeccompLoad},
      {Opcode::kSeccompLoad, Opcode::kExec},
      {Opcode::kForkPayload, Opcode::kPassListener},
      {Opcode::kPassListener, Opcode::kInitFilter},
      {Opcode::kSeccompLoad, Opcode::kAwaitListener},
      {Opcode::kAwaitListener, Opcode::kExec},
  };
  for (const auto& [first, then] : rules) {
    const size_t from = IndexOf(good_, first);
    // Behind the last of the second kind, so that moving one of several cannot hide it.
    size_t to = IndexOf(good_, then);
    ASSERT_LT(from, to) << OpcodeName(first) << " " << OpcodeName(then);
    EXPECT_FALSE(Check(Moved(from, to)).ok())
        << OpcodeName(first) << " may come after " << OpcodeName(then);
  }
}

TEST_F(CheckTest, TheErrorNamesTheOperationAndItsPlace) {
  const size_t from = IndexOf(good_, Opcode::kSetCaps);
  const size_t to = IndexOf(good_, Opcode::kNoNewPrivs);
  const absl::Status status = Check(Moved(from, to));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, "must come before NoNewPrivs"));
  const v1::ErrorDetail detail = DetailsOf(status)[0];
  EXPECT_EQ(detail.step(), "SetCaps");
  EXPECT_EQ(detail.step_index(), static_cast<int>(to));
}

TEST_F(CheckTest, WhatMustBeThereOnceIsMissedAndIsRefusedTwice) {
  for (const Opcode code :
       {Opcode::kScrubArguments,    Opcode::kAdoptFds,      Opcode::kResetSignals,
        Opcode::kResetInherited,    Opcode::kNewKeyring,    Opcode::kNewSession,
        Opcode::kMakeMountsPrivate, Opcode::kSetIds,        Opcode::kMakeRoot,
        Opcode::kPivotRoot,         Opcode::kSealRoot,      Opcode::kNoNewPrivs,
        Opcode::kForkTwin,          Opcode::kReapTwin,      Opcode::kGate,
        Opcode::kReadLaunch,        Opcode::kSetUndumpable, Opcode::kForkChecker,
        Opcode::kForkPayload,       Opcode::kInitFilter,    Opcode::kReap,
        Opcode::kCloseInitFds,      Opcode::kSetOomScore,   Opcode::kChdir,
        Opcode::kSetUmask,          Opcode::kExec}) {
    const size_t at = IndexOf(good_, code);
    SetupProgram without = good_;
    EraseOp(&without, at);
    EXPECT_FALSE(Check(without).ok()) << OpcodeName(code) << " is not missed";
    SetupProgram twice = good_;
    InsertOp(&twice, at, good_.ops[at]);
    EXPECT_FALSE(Check(twice).ok()) << OpcodeName(code) << " may come twice";
  }
}

// The kernel forgets the first when the ids are set.
TEST_F(CheckTest, TheInitDiesWithItsParentBeforeItsIdsAreSetAndBehindThat) {
  const size_t at = IndexOf(good_, Opcode::kDieWithParent);
  SetupProgram once = good_;
  EraseOp(&once, at);
  EXPECT_THAT(Check(once), StatusIs(absl::StatusCode::kInternal, "occurs 1 times"));
  const size_t behind = IndexOf(good_, Opcode::kSetIds) + 1;
  for (const auto& [from, to] : {std::pair(at, behind), std::pair(behind, at)}) {
    EXPECT_THAT(Check(Moved(from, to)),
                StatusIs(absl::StatusCode::kInternal, "must be before SetIds and"));
  }
}

// Rules that are never applied, rules without a ruleset, and a second domain.
TEST_F(CheckTest, ARulesetIsMadeAndAppliedOnceOrNotAtAll) {
  for (const Opcode code : {Opcode::kLandlockCreate, Opcode::kLandlockRestrict}) {
    const size_t at = IndexOf(good_, code);
    SetupProgram without = good_;
    EraseOp(&without, at);
    EXPECT_THAT(Check(without), StatusIs(absl::StatusCode::kInternal, "occurs 0 times"));
    SetupProgram twice = good_;
    InsertOp(&twice, at, good_.ops[at]);
    EXPECT_THAT(Check(twice), StatusIs(absl::StatusCode::kInternal, "occurs 2 times"));
  }
  SetupProgram none = good_;
  for (const Opcode code :
       {Opcode::kLandlockCreate, Opcode::kLandlockAllow, Opcode::kLandlockRestrict}) {
    while (IndexOf(none, code) < none.ops.size()) EraseOp(&none, IndexOf(none, code));
    EXPECT_EQ(Check(none).ok(), code == Opcode::kLandlockRestrict) << OpcodeName(code);
  }
}

// Open to the job, or closed before the last file is copied.
TEST_F(CheckTest, TheContentsOfFilesAreClosedOnce) {
  const size_t at = IndexOf(good_, Opcode::kCloseContents);
  SetupProgram without = good_;
  EraseOp(&without, at);
  EXPECT_THAT(Check(without), StatusIs(absl::StatusCode::kInternal, "occurs 0 times"));
  SetupProgram twice = good_;
  InsertOp(&twice, at, good_.ops[at]);
  EXPECT_THAT(Check(twice), StatusIs(absl::StatusCode::kInternal, "occurs 2 times"));
  SetupProgram none = good_;
  EraseOp(&none, IndexOf(none, Opcode::kCopyFile));
  EXPECT_FALSE(Check(none).ok());
  EraseOp(&none, IndexOf(none, Opcode::kCloseContents));
  EXPECT_THAT(Check(none), IsOk());
}

TEST_F(CheckTest, ExecIsLast) {
  SetupProgram program = good_;
  InsertOp(&program, program.ops.size(), good_.ops[IndexOf(good_, Opcode::kLimitFiles)]);
  EXPECT_THAT(Check(program), StatusIs(absl::StatusCode::kInternal, "not Exec"));
}

TEST_F(CheckTest, NothingOfTheInitIsBehindReapAndNothingOfThePayloadBefore) {
  SetupProgram late = good_;
  InsertOp(&late, IndexOf(good_, Opcode::kReap) + 1,
           good_.ops[IndexOf(good_, Opcode::kMakeSymlink)]);
  EXPECT_THAT(Check(late), StatusIs(absl::StatusCode::kInternal, "wrong side"));
  SetupProgram early = good_;
  InsertOp(&early, 1, good_.ops[IndexOf(good_, Opcode::kLimitFiles)]);
  EXPECT_THAT(Check(early), StatusIs(absl::StatusCode::kInternal, "wrong side"));
}

TEST_F(CheckTest, UnknownOpcodesAreRefused) {
  for (const uint16_t code : {static_cast<uint16_t>(Opcode::kCount), uint16_t{0xffff}}) {
    SetupProgram program = good_;
    program.ops[3].code = static_cast<Opcode>(code);
    EXPECT_THAT(Check(program), StatusIs(absl::StatusCode::kInternal, "unknown opcode"));
  }
}

TEST_F(CheckTest, OffsetsOutsideTheArenaAreRefused) {
  for (size_t i = 0; i < good_.ops.size(); ++i) {
    if (good_.ops[i].data == child::kNoData) continue;
    SetupProgram program = good_;
    program.ops[i].data = static_cast<uint32_t>(program.arena.size());
    EXPECT_FALSE(Check(program).ok()) << i << " " << OpcodeName(good_.ops[i].code);
    program.ops[i].data = child::kNoData - 1;
    EXPECT_FALSE(Check(program).ok()) << i << " " << OpcodeName(good_.ops[i].code);
  }
}

TEST_F(CheckTest, WhatNeedsATextMustHaveOne) {
  for (const Opcode code :
       {Opcode::kOpenTree, Opcode::kAttachTree, Opcode::kMakeDirectory, Opcode::kMakeSymlink,
        Opcode::kMakeFile, Opcode::kMountTmpfs, Opcode::kMountProc, Opcode::kMaskPath,
        Opcode::kSetHostname, Opcode::kLandlockAllow, Opcode::kAppArmorOnExec}) {
    SetupProgram program = good_;
    program.ops[IndexOf(good_, code)].data = child::kNoData;
    EXPECT_THAT(Check(program), StatusIs(absl::StatusCode::kInternal, "outside the arena"))
        << OpcodeName(code);
  }
  SetupProgram program = good_;
  program.ops[IndexOf(good_, Opcode::kMakeSymlink)].data2 = child::kNoData;
  EXPECT_THAT(Check(program), StatusIs(absl::StatusCode::kInternal, "second text"));
}

TEST_F(CheckTest, ATextWithoutItsEndIsRefused) {
  SetupProgram program = good_;
  program.arena.append("no end");
  program.ops[IndexOf(good_, Opcode::kSetHostname)].data =
      static_cast<uint32_t>(program.arena.size() - 6);
  EXPECT_FALSE(Check(program).ok());
}

TEST_F(CheckTest, OneProfileIsEnteredAndBothItsTextsLieInTheArena) {
  const size_t at = IndexOf(good_, Opcode::kAppArmorOnExec);
  ASSERT_LT(at, good_.ops.size());
  SetupProgram second = good_;
  second.ops[at].data2 = 0xfffffff0u;
  EXPECT_THAT(Check(second), StatusIs(absl::StatusCode::kInternal, "second text"));
  SetupProgram twice = good_;
  InsertOp(&twice, at, good_.ops[at]);
  EXPECT_THAT(Check(twice), StatusIs(absl::StatusCode::kInternal, "occurs 2 times"));
  SetupProgram none = good_;
  EraseOp(&none, at);
  EXPECT_THAT(Check(none), IsOk());
}

TEST_F(CheckTest, BytesMustLieInTheArena) {
  for (const Opcode code : {Opcode::kMakeFile, Opcode::kInitFilter, Opcode::kSeccompLoad}) {
    const size_t at = IndexOf(good_, code);
    SetupProgram size = good_;
    size.ops[at].size2 = 0xfffffff8u;
    EXPECT_FALSE(Check(size).ok()) << OpcodeName(code);
    SetupProgram offset = good_;
    offset.ops[at].data2 = 0xfffffff0u;
    EXPECT_FALSE(Check(offset).ok()) << OpcodeName(code);
  }
}

TEST_F(CheckTest, AFilterIsWholeInstructionsAndNotEmpty) {
  for (const Opcode code : {Opcode::kInitFilter, Opcode::kSeccompLoad}) {
    for (const uint32_t size : {0u, 7u, 12u}) {
      SetupProgram program = good_;
      program.ops[IndexOf(good_, code)].size2 = size;
      EXPECT_THAT(Check(program), StatusIs(absl::StatusCode::kInternal, "not a filter"));
    }
  }
}

// A part of them would leave a payload that waits for ever, or a filter that nobody answers.
TEST_F(CheckTest, TheStepsThatPassAListenerAreWholeOrAbsent) {
  for (const Opcode code : {Opcode::kPassListener, Opcode::kAwaitListener}) {
    SetupProgram without = good_;
    EraseOp(&without, IndexOf(good_, code));
    EXPECT_FALSE(Check(without).ok()) << OpcodeName(code);
    SetupProgram twice = good_;
    InsertOp(&twice, IndexOf(good_, code), good_.ops[IndexOf(good_, code)]);
    EXPECT_FALSE(Check(twice).ok()) << OpcodeName(code);
  }
  SetupProgram none = good_;
  none.ops[IndexOf(good_, Opcode::kForkPayload)].flags = 0;
  EXPECT_THAT(Check(none), StatusIs(absl::StatusCode::kInternal, "pass a listener"));
  EraseOp(&none, IndexOf(none, Opcode::kPassListener));
  EraseOp(&none, IndexOf(none, Opcode::kAwaitListener));
  EXPECT_THAT(Check(none), IsOk());
  SetupProgram unfiltered = good_;
  EraseOp(&unfiltered, IndexOf(good_, Opcode::kSeccompLoad));
  EXPECT_FALSE(Check(unfiltered).ok());
}

TEST_F(CheckTest, SlotsAreInRange) {
  for (const Opcode code : {Opcode::kOpenTree, Opcode::kAttachTree}) {
    for (const int slot : {-1, child::kMaxSlots, 1 << 30}) {
      SetupProgram program = good_;
      program.ops[IndexOf(good_, code)].slot = slot;
      EXPECT_THAT(Check(program), StatusIs(absl::StatusCode::kInternal, "slot"));
    }
  }
}

TEST_F(CheckTest, TheDescriptorsOfAdoptFdsFitIntoTheArena) {
  SetupProgram program = good_;
  program.ops[IndexOf(good_, Opcode::kAdoptFds)].data =
      static_cast<uint32_t>(program.arena.size() - 1);
  EXPECT_FALSE(Check(program).ok());
}

TEST_F(CheckTest, EmptyAndEndlessProgramsAreRefused) {
  EXPECT_FALSE(Check(SetupProgram()).ok());
  SetupProgram program = good_;
  const Op umask = good_.ops[IndexOf(good_, Opcode::kSetUmask)];
  while (program.ops.size() <= child::kMaxOps) InsertOp(&program, program.ops.size() - 1, umask);
  EXPECT_THAT(Check(program), StatusIs(absl::StatusCode::kInvalidArgument, "at most"));
}

// What the twin turns into addresses.
TEST_F(CheckTest, ProbesOutsideTheArenaAreRefused) {
  const size_t at = IndexOf(good_, Opcode::kForkTwin);
  ASSERT_GT(good_.ops[at].size2, sizeof(child::Probe));
  const auto spoilt = [&](void (*spoil)(child::Probe*)) {
    SetupProgram program = good_;
    char* place = program.arena.data() + program.ops[at].data2;
    child::Probe probe;
    std::memcpy(&probe, place, sizeof(probe));
    spoil(&probe);
    std::memcpy(place, &probe, sizeof(probe));
    return Check(program);
  };
  EXPECT_THAT(spoilt([](child::Probe*) {}), IsOk());
  EXPECT_FALSE(spoilt([](child::Probe* probe) { probe->text_arg = 6; }).ok());
  EXPECT_FALSE(spoilt([](child::Probe* probe) { probe->buffer_arg = 6; }).ok());
  EXPECT_FALSE(spoilt([](child::Probe* probe) { probe->buffer_at = 512; }).ok());
  EXPECT_FALSE(spoilt([](child::Probe* probe) {
                 probe->flags = child::kProbeNames;
                 probe->buffer_arg = -1;
               }).ok());
  EXPECT_FALSE(spoilt([](child::Probe* probe) {
                 probe->flags = child::kProbeNames;
                 probe->buffer_arg = 1;
                 probe->args[1] = 1 << 30;
               }).ok());
  EXPECT_FALSE(spoilt([](child::Probe* probe) {
                 probe->text_arg = 1;
                 probe->args[1] = 1 << 30;
               }).ok());
  for (const uint32_t size : {good_.ops[at].size2 - 1, uint32_t{1} << 30,
                              static_cast<uint32_t>(sizeof(child::Probe) * 49)}) {
    SetupProgram program = good_;
    program.ops[at].size2 = size;
    EXPECT_FALSE(Check(program).ok()) << size;
  }
}

}  // namespace
}  // namespace cordon
