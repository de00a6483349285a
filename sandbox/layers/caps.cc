// SPDX-License-Identifier: Apache-2.0
// caps: all five sets empty, securebits locked. no_new_privs is set even when the layer is off.
#include "sandbox/layers/layer.h"

namespace cordon {

absl::Status LowerCaps(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  if (phase != Phase::kLock || !input.plan.caps().enabled()) return absl::OkStatus();
  builder->Add(child::Opcode::kDropBounding, {"caps", "capabilities", ""});
  builder->Add(child::Opcode::kSetSecurebits, {"caps", "capabilities", ""});
  builder->Add(child::Opcode::kSetCaps, {"caps", "capabilities", ""});
  return absl::OkStatus();
}

absl::Status VerifyCaps(const VerifyInput& input) {
  if (!input.plan.caps().enabled()) return absl::OkStatus();
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    const auto it = input.back.status.find(set);
    const std::string found = it == input.back.status.end() ? "nothing" : it->second;
    if (found != "0000000000000000") return Mismatch("caps", set, "0000000000000000", found);
  }
  return absl::OkStatus();
}

}  // namespace cordon
