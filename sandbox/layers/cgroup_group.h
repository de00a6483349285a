// SPDX-License-Identifier: Apache-2.0
// What both cgroup backends share: where the caller stands in each hierarchy, and one directory
// of a hierarchy that is ours. Internal to sandbox/layers.
#ifndef CORDON_SANDBOX_LAYERS_CGROUP_GROUP_H_
#define CORDON_SANDBOX_LAYERS_CGROUP_GROUP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// One mounted hierarchy and the caller's own group in it.
struct Hierarchy {
  bool v2 = false;
  std::vector<std::string> controllers;  // v1
  std::string mount_point;
  std::string own_path;  // as in /proc/self/cgroup: "/user.slice"
  std::string own_dir;   // the same as a host path
};
absl::StatusOr<std::vector<Hierarchy>> FindHierarchies();
const Hierarchy* FindV1(const std::vector<Hierarchy>& all, absl::string_view controller);
const Hierarchy* FindV2(const std::vector<Hierarchy>& all);

// A directory that this process made below `parent_dir`; removed on destruction. It is open to its
// owner alone and locked (flock) as long as this process lives: that is how a janitor tells a group
// that is in use from one that was left behind.
class Group {
 public:
  // `path` is the group's path as /proc/PID/cgroup shows it. A janitor may be faster than the lock;
  // then the group is made again, with more at the end of its name.
  static absl::StatusOr<Group> Make(const std::string& parent_dir, const std::string& parent_path,
                                    const std::string& name);
  Group(Group&&) noexcept = default;
  Group& operator=(Group&&) noexcept = default;
  ~Group();

  absl::Status Write(const std::string& file, absl::string_view value) const;
  absl::StatusOr<std::string> Read(const std::string& file) const;
  absl::StatusOr<uint64_t> ReadNumber(const std::string& file) const;
  bool Has(const std::string& file) const;
  // OK when it is gone. Waits for the kernel to let go of the last process, at most `wait_ms`.
  absl::Status Remove(int wait_ms);

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  const std::string& directory() const { return directory_; }

 private:
  Group() = default;
  absl::Status MakeLocked(const std::string& name);
  std::string name_;
  std::string path_;
  std::string directory_;
  UniqueFd parent_;
  UniqueFd fd_;
};

// A name that no other group has: process id and a monotonic time.
std::string FreshGroupName();
// The janitor: removes groups in `parent_dir` that have such a name and the caller as their owner,
// and that nobody has locked and nobody is in. Costs one listing and four calls for each of them.
void SweepStaleGroups(const std::string& parent_dir);

// Makes the backends; each fails and leaves nothing, or holds a ready group.
absl::StatusOr<std::unique_ptr<CgroupLease>> CreateCgroupV1(const v1::CgroupPlan& plan);
absl::StatusOr<std::unique_ptr<CgroupLease>> CreateCgroupV2(const v1::CgroupPlan& plan);
absl::Status ProbeCgroupV1(const std::vector<Hierarchy>& all, v1::HostFacts* facts);
absl::Status ProbeCgroupV2(const std::vector<Hierarchy>& all, v1::HostFacts* facts);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_CGROUP_GROUP_H_
