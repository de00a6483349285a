// SPDX-License-Identifier: Apache-2.0
// landlock: the plan's rules, applied in the payload just before the filter. The kernel shows a
// domain of Landlock nowhere, and at the gate there is none yet.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/base/path.h"
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

}  // namespace

absl::Status LowerLandlock(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  const v1::LandlockPlan& plan = input.plan.landlock();
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
  builder->Add(child::Opcode::kLandlockRestrict, {"landlock", "landlock", ""});
  return absl::OkStatus();
}

// Nothing to compare: see above. What the payload's steps do not reach ends the run by itself.
absl::Status VerifyLandlock(const VerifyInput&) { return absl::OkStatus(); }

}  // namespace cordon
