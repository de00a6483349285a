// SPDX-License-Identifier: Apache-2.0
// caps: all five sets empty, securebits locked. no_new_privs is set even when the layer is off.
#include <asm/unistd.h>
#include <linux/prctl.h>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/layers/layer.h"

namespace cordon {
namespace {

constexpr char kSecurebitsProbe[] = "caps.securebits";

absl::Status CheckSets(const std::map<std::string, std::string>& status, absl::string_view whose) {
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    const std::string found = FieldOf(status, set);
    if (found == "0000000000000000") continue;
    return Mismatch("caps", absl::StrCat(set, whose), "0000000000000000", found);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status LowerCaps(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  if (phase == Phase::kTwin && input.plan.caps().enabled()) {
    builder->AddProbe(kSecurebitsProbe,
                      MakeProbe(__NR_prctl, {PR_GET_SECUREBITS}, child::kProbeConfined));
  }
  if (phase != Phase::kLock || !input.plan.caps().enabled()) return absl::OkStatus();
  builder->Add(child::Opcode::kDropBounding, {"caps", "capabilities", ""});
  builder->Add(child::Opcode::kSetSecurebits, {"caps", "capabilities", ""});
  builder->Add(child::Opcode::kSetCaps, {"caps", "capabilities", ""});
  return absl::OkStatus();
}

absl::Status VerifyCaps(const VerifyInput& input) {
  if (!input.plan.caps().enabled()) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(CheckSets(input.back.status, ""));
  CORDON_RETURN_IF_ERROR(CheckSets(input.twin.standing, " of the twin"));
  CORDON_RETURN_IF_ERROR(CheckSets(input.twin.dead, " of the twin"));
  const int64_t bits = input.twin.Answer(kSecurebitsProbe, child::kProbeConfined);
  if (bits == static_cast<int64_t>(child::kJobSecurebits)) return absl::OkStatus();
  return Mismatch("caps", "securebits", absl::StrCat(child::kJobSecurebits), AnswerText(bits));
}

}  // namespace cordon
