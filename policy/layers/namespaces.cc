// SPDX-License-Identifier: Apache-2.0
// The plan of layer namespaces.
#include "policy/layers/namespaces.h"

#include "absl/strings/str_cat.h"
#include "policy/layers/layer.h"

namespace cordon {

absl::Status CompileNamespaces(const NormalPolicy& policy, const v1::HostFacts& facts,
                               v1::Plan* plan) {
  plan->mutable_namespaces()->set_hostname(policy.proto().identity().hostname());
  if (facts.user_namespaces()) return absl::OkStatus();
  const std::string& why = facts.user_namespaces_why();
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat("the host does not let the caller make a user namespace",
                            why.empty() ? "" : ": ", why))
      .Hint(
          "enable unprivileged user namespaces (kernel.unprivileged_userns_clone=1, "
          "user.max_user_namespaces above 0)");
}

}  // namespace cordon
