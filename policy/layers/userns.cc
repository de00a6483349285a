// SPDX-License-Identifier: Apache-2.0
// The plan of layer userns.
#include "policy/layers/userns.h"

namespace cordon {

absl::Status CompileUserns(const NormalPolicy& policy, const v1::HostFacts& /*facts*/,
                           v1::Plan* plan) {
  plan->mutable_userns()->set_uid(policy.proto().identity().uid());
  plan->mutable_userns()->set_gid(policy.proto().identity().gid());
  return absl::OkStatus();
}

}  // namespace cordon
