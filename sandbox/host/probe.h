// SPDX-License-Identifier: Apache-2.0
// HostFacts from the live kernel. Features are tried, not guessed from a version.
#ifndef CORDON_SANDBOX_HOST_PROBE_H_
#define CORDON_SANDBOX_HOST_PROBE_H_

#include "absl/status/statusor.h"
#include "policy/proto/host_facts.pb.h"

namespace cordon {

// What compiling and running need: cheap enough for every start (no process is made, but for
// one where Cordon itself is under a filter).
absl::StatusOr<v1::HostFacts> ProbeHost();

// The same, and whether user namespaces can really be made: clones a child that exits at once.
absl::StatusOr<v1::HostFacts> ProbeHostThoroughly();

}  // namespace cordon

#endif  // CORDON_SANDBOX_HOST_PROBE_H_
