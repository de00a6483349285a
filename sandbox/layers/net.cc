// SPDX-License-Identifier: Apache-2.0
// net: an empty network namespace, loopback down or up.
#include "absl/strings/str_join.h"
#include "sandbox/layers/layer.h"

namespace cordon {

absl::Status LowerNet(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  if (phase == Phase::kBuild && input.plan.net().own_namespace() &&
      input.plan.net().loopback_up()) {
    builder->Add(child::Opcode::kLoopbackUp, {"net", "network.mode", "lo"});
  }
  return absl::OkStatus();
}

absl::Status VerifyNet(const VerifyInput& input) {
  if (!input.plan.net().own_namespace()) return absl::OkStatus();
  const std::string& theirs = input.back.namespaces.at("net");
  if (theirs == input.back.own_namespaces.at("net")) {
    return Mismatch("net", "net", "a namespace of its own", theirs);
  }
  if (input.back.network_devices != std::vector<std::string>{"lo"}) {
    return Mismatch("net", "interfaces", "lo", absl::StrJoin(input.back.network_devices, ", "));
  }
  return absl::OkStatus();
}

}  // namespace cordon
