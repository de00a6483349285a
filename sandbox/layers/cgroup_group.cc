// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/cgroup_group.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

constexpr absl::string_view kPrefix = "cordon-";

// The host directory of `path` in a hierarchy mounted at `mount`; empty when it is not visible.
std::string HostDirectory(const MountInfo& mount, const std::string& path) {
  if (!PathIsBelow(path, mount.root)) return "";
  const std::string rest = mount.root == "/" ? path : path.substr(mount.root.size());
  return rest == "/" || rest.empty() ? mount.mount_point : mount.mount_point + rest;
}

bool SameControllers(const MountInfo& mount, const CgroupLine& line) {
  if (line.controllers.empty()) return mount.type == "cgroup2";
  if (mount.type != "cgroup") return false;
  return std::all_of(line.controllers.begin(), line.controllers.end(), [&](const auto& each) {
    return std::find(mount.super_options.begin(), mount.super_options.end(), each) !=
           mount.super_options.end();
  });
}

// Each time another janitor would have to come between making a group and locking it. Two that do
// nothing else win three times out of four.
constexpr int kAttempts = 256;

// Somebody holds the lock of what we have just made, or it is gone.
bool TakenByJanitor(const absl::Status& made) {
  if (made.ok()) return false;
  const v1::ErrorDetail detail = DetailsOf(made)[0];
  const bool gone = detail.errno_value() == ENOENT || detail.errno_value() == ENODEV;
  return detail.syscall() == "flock" ? detail.errno_value() == EAGAIN
                                     : detail.syscall() != "mkdirat" && gone;
}

// "cordon-PID-TIME", and what Make has appended.
bool IsGroupName(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kPrefix)) return false;
  const std::vector<std::string> parts = absl::StrSplit(name, '-');
  int pid = 0;
  return parts.size() == 2 && absl::SimpleAtoi(parts[0], &pid) && pid > 0 && !parts[1].empty() &&
         parts[1].find_first_not_of("0123456789abcdef.") == std::string::npos;
}

}  // namespace

absl::StatusOr<std::vector<Hierarchy>> FindHierarchies() {
  CORDON_ASSIGN_OR_RETURN(const std::string own, ReadAt(kCwd, "/proc/self/cgroup"));
  CORDON_ASSIGN_OR_RETURN(const std::string table, ReadAt(kCwd, "/proc/self/mountinfo", 16 << 20));
  CORDON_ASSIGN_OR_RETURN(const std::vector<CgroupLine> lines, ParseCgroupFile(own));
  CORDON_ASSIGN_OR_RETURN(const std::vector<MountInfo> mounts, ParseMountInfo(table));
  std::vector<Hierarchy> found;
  for (const CgroupLine& line : lines) {
    for (const MountInfo& mount : mounts) {
      if (!SameControllers(mount, line)) continue;
      Hierarchy hierarchy;
      hierarchy.v2 = line.controllers.empty();
      hierarchy.controllers = line.controllers;
      hierarchy.mount_point = mount.mount_point;
      hierarchy.own_path = line.path;
      hierarchy.own_dir = HostDirectory(mount, line.path);
      if (!hierarchy.own_dir.empty()) found.push_back(std::move(hierarchy));
      break;
    }
  }
  return found;
}

const Hierarchy* FindV1(const std::vector<Hierarchy>& all, absl::string_view controller) {
  for (const Hierarchy& each : all) {
    for (const std::string& name : each.controllers) {
      if (name == controller) return &each;
    }
  }
  return nullptr;
}

const Hierarchy* FindV2(const std::vector<Hierarchy>& all) {
  for (const Hierarchy& each : all) {
    if (each.v2) return &each;
  }
  return nullptr;
}

