// SPDX-License-Identifier: Apache-2.0
#include "sandbox/program/check.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;

absl::Status Wrong(size_t index, const Op& op, absl::string_view what) {
  return Error(absl::StatusCode::kInternal, absl::StrCat("set-up program: operation ", index, " ",
                                                         OpcodeName(op.code), ": ", what))
      .Stage("prepare")
      .StepAt(static_cast<int>(index), OpcodeName(op.code));
}

// "First" comes before every "then" where both are in a program; each pair with its reason.
struct Before {
  Opcode first;
  Opcode then;
};
constexpr Before kOrder[] = {
    {Opcode::kAdoptFds, Opcode::kAwaitParent},  // else EOF can never come
    {Opcode::kScrubArguments, Opcode::kForkPayload},
    {Opcode::kAwaitParent, Opcode::kOpenTree},     // ids are mapped
    {Opcode::kResetInherited, Opcode::kMakeRoot},  // mount points are made under its umask
    {Opcode::kMakeMountsPrivate, Opcode::kOpenTree},
    {Opcode::kMakeMountsPrivate, Opcode::kMakeRoot},
    {Opcode::kOpenTree, Opcode::kSetIds},  // sources with the caller's rights
    {Opcode::kSetIds, Opcode::kMakeRoot},  // inodes with mapped owners
    {Opcode::kMakeRoot, Opcode::kPivotRoot},
    {Opcode::kAttachTree, Opcode::kPivotRoot},
    {Opcode::kMountTmpfs, Opcode::kPivotRoot},
    {Opcode::kMountTmpfs, Opcode::kSealTmpfs},
    {Opcode::kSealTmpfs, Opcode::kPivotRoot},
    {Opcode::kMountProc, Opcode::kPivotRoot},  // needs the old procfs
    {Opcode::kOpenProc, Opcode::kPivotRoot},
    {Opcode::kMaskPath, Opcode::kPivotRoot},
    {Opcode::kPivotRoot, Opcode::kSealRoot},
    {Opcode::kPivotRoot, Opcode::kCopyFile},  // paths are those of the sandbox
    {Opcode::kPivotRoot, Opcode::kCopyLink},
    {Opcode::kAwaitGroup, Opcode::kCopyFile},  // charged to the job
    {Opcode::kCopyFile, Opcode::kCloseContents},
    {Opcode::kCopyFile, Opcode::kSetRlimit},  // which limits what the job writes
    {Opcode::kCopyLink, Opcode::kGate},
    {Opcode::kCloseContents, Opcode::kForkTwin},  // nothing that the payload makes has it
    {Opcode::kSealRoot, Opcode::kSetCaps},
    {Opcode::kLimitNamespaces, Opcode::kSetCaps},
    {Opcode::kAwaitGroup, Opcode::kNewCgroupNamespace},  // its root is the job's group
    {Opcode::kNewCgroupNamespace, Opcode::kSetCaps},
    {Opcode::kDropBounding, Opcode::kSetCaps},
    {Opcode::kSetSecurebits, Opcode::kSetCaps},
    {Opcode::kSetCaps, Opcode::kNoNewPrivs},
    {Opcode::kNoNewPrivs, Opcode::kForkTwin},  // the twin has all that the payload will have
    {Opcode::kSetRlimit, Opcode::kForkTwin},
    {Opcode::kNewCgroupNamespace, Opcode::kForkTwin},
    {Opcode::kForkTwin, Opcode::kReapTwin},
    {Opcode::kReapTwin, Opcode::kGate},  // it is gone before anything hostile exists
    {Opcode::kGate, Opcode::kReadLaunch},
    {Opcode::kReadLaunch, Opcode::kSetUndumpable},
    {Opcode::kSetUndumpable, Opcode::kForkPayload},  // the payload inherits it until exec
    {Opcode::kSetUndumpable, Opcode::kForkChecker},  // and the checker for its life
    {Opcode::kForkChecker, Opcode::kForkPayload},    // it is ready before anything hostile exists
    {Opcode::kForkPayload, Opcode::kInitFilter},
    {Opcode::kForkPayload, Opcode::kPassListener},
    {Opcode::kPassListener, Opcode::kInitFilter},  // which forbids its calls
    {Opcode::kInitFilter, Opcode::kReap},
    {Opcode::kReap, Opcode::kPayloadSession},  // everything behind Reap is the payload's
    {Opcode::kLimitFiles, Opcode::kSeccompLoad},
    {Opcode::kAppArmorOnExec, Opcode::kSetOomScore},  // it closes the procfs
    {Opcode::kAppArmorOnExec, Opcode::kLandlockRestrict},
    {Opcode::kAppArmorOnExec, Opcode::kSeccompLoad},
    {Opcode::kCloseInitFds, Opcode::kSeccompLoad},
    {Opcode::kSetOomScore, Opcode::kSeccompLoad},
    {Opcode::kChdir, Opcode::kSeccompLoad},
    {Opcode::kCloseInitFds, Opcode::kLandlockCreate},  // it would close the ruleset
    {Opcode::kLandlockCreate, Opcode::kLandlockAllow},
    {Opcode::kLandlockAllow, Opcode::kLandlockRestrict},
    {Opcode::kSetOomScore, Opcode::kLandlockRestrict},  // it writes to procfs
    {Opcode::kLandlockRestrict, Opcode::kSeccompLoad},
    {Opcode::kSeccompLoad, Opcode::kExec},
    {Opcode::kSeccompLoad, Opcode::kAwaitListener},  // the listener is there
    {Opcode::kAwaitListener, Opcode::kExec},
};

