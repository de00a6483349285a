// SPDX-License-Identifier: Apache-2.0
// The cgroup layer's row of the table: the group is made and entered by the supervisor (cgroup.h);
// the child only waits for it and takes it as the root of its cgroup namespace.
#include "policy/base/status.h"
#include "sandbox/layers/layer.h"

namespace cordon {

absl::Status LowerCgroup(Phase phase, const LowerInput&, SetupBuilder* builder) {
  if (phase != Phase::kLock) return absl::OkStatus();
  builder->Add(child::Opcode::kAwaitGroup, {"cgroup", "cgroup", "group entered"}).a =
      static_cast<uint64_t>(child::kByteGroupEntered);
  builder->Add(child::Opcode::kNewCgroupNamespace, {"cgroup", "", ""});
  return absl::OkStatus();
}

// A job may have the supervisor's uid, which may write the limits: no group is to be seen inside,
// whatever path a bind came by.
absl::Status VerifyCgroup(const VerifyInput& input) {
  for (const MountInfo& mount : input.back.mounts) {
    if (mount.type == "cgroup2" || mount.type == "cgroup") {
      return Mismatch("cgroup", "file systems of control groups in the sandbox", "none",
                      mount.mount_point);
    }
  }
  if (input.lease == nullptr) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(input.lease->VerifyMember(input.back.cgroup));
  CORDON_RETURN_IF_ERROR(input.lease->VerifyLimits());
  for (size_t i = 0; i < input.back.cgroup.size(); ++i) {
    const std::string& init = input.back.cgroup[i].path;
    const std::string twin = i < input.twin.cgroup.size() ? input.twin.cgroup[i].path : "nothing";
    if (twin != init) return Mismatch("cgroup", "group of the twin", init, twin);
  }
  return absl::OkStatus();
}

}  // namespace cordon
