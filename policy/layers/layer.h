// SPDX-License-Identifier: Apache-2.0
// The layers of a sandbox and the one shape of their compilers. Entry point: LayerTable. Adding a
// layer: an id here, a message in policy.proto and plan.proto, a pair of files, a row in table.cc.
#ifndef CORDON_POLICY_LAYERS_LAYER_H_
#define CORDON_POLICY_LAYERS_LAYER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "policy/base/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

enum class LayerId {
  kNamespaces,
  kUserns,
  kMount,
  kCgroup,
  kNet,
  kRlimit,
  kCaps,
  kLandlock,
  kSeccomp,
  kAppArmor,
  kProcess,
};
inline constexpr int kLayerCount = 11;

struct LayerCompiler {
  LayerId id;
  absl::string_view name;  // as reports and errors name it
  // Fills the layer's own message of `plan` and reads only the policy, the facts and the messages
  // of the layers in `depends_on`. All errors found are in the status.
  absl::Status (*compile)(const NormalPolicy& policy, const v1::HostFacts& facts, v1::Plan* plan);
  absl::Span<const LayerId> depends_on;
};

// Every layer once, each behind those it depends on.
absl::Span<const LayerCompiler> LayerTable();

absl::string_view LayerName(LayerId id);

// REQUIRED when the policy leaves it unspecified.
v1::Enforcement Resolve(v1::Enforcement enforcement);

// An error about a field of the policy, with the place where the field was written.
Error FieldError(const NormalPolicy& policy, absl::StatusCode code, absl::string_view field,
                 absl::string_view message);

// Every error of a status is about the policy: adds the place of the field where it is missing.
absl::Status WithPlaces(const NormalPolicy& policy, const absl::Status& status);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_LAYER_H_
