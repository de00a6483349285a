// SPDX-License-Identifier: Apache-2.0
// landlock: the plan's rules, applied in the payload just before the filter. The kernel shows a
// domain of Landlock nowhere, so the twin tries it: what the rules deny must have succeeded before
// they were applied and fail afterwards, what they allow must not change.
#include <asm/unistd.h>
#include <linux/fcntl.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/uapi/uapi.h"
#include "sandbox/layers/layer.h"

namespace cordon {
namespace {

// A rule in an optional bind whose source is missing has no path to hold for. The deepest entry
// that shows the path decides.
bool IsAbsent(const LowerInput& input, const std::string& path) {
  const v1::MountPlan& plan = input.plan.mount();
  bool absent = false;
  size_t longest = 0;
  for (int i = 0; i < plan.entry_size(); ++i) {
    const v1::MountEntry& entry = plan.entry(i);
    if (entry.kind() == v1::MountEntry::MASK || !PathIsBelow(path, entry.target())) continue;
    if (entry.target().size() < longest) continue;
    longest = entry.target().size();
    absent = entry.kind() == v1::MountEntry::BIND &&
             !input.sources.entry[static_cast<size_t>(i)].present;
  }
  return absent;
}

struct Trial {
  const char* name;
  std::string what;
  int denied = 0;  // the errno that the rules make of it; 0: they allow it
  std::string text;
  child::Probe probe;
};

constexpr uint32_t kBoth = child::kProbeStart | child::kProbeConfined;

Trial OpenTrial(const char* name, const std::string& path, uint64_t flags, int denied) {
  Trial trial = {name, absl::StrCat("open of ", path), denied, path, {}};
  trial.probe = MakeProbe(
      __NR_openat, {static_cast<uint64_t>(AT_FDCWD), 0, flags | O_CLOEXEC | O_NONBLOCK, 0}, kBoth);
  trial.probe.text_arg = 1;
  trial.probe.flags = child::kProbeCloses;
  return trial;
}

// An address of AF_INET with port 0: the kernel would choose one.
std::string AnyPort() { return std::string("\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16); }

// Nothing here has a lasting effect, with rules or without.
std::vector<Trial> Trials(const v1::Plan& plan) {
  const v1::LandlockPlan& landlock = plan.landlock();
  std::vector<Trial> trials;
  // Names may be listed everywhere; a procfs may be read and never written.
  trials.push_back(OpenTrial("landlock.list", "/", O_RDONLY | O_DIRECTORY, 0));
  for (const v1::MountEntry& entry : plan.mount().entry()) {
    if (entry.kind() != v1::MountEntry::PROC) continue;
    trials.push_back(
        OpenTrial("landlock.write", absl::StrCat(entry.target(), "/self/comm"), O_WRONLY, EACCES));
    trials.push_back(
        OpenTrial("landlock.read", absl::StrCat(entry.target(), "/self/comm"), O_RDONLY, 0));
  }
  if ((landlock.handled_net() & uapi::kLandlockNetBindTcp) != 0) {
    Trial bind = {"landlock.bind", "bind of a TCP port", EACCES, AnyPort(), {}};
    bind.probe = MakeProbe(__NR_bind, {0, 0, bind.text.size()}, kBoth);
    bind.probe.text_arg = 1;
    bind.probe.flags = child::kProbeSocket;
    trials.push_back(bind);
  }
  if ((landlock.scoped() & uapi::kLandlockScopeSignal) != 0) {
    // Signal 0 is none: only the permission is asked for.
    Trial signal = {"landlock.signal", "signal to init", EPERM, "", {}};
    signal.probe = MakeProbe(__NR_kill, {1, 0}, kBoth);
    trials.push_back(signal);
  }
  // Every ABI denies looking into a process outside the rules.
  Trial look = {"landlock.look", "look into init", EPERM, "", {}};
  look.probe = MakeProbe(__NR_kcmp, {1, 1, 0, 0, 0}, kBoth);
  trials.push_back(look);
  return trials;
}

// The twin's trials stay out of the log of the host, and what the job denies itself as well: with a
// domain of its own it could fill that log. What ours denies the job is logged for who reads it.
uint64_t LogFlags(const v1::LandlockPlan& plan) {
  if (plan.abi() < uapi::kLandlockLogAbi) return 0;
  return uapi::kLandlockLogSameExecOff | uapi::kLandlockLogSubdomainsOff |
         (plan.log_denials() ? uapi::kLandlockLogNewExecOn : 0);
}

}  // namespace

absl::Status LowerLandlock(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  const v1::LandlockPlan& plan = input.plan.landlock();
  if (phase == Phase::kTwin && plan.enabled()) {
    for (const Trial& trial : Trials(input.plan)) {
      child::Probe probe = trial.probe;
      if (probe.text_arg >= 0) probe.args[probe.text_arg] = builder->Text(trial.text);
      builder->AddProbe(trial.name, probe);
    }
  }
  if (phase != Phase::kFilter || !plan.enabled()) return absl::OkStatus();
  child::Op& create = builder->Add(child::Opcode::kLandlockCreate,
                                   {"landlock", "landlock", absl::StrCat("ABI ", plan.abi())});
  create.a = plan.handled_fs();
  create.b = plan.handled_net();
  create.c = plan.scoped();
  for (const v1::LandlockRule& rule : plan.rule()) {
    if (IsAbsent(input, rule.path())) continue;
    const uint32_t path = builder->Text(rule.path());
    child::Op& allow =
        builder->Add(child::Opcode::kLandlockAllow, {"landlock", rule.field(), rule.path()});
    allow.data = path;
    allow.a = rule.access();
    allow.b = rule.access() & uapi::kLandlockFileRights;
  }
  builder->Add(child::Opcode::kLandlockRestrict, {"landlock", "landlock", ""}).a = LogFlags(plan);
  return absl::OkStatus();
}

absl::Status VerifyLandlock(const VerifyInput& input) {
  if (!input.plan.landlock().enabled()) return absl::OkStatus();
  for (const Trial& trial : Trials(input.plan)) {
    const int64_t before = input.twin.Answer(trial.name, child::kProbeStart);
    const int64_t after = input.twin.Answer(trial.name, child::kProbeConfined);
    if (before == kNoAnswer || after == kNoAnswer) {
      return Mismatch("landlock", absl::StrCat(trial.name, " by the twin"), "an answer", "none");
    }
    if (before < 0) continue;  // denied by something else already: says nothing
    const bool fine = trial.denied != 0 ? after == -trial.denied : after >= 0;
    if (fine) continue;
    return Mismatch("landlock", absl::StrCat(trial.what, " by the twin"),
                    trial.denied != 0 ? AnswerText(-trial.denied) : "allowed", AnswerText(after));
  }
  return absl::OkStatus();
}

// At least one denial and one permission that the rules decided.
bool LandlockProbed(const VerifyInput& input) {
  bool denied = false;
  bool allowed = false;
  for (const Trial& trial : Trials(input.plan)) {
    if (input.twin.Answer(trial.name, child::kProbeStart) < 0) continue;
    (trial.denied != 0 ? denied : allowed) = true;
  }
  return denied && allowed;
}

}  // namespace cordon
