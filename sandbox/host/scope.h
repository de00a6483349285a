// SPDX-License-Identifier: Apache-2.0
// A control group of the caller's own, where systemd manages the hierarchy: a transient scope with
// delegation, asked for by the helper program cordon-scope.
#ifndef CORDON_SANDBOX_HOST_SCOPE_H_
#define CORDON_SANDBOX_HOST_SCOPE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "policy/proto/host_facts.pb.h"
#include "sandbox/layers/cgroup_base.h"
#include "sandbox/layers/cgroup_group.h"

namespace cordon {

// What to ask and whom; pure.
struct ScopeRequest {
  bool needed = false;
  bool system = false;  // the system manager; otherwise the caller's own
  std::string slice;    // the caller's, so that limits on it hold for the job; "" for the default
};
// A scope is needed where systemd runs, unless the caller stands below a unit (then that was
// delegated) or in a unit that is marked as delegated, and may make groups there. systemd 252 does
// not mark what user managers delegate: such a caller gets a scope again, which does no harm.
ScopeRequest DecideScope(const CgroupBase& base, absl::string_view own_path, bool marked,
                         bool root);

// Moves the calling process into a scope of its own when it needs one (see above). OK also where
// nothing was to be done: no cgroup v2, no systemd. An error says what the manager answered; the
// caller is then where it was. Call before ProbeHost, once, while the process has one thread.
// `helper`: path of cordon-scope; "": in the folder of the running program.
absl::Status EnterOwnScope(const std::string& helper = "");

// For a process whose children will each start a job: moves it out of the group below which theirs
// are made, since such a group must have no processes. Nothing where that is not needed; the leaf
// in which it stands already, if it does. The leaf's Return takes it back. An error of a host
// without groups is not told here: the first job tells it.
absl::StatusOr<absl::optional<SupervisorLeaf>> StepAside();

// Puts why there is no scope in front of the facts' own reason, when they lack a controller.
void ExplainScope(const absl::Status& scope, v1::HostFacts* facts);

}  // namespace cordon

#endif  // CORDON_SANDBOX_HOST_SCOPE_H_