absl::Status Group::MakeLocked(const std::string& name) {
  const absl::Status made = MakeDirectoryAt(parent_.get(), name, 0700);
  if (!made.ok()) return made;
  name_ = name;  // from here on the destructor removes it
  CORDON_ASSIGN_OR_RETURN(fd_, OpenAt(parent_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  CORDON_RETURN_IF_ERROR(TryLock(fd_.get()));
  // Locked, but is it still there? A janitor that locked it first has removed it since.
  CORDON_ASSIGN_OR_RETURN(const UniqueFd again, OpenAt(parent_.get(), name, O_PATH | O_NOFOLLOW));
  CORDON_ASSIGN_OR_RETURN(const FileInfo found, StatFd(again.get()));
  CORDON_ASSIGN_OR_RETURN(const FileInfo ours, StatFd(fd_.get()));
  if (found.inode != ours.inode) return ErrnoStatus("openat", name, ENOENT);
  return absl::OkStatus();
}

absl::StatusOr<Group> Group::Make(const std::string& parent_dir, const std::string& parent_path,
                                  const std::string& name) {
  Group group;
  CORDON_ASSIGN_OR_RETURN(group.parent_, OpenAt(kCwd, parent_dir, O_RDONLY | O_DIRECTORY));
  std::string own_name = name;
  absl::Status made = group.MakeLocked(own_name);
  for (int attempt = 1; attempt < kAttempts && TakenByJanitor(made); ++attempt) {
    group.Remove(0).IgnoreError();
    own_name = absl::StrCat(name, ".", attempt);
    made = group.MakeLocked(own_name);
  }
  if (!made.ok()) {
    const v1::ErrorDetail detail = DetailsOf(made)[0];
    return Error(made.code(), absl::StrCat("cannot make a control group in ", parent_dir))
        .Syscall(detail.syscall(), absl::StrCat(parent_dir, "/", own_name), detail.errno_value());
  }
  group.path_ = absl::StrCat(parent_path == "/" ? "" : parent_path, "/", own_name);
  group.directory_ = absl::StrCat(parent_dir, "/", own_name);
  return group;
}

Group::~Group() {
  // Best effort: the owner called Remove and has seen its status; this is for early returns.
  if (parent_.valid() && !name_.empty()) (void)Remove(0);
}

absl::Status Group::Write(const std::string& file, absl::string_view value) const {
  const absl::Status status = WriteAt(fd_.get(), file, value);
  if (status.ok()) return status;
  const v1::ErrorDetail detail = DetailsOf(status)[0];
  return Error(status.code(), absl::StrCat("cannot set ", file, " to ", value))
      .Layer("cgroup")
      .Syscall(detail.syscall(), absl::StrCat(directory_, "/", file), detail.errno_value());
}

absl::StatusOr<std::string> Group::Read(const std::string& file) const {
  return ReadAt(fd_.get(), file);
}

absl::StatusOr<uint64_t> Group::ReadNumber(const std::string& file) const {
  CORDON_ASSIGN_OR_RETURN(const std::string text, Read(file));
  return ParseNumber(text);
}

bool Group::Has(const std::string& file) const { return OpenAt(fd_.get(), file, O_PATH).ok(); }

absl::Status Group::Remove(int wait_ms) {
  if (name_.empty()) return absl::OkStatus();
  absl::Status status = RemoveDirectoryAt(parent_.get(), name_);
  // The last process is reaped, but the kernel may still be letting go of it: cgroup.events tells
  // on v2; v1 has nothing to wait on, so a bounded number of short waits.
  for (int waited = 0; !status.ok() && waited < wait_ms; ++waited) {
    absl::StatusOr<Epoll> epoll = Epoll::Make();
    if (epoll.ok()) (void)epoll->Wait(1);
    status = RemoveDirectoryAt(parent_.get(), name_);
  }
  if (!status.ok()) {
    return Error(status.code(), absl::StrCat("control group ", directory_, " is not empty"))
        .Layer("cgroup")
        .Syscall("unlinkat", directory_, DetailsOf(status)[0].errno_value());
  }
  name_.clear();
  return absl::OkStatus();
}

std::string FreshGroupName() {
  return absl::StrCat(kPrefix, CurrentPid(), "-", absl::Hex(MonotonicNs()));
}

void SweepStaleGroups(const std::string& parent_dir) {
  absl::StatusOr<UniqueFd> parent = OpenAt(kCwd, parent_dir, O_RDONLY | O_DIRECTORY);
  if (!parent.ok()) return;
  absl::StatusOr<std::vector<std::string>> names = ListDirectory(parent->get());
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!IsGroupName(name)) continue;
    const absl::StatusOr<UniqueFd> group =
        OpenAt(parent->get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!group.ok()) continue;
    const absl::StatusOr<FileInfo> info = StatFd(group->get());
    if (!info.ok() || info->uid != EffectiveUid()) continue;
    // Neither age nor process ids say that a group is nobody's: ids are used again, and are others
    // in a container. The lock ends with its supervisor; rmdir refuses a group with members.
    if (TryLock(group->get()).ok()) RemoveDirectoryAt(parent->get(), name).IgnoreError();
  }
}

}  // namespace cordon