// In every program, exactly once.
constexpr Opcode kOnce[] = {
    Opcode::kScrubArguments,    Opcode::kAdoptFds,      Opcode::kResetSignals,
    Opcode::kResetInherited,    Opcode::kNewKeyring,    Opcode::kNewSession,
    Opcode::kMakeMountsPrivate, Opcode::kSetIds,        Opcode::kMakeRoot,
    Opcode::kPivotRoot,         Opcode::kSealRoot,      Opcode::kNoNewPrivs,
    Opcode::kForkTwin,          Opcode::kReapTwin,      Opcode::kGate,
    Opcode::kReadLaunch,        Opcode::kSetUndumpable, Opcode::kForkChecker,
    Opcode::kForkPayload,       Opcode::kInitFilter,    Opcode::kReap,
    Opcode::kCloseInitFds,      Opcode::kSetOomScore,   Opcode::kChdir,
    Opcode::kSetUmask,          Opcode::kExec};

bool InArena(const SetupProgram& program, uint32_t offset) {
  return program.arena.find('\0', offset) != std::string::npos;
}

bool NeedsText(Opcode code) {
  switch (code) {
    case Opcode::kOpenTree:
    case Opcode::kAttachTree:
    case Opcode::kMakeDirectory:
    case Opcode::kMakeSymlink:
    case Opcode::kMakeFile:
    case Opcode::kMountTmpfs:
    case Opcode::kSealTmpfs:
    case Opcode::kMountProc:
    case Opcode::kMaskPath:
    case Opcode::kSetHostname:
    case Opcode::kLandlockAllow:
    case Opcode::kAppArmorOnExec:
    case Opcode::kCopyFile:
    case Opcode::kCopyLink:
      return true;
    default:
      return false;
  }
}

