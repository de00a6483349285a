// SPDX-License-Identifier: Apache-2.0
// One snapshot of what the kernel says about a sandbox: taken from outside, while its init stands
// at the gate. The Verify functions of the layers compare it with the plan and repair nothing.
#ifndef CORDON_SANDBOX_LAYERS_READ_BACK_H_
#define CORDON_SANDBOX_LAYERS_READ_BACK_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/os/file.h"
#include "sandbox/os/procfs.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

struct ReadBack {
  UniqueFd proc;  // /proc/PID
  pid_t pid = 0;
  ProcessPlace place;
  std::map<std::string, std::string> status;
  std::vector<IdRange> uid_map;
  std::vector<IdRange> gid_map;
  std::string setgroups;
  std::string own_groups;  // the supervisor's supplementary groups, as in status
  std::vector<MountInfo> mounts;
  std::map<std::string, FileInfo> places;  // where a path inside leads; left out: nowhere
  std::map<std::string, LimitRow> limits;
  std::vector<CgroupLine> cgroup;
  std::vector<std::string> network_devices;
  std::map<std::string, std::string> namespaces;      // "net" -> "net:[4026531840]"
  std::map<std::string, std::string> own_namespaces;  // the supervisor's
  std::map<std::string, std::string> descriptors;     // number -> what it leads to
  std::string apparmor;                               // label; empty on a kernel without AppArmor
  // Of the supervisor: its session keyring, and its ends of the pipes that are 0 to 4 inside, as
  // links of /proc/PID/fd show them ("pipe:[4711]"; the last can be a socket).
  int64_t own_keyring = 0;
  std::vector<std::string> pipes;
};

// The value of a field of status(5), "nothing" when it is not there.
std::string FieldOf(const std::map<std::string, std::string>& status, absl::string_view field);

// Open descriptors of a process, by number, and what each leads to.
absl::StatusOr<std::map<std::string, std::string>> ReadDescriptors(int proc);

// `pid` must be an unreaped child, so that its number cannot belong to another process.
absl::StatusOr<ReadBack> TakeReadBack(pid_t pid);

// What these paths lead to inside: absolute, resolved in the process's root, links and all.
absl::Status ReadPlaces(const std::vector<std::string>& paths, ReadBack* back);

// FAILED_PRECONDITION, stage "verify": what was compared, expected and found.
absl::Status Mismatch(absl::string_view layer, absl::string_view what, absl::string_view expected,
                      absl::string_view found);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_READ_BACK_H_
