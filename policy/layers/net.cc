// SPDX-License-Identifier: Apache-2.0
// The plan of layer net.
#include "policy/layers/net.h"

#include "policy/layers/layer.h"

namespace cordon {

absl::Status CompileNet(const NormalPolicy& policy, const v1::HostFacts& /*facts*/,
                        v1::Plan* plan) {
  const v1::Network& network = policy.proto().network();
  v1::NetPlan& net = *plan->mutable_net();
  net.set_enforcement(Resolve(network.enforcement()));
  // Only OFF shares the host's network: a namespace of its own is never out of reach of a caller
  // who can make a user namespace, so IF_AVAILABLE gets one too.
  net.set_own_namespace(net.enforcement() != v1::OFF);
  net.set_loopback_up(net.own_namespace() && network.mode() == v1::Network::LOOPBACK);
  return absl::OkStatus();
}

}  // namespace cordon