absl::Status CheckOperands(const SetupProgram& program) {
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const Op& op = program.ops[i];
    if (op.code >= Opcode::kCount) return Wrong(i, op, "unknown opcode");
    if ((op.data != child::kNoData || NeedsText(op.code)) && !InArena(program, op.data)) {
      return Wrong(i, op, "text is outside the arena");
    }
    const bool slots = op.code == Opcode::kOpenTree || op.code == Opcode::kAttachTree;
    if (slots && (op.slot < 0 || op.slot >= child::kMaxSlots)) {
      return Wrong(i, op, absl::StrCat("slot ", op.slot, " is outside 0..", child::kMaxSlots - 1));
    }
    const bool second = op.code == Opcode::kMakeSymlink || op.code == Opcode::kCopyLink ||
                        op.code == Opcode::kAppArmorOnExec;
    if (second && !InArena(program, op.data2)) {
      return Wrong(i, op, "second text is outside the arena");
    }
    if (op.size2 != 0 &&
        (op.data2 > program.arena.size() || op.size2 > program.arena.size() - op.data2)) {
      return Wrong(i, op, "bytes are outside the arena");
    }
    constexpr size_t kDescriptorBytes = 5 * sizeof(int32_t);
    if (op.code == Opcode::kAdoptFds &&
        (op.data > program.arena.size() || program.arena.size() - op.data < kDescriptorBytes)) {
      return Wrong(i, op, "descriptors are outside the arena");
    }
    if (op.code == Opcode::kForkTwin &&
        (op.size2 % sizeof(child::Probe) != 0 ||
         op.size2 / sizeof(child::Probe) > child::kMaxProbes || op.data2 % 8 != 0)) {
      return Wrong(i, op, "not an array of probes");
    }
    const bool filter = op.code == Opcode::kSeccompLoad || op.code == Opcode::kInitFilter;
    if (filter && (op.size2 == 0 || op.size2 % 8 != 0)) return Wrong(i, op, "not a filter");
  }
  return absl::OkStatus();
}

// What the twin turns into addresses lies in the arena.
absl::Status CheckProbes(const SetupProgram& program) {
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const Op& op = program.ops[i];
    if (op.code != Opcode::kForkTwin) continue;
    for (uint32_t at = 0; at + sizeof(child::Probe) <= op.size2; at += sizeof(child::Probe)) {
      child::Probe probe;
      std::memcpy(&probe, program.arena.data() + op.data2 + at, sizeof(probe));
      if (probe.text_arg > 5 || probe.buffer_arg > 5) return Wrong(i, op, "no such argument");
      if (probe.buffer_at >= child::kProbeBuffer) return Wrong(i, op, "outside the buffer");
      if ((probe.flags & child::kProbeNames) != 0 &&
          (probe.buffer_arg < 0 || probe.args[probe.buffer_arg] >= program.arena.size())) {
        return Wrong(i, op, "name of a probe is outside the arena");
      }
      if (probe.text_arg >= 0 && probe.args[probe.text_arg] >= program.arena.size()) {
        return Wrong(i, op, "text of a probe is outside the arena");
      }
    }
  }
  return absl::OkStatus();
}

size_t CountOf(const std::vector<Op>& ops, Opcode code) {
  return static_cast<size_t>(
      std::count_if(ops.begin(), ops.end(), [&](const Op& op) { return op.code == code; }));
}

absl::Status WrongCount(Opcode code, size_t count) {
  return Error(absl::StatusCode::kInternal,
               absl::StrCat("set-up program: ", OpcodeName(code), " occurs ", count, " times"));
}

// One ruleset, made and applied, or no part of it: without the last step there would be no layer.
absl::Status CheckLandlock(const std::vector<Op>& ops) {
  const size_t wanted = CountOf(ops, Opcode::kLandlockCreate) != 0 ||
                                CountOf(ops, Opcode::kLandlockAllow) != 0 ||
                                CountOf(ops, Opcode::kLandlockRestrict) != 0
                            ? 1
                            : 0;
  for (const Opcode code : {Opcode::kLandlockCreate, Opcode::kLandlockRestrict}) {
    const size_t count = CountOf(ops, code);
    if (count != wanted) return WrongCount(code, count);
  }
  return absl::OkStatus();
}

