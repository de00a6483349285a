// SPDX-License-Identifier: Apache-2.0
// Layer landlock: rules of the kernel's Landlock that say once more what the mounts allow, and the
// narrower ones that only Landlock can enforce.
//
// Rights are given by path and add up on the way down: nothing below a path can be allowed less
// than the path itself. What one mount forbids below another that allows it (a read-only bind in a
// writable tmpfs) therefore stays the work of the mount; a `landlock.file` rule that would need it
// is an error that names the rule.
//
// Which ABI a policy needs. By meaning, refused with REQUIRED:
//   any ABI    the layer itself
//   ABI 2      where something is writable: ABI 1 denies every move between directories
//   ABI 3      where a file rule forbids writing what the mount allows: older kernels let such a
//              file be truncated
//   ABI 6      where the job shares the host's network and its filter lets it have local sockets:
//              nothing else keeps it from the host's abstract sockets
// All else is said by another layer too and is left out, and listed under `missing`, where the ABI
// does not have it: TCP (4; the network namespace is empty), ioctls of devices (5; the five of
// /dev have none that matters), abstract sockets and signals (6; namespaces divide both, but for
// the case above).
#ifndef CORDON_POLICY_LAYERS_LANDLOCK_H_
#define CORDON_POLICY_LAYERS_LANDLOCK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "policy/normalize.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Fills plan->landlock from plan->mount and plan->net. Errors of file rules are reported on every
// host; with IF_AVAILABLE a host without the ABI makes the layer disabled, with its reason.
absl::Status CompileLandlock(const NormalPolicy& policy, const v1::HostFacts& facts,
                             v1::Plan* plan);

// Refuses a plan that shares the host's network and needs Landlock to keep the host's abstract
// sockets from the job, which the ABI at hand cannot; with IF_AVAILABLE it is only listed as
// missing. Looks at the whole plan: the filter is compiled behind Landlock.
absl::Status CheckAbstractSockets(const NormalPolicy& policy, const v1::HostFacts& facts,
                                  const v1::Plan& plan);

// Everything that an entry of a mount plan gives by itself, as rights of Landlock of any ABI.
uint64_t LandlockRightsOf(const v1::MountEntry& entry);

}  // namespace cordon

#endif  // CORDON_POLICY_LAYERS_LANDLOCK_H_
