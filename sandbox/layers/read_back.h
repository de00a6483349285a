// SPDX-License-Identifier: Apache-2.0
// One snapshot of what the kernel says about a sandbox: taken from outside, while its init stands
// at the gate. The Verify functions of the layers compare it with the plan and repair nothing.
#ifndef CORDON_SANDBOX_LAYERS_READ_BACK_H_
#define CORDON_SANDBOX_LAYERS_READ_BACK_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sandbox/os/procfs.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

struct ReadBack {
  UniqueFd proc;  // /proc/PID
  std::map<std::string, std::string> status;
  std::vector<IdRange> uid_map;
  std::vector<IdRange> gid_map;
  std::string setgroups;
  std::vector<MountInfo> mounts;
  std::map<std::string, LimitRow> limits;
  std::vector<CgroupLine> cgroup;
  std::vector<std::string> network_devices;
  std::map<std::string, std::string> namespaces;      // "net" -> "net:[4026531840]"
  std::map<std::string, std::string> own_namespaces;  // the supervisor's
  std::vector<std::string> descriptors;               // numbers of open descriptors
  std::string apparmor;                               // label; empty on a kernel without AppArmor
};

// `pid` must be an unreaped child, so that its number cannot belong to another process.
absl::StatusOr<ReadBack> TakeReadBack(pid_t pid);

// FAILED_PRECONDITION, stage "verify": what was compared, expected and found.
absl::Status Mismatch(absl::string_view layer, absl::string_view what, absl::string_view expected,
                      absl::string_view found);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_READ_BACK_H_