// All steps that hand over a listener, or none: with one missing, the payload would wait for ever
// or run with a filter that nobody answers.
absl::Status CheckListener(const SetupProgram& program) {
  const std::vector<Op>& ops = program.ops;
  const size_t wanted = CountOf(ops, Opcode::kPassListener) == 0 ? 0 : 1;
  for (const Opcode code : {Opcode::kPassListener, Opcode::kAwaitListener}) {
    const size_t count = CountOf(ops, code);
    if (count != wanted) return WrongCount(code, count);
  }
  for (size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].code != Opcode::kForkPayload) continue;
    if (((ops[i].flags & child::kFlagListener) != 0) != (wanted == 1)) {
      return Wrong(i, ops[i], "does not fit the steps that pass a listener");
    }
  }
  const size_t loads = CountOf(ops, Opcode::kSeccompLoad);
  return wanted == 1 && loads != 1 ? WrongCount(Opcode::kSeccompLoad, loads) : absl::OkStatus();
}

// The contents are closed, once, where they are open.
absl::Status CheckContents(const std::vector<Op>& ops) {
  const size_t wanted = CountOf(ops, Opcode::kCopyFile) != 0 ? 1 : 0;
  const size_t closed = CountOf(ops, Opcode::kCloseContents);
  return closed == wanted ? absl::OkStatus() : WrongCount(Opcode::kCloseContents, closed);
}

// Kernel: PR_SET_PDEATHSIG is forgotten when ids change (prctl(2)).
absl::Status CheckTies(const std::vector<Op>& ops) {
  std::vector<size_t> ties;
  size_t ids = 0;
  for (size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].code == Opcode::kDieWithParent) ties.push_back(i);
    if (ops[i].code == Opcode::kSetIds) ids = i;
  }
  if (ties.size() != 2) return WrongCount(Opcode::kDieWithParent, ties.size());
  if (ties[0] < ids && ids < ties[1]) return absl::OkStatus();
  return Wrong(ties[0], ops[ties[0]], "must be before SetIds and behind it");
}

absl::Status CheckOrder(const SetupProgram& program) {
  const std::vector<Op>& ops = program.ops;
  for (const Opcode code : kOnce) {
    const size_t count = CountOf(ops, code);
    if (count != 1) return WrongCount(code, count);
  }
  CORDON_RETURN_IF_ERROR(CheckTies(ops));
  CORDON_RETURN_IF_ERROR(CheckLandlock(ops));
  CORDON_RETURN_IF_ERROR(CheckContents(ops));
  // A second one would undo the first.
  const size_t profiles = CountOf(ops, Opcode::kAppArmorOnExec);
  if (profiles > 1) return WrongCount(Opcode::kAppArmorOnExec, profiles);
  CORDON_RETURN_IF_ERROR(CheckListener(program));
  if (ops.back().code != Opcode::kExec) return Wrong(ops.size() - 1, ops.back(), "not Exec");
  for (const Before& rule : kOrder) {
    size_t earliest_then = ops.size();
    for (size_t i = 0; i < ops.size(); ++i) {
      if (ops[i].code == rule.then) earliest_then = std::min(earliest_then, i);
      if (ops[i].code == rule.first && i > earliest_then) {
        return Wrong(i, ops[i], absl::StrCat("must come before ", OpcodeName(rule.then)));
      }
    }
  }
  bool payload = false;
  for (size_t i = 0; i < ops.size(); ++i) {
    if (payload != IsPayloadOp(ops[i].code)) {
      return Wrong(i, ops[i], "is on the wrong side of Reap");
    }
    payload |= ops[i].code == Opcode::kReap;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CheckedProgram> CheckedProgram::Make(SetupProgram program) {
  if (program.ops.empty() || program.ops.size() > child::kMaxOps) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("the policy needs ", program.ops.size(),
                              " set-up operations; at most ", child::kMaxOps, " are possible"));
  }
  CORDON_RETURN_IF_ERROR(CheckOperands(program));
  CORDON_RETURN_IF_ERROR(CheckProbes(program));
  CORDON_RETURN_IF_ERROR(CheckOrder(program));
  return CheckedProgram(std::move(program));
}

}  // namespace cordon
