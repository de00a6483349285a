// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/cgroup_base.h"

#include <fcntl.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/os/companion.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr int kLockWaitMs = 1000;
constexpr int kEnterAttempts = 16;
constexpr int kBaseAttempts = 64;

bool Contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool HasLimits(const std::vector<std::string>& controllers) {
  return Contains(controllers, "memory") && Contains(controllers, "pids");
}

// Looks at groups, and remembers the first call that failed.
class Look {
 public:
  std::vector<std::string> Words(const std::string& directory, const char* file) {
    const absl::StatusOr<std::string> text = ReadAt(kCwd, absl::StrCat(directory, "/", file));
    trouble_.Update(text.status());
    if (!text.ok()) return {};
    return absl::StrSplit(*text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  }

  bool MayUse(const std::string& directory) {
    for (const char* file : {"", "/cgroup.procs", "/cgroup.subtree_control"}) {
      const absl::Status writable = CheckWritable(kCwd, absl::StrCat(directory, file));
      trouble_.Update(writable);
      if (!writable.ok()) return false;
    }
    return true;
  }

  bool OnlyWeAreIn(const std::string& directory) {
    const std::vector<std::string> members = Words(directory, "cgroup.procs");
    return members.size() == 1 && members[0] == absl::StrCat(CurrentPid());
  }

  const absl::Status& trouble() const { return trouble_; }

 private:
  absl::Status trouble_;
};

// The top of the real hierarchy has no cgroup.type; the top of a cgroup namespace has.
bool IsTop(const Hierarchy& unified) {
  return !StatPath(absl::StrCat(unified.mount_point, "/cgroup.type")).ok();
}

std::vector<std::string> GroupsIn(const std::string& directory) {
  std::vector<std::string> groups;
  const absl::StatusOr<UniqueFd> fd = OpenAt(kCwd, directory, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return groups;
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(fd->get());
  if (!names.ok()) return groups;
  for (const std::string& name : *names) {
    const absl::StatusOr<FileInfo> info = StatPath(absl::StrCat(directory, "/", name));
    if (info.ok() && info->IsDirectory()) groups.push_back(name);
  }
  return groups;
}

std::string WhyNotOwn(const Hierarchy& unified, const std::vector<std::string>& controllers) {
  if (!Look().MayUse(unified.own_dir)) {
    return absl::StrCat("you may not make groups in ", unified.own_dir);
  }
  if (!HasLimits(controllers)) {
    return absl::StrCat(unified.own_dir, " has only the controllers [",
                        absl::StrJoin(controllers, " "), "]");
  }
  return absl::StrCat("other processes are in ", unified.own_dir,
                      ", and a group with processes cannot hand controllers down");
}

absl::StatusOr<Hierarchy> UnifiedOf(const std::vector<Hierarchy>& all) {
  const Hierarchy* unified = FindV2(all);
  if (unified != nullptr) return *unified;
  return Error(absl::StatusCode::kFailedPrecondition, "no cgroup v2 hierarchy is mounted")
      .Layer("cgroup");
}

absl::StatusOr<LockedBase> FindUnlocked() {
  CORDON_ASSIGN_OR_RETURN(const std::vector<Hierarchy> all, FindHierarchies());
  LockedBase found;
  CORDON_ASSIGN_OR_RETURN(found.unified, UnifiedOf(all));
  found.base = FindCgroupBase(found.unified, SystemdRuns());
  return found;
}

}  // namespace

CgroupBase FindCgroupBase(const Hierarchy& unified, bool systemd) {
  CgroupBase base;
  Look look;
  const bool top = unified.own_path == "/" && IsTop(unified);
  // What is above a unit's own group is systemd's.
  const bool unit = systemd && !UnitOfGroup(unified.own_path).empty();
  if (unified.own_path != "/" && !unit) {
    const std::string parent_dir(ParentPath(unified.own_dir));
    const std::string parent_path(ParentPath(unified.own_path));
    const std::vector<std::string> offered = look.Words(parent_dir, "cgroup.controllers");
    if (look.MayUse(parent_dir) && HasLimits(offered) &&
        look.Words(parent_dir, "cgroup.procs").empty()) {
      return {parent_dir, parent_path, offered, false, ""};
    }
  }
  if (!top) {
    const std::vector<std::string> offered = look.Words(unified.own_dir, "cgroup.controllers");
    if (look.MayUse(unified.own_dir) && HasLimits(offered) && look.OnlyWeAreIn(unified.own_dir)) {
      return {unified.own_dir, unified.own_path, offered, true, ""};
    }
    base.why_not = WhyNotOwn(unified, offered);
  }
  if (!systemd && IsTop(unified) && look.MayUse(unified.mount_point)) {
    return {unified.mount_point, "/", look.Words(unified.mount_point, "cgroup.controllers"), false,
            ""};
  }
  if (base.why_not.empty()) {
    base.why_not = absl::StrCat("you may not make groups in ", unified.mount_point);
  }
  base.trouble = look.trouble();
  return base;
}

absl::StatusOr<CgroupBase> FindOwnCgroupBase(const std::vector<Hierarchy>& all) {
  CORDON_ASSIGN_OR_RETURN(const Hierarchy unified, UnifiedOf(all));
  return FindCgroupBase(unified, SystemdRuns());
}

// sd_booted(3).
bool SystemdRuns() { return StatPath("/run/systemd/system").ok(); }

bool MarkedAsDelegated(const std::string& directory) {
  for (const char* name : {"user.delegate", "trusted.delegate"}) {
    const absl::StatusOr<std::string> value = ReadAttribute(directory, name);
    if (value.ok() && *value == "1") return true;
  }
  return false;
}

Standing StandingOf(const Hierarchy& unified) {
  Standing at;
  at.uid = EffectiveUid();
  at.systemd = SystemdRuns();
  at.manager = StatPath(absl::StrCat("/run/user/", at.uid, "/systemd/private")).ok();
  at.own_namespace = !IsTop(unified);
  at.marked = MarkedAsDelegated(unified.own_dir);
  const bool top = unified.own_path == "/" && !at.own_namespace;
  at.usable = !top && Look().MayUse(unified.own_dir) &&
              HasLimits(Look().Words(unified.own_dir, "cgroup.controllers"));
  at.own_dir = unified.own_dir;
  return at;
}

std::string DelegationHint(const Standing& at) {
  // Only what stands there is in the way.
  if (at.usable && (at.marked || at.own_namespace)) {
    return absl::StrCat(
        "move them into a group below it: mkdir ", at.own_dir, "/others; for p in $(cat ",
        at.own_dir, "/cgroup.procs); do echo $p > ", at.own_dir, "/others/cgroup.procs; done",
        at.marked ? "; in the service, since systemd 254: DelegateSubgroup=others" : "");
  }
  if (at.own_namespace && !at.systemd) {
    return "start the container with control groups in which it may write, and with memory and "
           "pids among their controllers: docker run --security-opt writable-cgroups=true, podman "
           "run --security-opt unmask=/sys/fs/cgroup";
  }
  if (at.systemd && at.uid == 0) {
    return "start it in a delegated group of its own: systemd-run --scope -p Delegate=yes cordon "
           "run ...; in a service: Delegate=yes in its [Service] section";
  }
  if (at.systemd && !at.manager) {
    return absl::StrCat("as root, once: loginctl enable-linger ", at.uid,
                        "; Cordon asks the manager that is started then for a group");
  }
  if (at.systemd) {
    return "start it in a delegated group of its own: systemd-run --user --scope -p Delegate=yes "
           "cordon run ...; in a service: Delegate=yes in its [Service] section; for cpu, cpuset "
           "and io, as root, once: cordon-setup";
  }
  const std::string group = absl::StrCat("/sys/fs/cgroup/cordon-", at.uid);
  return absl::StrCat(
      "as root: echo \"+cpu +cpuset +io +memory +pids\" > /sys/fs/cgroup/cgroup.subtree_control; "
      "mkdir -p ",
      group, "/shell; cd ", group, "; chown ", at.uid,
      " . cgroup.procs cgroup.subtree_control cgroup.threads shell; then put the shell that starts "
      "Cordon there: echo PID > ",
      group, "/shell/cgroup.procs");
}

std::string ControllersHint(const Standing& at) {
  if (at.systemd && at.uid != 0) return "as root, once: cordon-setup";
  if (at.systemd) return "Delegate=yes in the [Service] section of the service that it stands in";
  if (at.own_namespace) return "the others are for who starts this container to hand down";
  return DelegationHint(at);
}

std::string UnitOfGroup(absl::string_view path) {
  const absl::string_view last = LastComponent(path);
  for (const char* kind : {".service", ".scope", ".slice", ".socket", ".mount", ".swap"}) {
    if (absl::EndsWith(last, kind)) return std::string(last);
  }
  return "";
}

absl::Status EnableControllers(const CgroupBase& base, const std::vector<std::string>& wanted) {
  std::vector<std::string> missing;
  const std::vector<std::string> enabled = Look().Words(base.directory, "cgroup.subtree_control");
  for (const std::string& each : wanted) {
    if (!Contains(enabled, each)) missing.push_back(absl::StrCat("+", each));
  }
  if (missing.empty()) return absl::OkStatus();
  const std::string file = absl::StrCat(base.directory, "/cgroup.subtree_control");
  absl::Status written = WriteAt(kCwd, file, absl::StrJoin(missing, " "));
  if (written.ok()) return written;
  const v1::ErrorDetail detail = DetailsOf(written)[0];
  const bool busy = detail.errno_name() == "EBUSY";
  return Error(written.code(), absl::StrCat("the controllers ", absl::StrJoin(missing, " "),
                                            " cannot be handed down"))
      .Layer("cgroup")
      .Syscall(detail.syscall(), file, detail.errno_value())
      .Hint(busy ? "a process has entered this group meanwhile; start Cordon in a group of its own"
                 : "");
}

UniqueFd LockBase(const std::string& directory) {
  absl::StatusOr<UniqueFd> fd = OpenAt(kCwd, directory, O_RDONLY | O_DIRECTORY);
  if (!fd.ok() || !LockFile(fd->get(), kLockWaitMs)) return UniqueFd();
  return *std::move(fd);
}

absl::StatusOr<LockedBase> LockOwnBase() {
  CORDON_ASSIGN_OR_RETURN(LockedBase found, FindUnlocked());
  for (int attempt = 0; attempt < kBaseAttempts; ++attempt) {
    // Where there is none, the group that this process is in may be one, left and entered again by
    // other threads between any two files that are looked at: they do that under its lock.
    const bool none = found.base.directory.empty();
    UniqueFd lock = LockBase(none ? found.unified.own_dir : found.base.directory);
    CORDON_ASSIGN_OR_RETURN(LockedBase again, FindUnlocked());
    // That there is none is believed when we have not been moved between the two looks.
    const bool same =
        again.base.directory == found.base.directory &&
        (!again.base.directory.empty() || again.unified.own_path == found.unified.own_path);
    found = std::move(again);
    if (!same) continue;
    if (!none) found.lock = std::move(lock);
    return found;
  }
  return Error(absl::StatusCode::kUnavailable,
               "this process is moved from one control group to another all the time")
      .Layer("cgroup");
}

absl::StatusOr<SupervisorLeaf> SupervisorLeaf::Enter(const CgroupBase& base) {
  CORDON_ASSIGN_OR_RETURN(const UniqueFd directory, OpenAt(kCwd, base.directory, 0));
  absl::Status moved;
  for (int attempt = 0; attempt < kEnterAttempts; ++attempt) {
    const std::string name = FreshGroupName();
    CORDON_RETURN_IF_ERROR(MakeDirectoryAt(directory.get(), name, 0755));
    moved = WriteAt(directory.get(), name + "/cgroup.procs", "0");
    if (moved.ok()) return SupervisorLeaf(base.directory, name);
    RemoveDirectoryAt(directory.get(), name).IgnoreError();
    // Empty for a moment, it was nobody's for another supervisor's janitor.
    const int error = DetailsOf(moved)[0].errno_value();
    if (error != ENOENT && error != ENODEV) break;
  }
  return WithLayer(moved, "cgroup");
}

absl::optional<SupervisorLeaf> SupervisorLeaf::Current(const Hierarchy& unified) {
  const std::string name(LastComponent(unified.own_path));
  // A scope of our own has such a name too, and an end to it.
  if (!absl::StartsWith(name, absl::StrCat("cordon-", CurrentPid(), "-")) ||
      absl::StrContains(name, ".")) {
    return absl::nullopt;
  }
  return SupervisorLeaf(std::string(ParentPath(unified.own_dir)), name);
}

void SupervisorLeaf::Return() const {
  // A scope that was asked for this run alone ends with it.
  if (absl::StartsWith(LastComponent(base_), "cordon-")) return;
  const UniqueFd lock = LockBase(base_);
  if (!lock.valid() || GroupsIn(base_) != std::vector<std::string>{name_} ||
      !Look().OnlyWeAreIn(absl::StrCat(base_, "/", name_))) {
    return;
  }
  std::vector<std::string> off;
  for (const std::string& each : Look().Words(base_, "cgroup.subtree_control")) {
    off.push_back(absl::StrCat("-", each));
  }
  WriteAt(lock.get(), "cgroup.subtree_control", absl::StrJoin(off, " ")).IgnoreError();
  WriteAt(lock.get(), "cgroup.procs", "0").IgnoreError();
  RemoveDirectoryAt(lock.get(), name_).IgnoreError();
}

}  // namespace cordon
