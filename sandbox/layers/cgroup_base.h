// SPDX-License-Identifier: Apache-2.0
// Where in the v2 hierarchy a caller may make groups, and how its own process gets out of the way:
// a group with processes cannot hand controllers down. Internal to sandbox/.
#ifndef CORDON_SANDBOX_LAYERS_CGROUP_BASE_H_
#define CORDON_SANDBOX_LAYERS_CGROUP_BASE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "sandbox/layers/cgroup_group.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// The group under which leaves can be made, and what must be done first.
struct CgroupBase {
  std::string directory;  // empty: there is none, see why_not
  std::string path;
  std::vector<std::string> controllers;  // that its children have or can get
  bool leave = false;                    // we stand in it and must move to a leaf of our own
  std::string why_not;
  // The first call that failed on the way to this answer.
  absl::Status trouble = absl::OkStatus();
};

// In order: the parent when it has no processes, unless our own group is a unit of systemd (nothing
// has to move); our own group when nobody else is in it; and, where no systemd runs, the top of the
// hierarchy, which may have processes. Only directories in which the caller may write, with the
// controllers memory and pids. Looks, changes nothing.
CgroupBase FindCgroupBase(const Hierarchy& unified, bool systemd);

// The same for the calling process.
absl::StatusOr<CgroupBase> FindOwnCgroupBase(const std::vector<Hierarchy>& all);

// The same for who is about to make a group there.
struct LockedBase {
  CgroupBase base;
  Hierarchy unified;  // where the process stands
  UniqueFd lock;      // of LockBase; none where there is no base
};
// Looked for again behind the lock: until then another thread, which ends its last job, may take
// the process back to where it came from, and with it the base.
absl::StatusOr<LockedBase> LockOwnBase();

// True where systemd manages the hierarchy: then every group is a unit's, or below one that was
// delegated.
bool SystemdRuns();

// Whether systemd has marked a unit's group as delegated.
bool MarkedAsDelegated(const std::string& directory);

// What decides on the way to a base.
struct Standing {
  uint32_t uid = 0;
  bool systemd = false;
  bool manager = false;        // of the caller's own answers: its socket is there
  bool own_namespace = false;  // of control groups: a container, as a rule
  bool marked = false;         // our group is that of a unit that systemd has delegated
  // We may make groups in our own, and it can hand down memory and pids once nobody is in it.
  bool usable = false;
  std::string own_dir;
};
Standing StandingOf(const Hierarchy& unified);

// What to type for a base: for the caller, unless it begins with "as root". Pure.
std::string DelegationHint(const Standing& at);
// The same where there is a base, and it has not all controllers.
std::string ControllersHint(const Standing& at);

// The name of the systemd unit whose group `path` is: "a.service" of "/x.slice/a.service". "" for a
// group that is no unit's own, such as one below a unit.
std::string UnitOfGroup(absl::string_view path);

// What the base hands down already and what was added.
absl::Status EnableControllers(const CgroupBase& base, const std::vector<std::string>& wanted);

// Serialises the making of groups in a base with ReturnToBase of another supervisor. Waits a
// second at most, then goes on without: a stranger who holds the lock must not stop jobs.
UniqueFd LockBase(const std::string& directory);

// The calling process's own leaf in a base that it had to leave. Several sandboxes of one process
// share it.
class SupervisorLeaf {
 public:
  // Makes a leaf in `base` and moves the calling process into it.
  static absl::StatusOr<SupervisorLeaf> Enter(const CgroupBase& base);
  // The leaf in which the calling process stands since an earlier Enter; nothing elsewhere.
  static absl::optional<SupervisorLeaf> Current(const Hierarchy& unified);

  // Leaves the base as it was found, so that its owner can put processes into it again: controllers
  // off, the process back, the leaf gone. Does nothing while the base has any other group, whose
  // limits the kernel would drop with the controllers; a leaf that stays is swept by a later run.
  void Return() const;

 private:
  SupervisorLeaf(std::string base, std::string name)
      : base_(std::move(base)), name_(std::move(name)) {}
  std::string base_;
  std::string name_;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_CGROUP_BASE_H_
