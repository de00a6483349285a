// SPDX-License-Identifier: Apache-2.0
// Checks of the `mounts` block. Lexical: whether a path exists is the host's matter.
#ifndef CORDON_POLICY_VALIDATE_MOUNTS_H_
#define CORDON_POLICY_VALIDATE_MOUNTS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "policy/proto/policy.pb.h"
#include "policy/violations.h"

namespace cordon {

// Grammar of every path, uniqueness of targets, sizes; what the kernel mounts itself (/proc, /dev)
// stays free of other targets when it is asked for.
void CheckMounts(const v1::Mounts& mounts, Violations* violations);

// Refuses what no job may be given of the host. Where the links of a path are not known yet, the
// host's side asks again with what they led to (sandbox/launch/sources.h).
absl::Status CheckBindSource(absl::string_view canonical);

// One bind by itself; `path` is that of the entry.
void CheckBind(const v1::Bind& bind, absl::string_view path, Violations* violations);

}  // namespace cordon

#endif  // CORDON_POLICY_VALIDATE_MOUNTS_H_
