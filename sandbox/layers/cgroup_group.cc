// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/cgroup_group.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
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

absl::StatusOr<Group> Group::Make(const std::string& parent_dir, const std::string& parent_path,
                                  const std::string& name) {
  Group group;
  CORDON_ASSIGN_OR_RETURN(group.parent_, OpenAt(kCwd, parent_dir, O_RDONLY | O_DIRECTORY));
  const absl::Status made = MakeDirectoryAt(group.parent_.get(), name, 0755);
  if (!made.ok()) {
    return Error(made.code(), absl::StrCat("cannot make a control group in ", parent_dir))
        .Syscall("mkdirat", absl::StrCat(parent_dir, "/", name), DetailsOf(made)[0].errno_value());
  }
  group.name_ = name;  // from here on the destructor removes it
  group.path_ = parent_path == "/" ? absl::StrCat("/", name) : absl::StrCat(parent_path, "/", name);
  group.directory_ = absl::StrCat(parent_dir, "/", name);
  CORDON_ASSIGN_OR_RETURN(group.fd_,
                          OpenAt(group.parent_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
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
    if (!absl::StartsWith(name, kPrefix)) continue;
    const std::vector<std::string> parts = absl::StrSplit(name, '-');
    int pid = 0;
    if (parts.size() != 3 || !absl::SimpleAtoi(parts[1], &pid)) continue;
    // A living process of that number keeps it, whoever it is: only what is surely nobody's goes,
    // and rmdir refuses a group with members.
    if (!StatPath(absl::StrCat("/proc/", pid)).ok()) {
      RemoveDirectoryAt(parent->get(), name).IgnoreError();
    }
  }
}

}  // namespace cordon
