// SPDX-License-Identifier: Apache-2.0
// The plan of layer caps.
#include "policy/layers/caps.h"

#include "policy/layers/layer.h"

namespace cordon {

absl::Status CompileCaps(const NormalPolicy& policy, const v1::HostFacts& /*facts*/,
                         v1::Plan* plan) {
  v1::CapsPlan& caps = *plan->mutable_caps();
  caps.set_enforcement(Resolve(policy.proto().capabilities().enforcement()));
  caps.set_enabled(caps.enforcement() != v1::OFF);
  return absl::OkStatus();
}

}  // namespace cordon
