// SPDX-License-Identifier: Apache-2.0
// seccomp: the payload's filter is loaded last before exec, so it cannot be read back at the gate;
// what can be checked there is that nothing has been loaded before it.
#include "absl/strings/str_cat.h"
#include "sandbox/layers/layer.h"

namespace cordon {

absl::Status LowerSeccomp(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  if (phase != Phase::kFilter || !input.plan.seccomp().enabled()) return absl::OkStatus();
  const std::string& filter = input.plan.seccomp().filter();
  const uint32_t offset = builder->Bytes(filter);
  child::Op& op =
      builder->Add(child::Opcode::kSeccompLoad,
                   {"seccomp", "seccomp", absl::StrCat(filter.size() / 8, " instructions")});
  op.data2 = offset;
  op.size2 = static_cast<uint32_t>(filter.size());
  return absl::OkStatus();
}

absl::Status VerifySeccomp(const VerifyInput& input) {
  const auto it = input.back.status.find("Seccomp");
  if (it == input.back.status.end()) {
    return Mismatch("seccomp", "Seccomp in status", "present", "nothing");
  }
  return absl::OkStatus();
}

}  // namespace cordon
