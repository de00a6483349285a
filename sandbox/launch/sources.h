// SPDX-License-Identifier: Apache-2.0
// Resolves the host side of a plan's mounts: canonical path, device and inode of every source, and
// what is mounted there. The child reopens each path without following links and compares, so that
// a swap in between is a failure and never a wrong mount; at the gate all of it is compared again.
#ifndef CORDON_SANDBOX_LAUNCH_SOURCES_H_
#define CORDON_SANDBOX_LAUNCH_SOURCES_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/os/file.h"
#include "sandbox/os/procfs.h"

namespace cordon {

// Ids of the host that the job runs as.
struct HostIds {
  uint32_t uid = 0;
  uint32_t gid = 0;
};

struct ResolvedSource {
  bool present = false;  // false: an optional source that does not exist
  std::string path;
  FileInfo info;
  // What a clone of it will show in mountinfo, before the sandbox's own flags are added; the mount
  // point is empty.
  MountInfo mount;
  // A directory's clone brings these along, each behind what it is mounted on. Mount points begin
  // where `path` ends: "/sub".
  std::vector<MountInfo> below;
};

struct ResolvedSources {
  std::vector<ResolvedSource> entry;  // one per MountEntry; unused for what has no source
  std::vector<std::string> skipped;   // optional binds left out, for the report
  // Set when the caller is root and a writable bind belongs to an unprivileged user: the job then
  // runs as that user, otherwise it could not write there (DESIGN.md 4).
  bool has_owner = false;
  HostIds owner;
  // "tmpfs 0:23" of everything that the caller had mounted (FileSystemOf).
  std::set<std::string> file_systems;
  uint64_t mounts_ns = 0;  // what it took to read and sort the caller's mounts
};

// Errors: a source that is missing and not optional, that a link of somebody else than root leads
// to, that is nothing for a job wherever its name led (CheckBindSource), that is neither file nor
// directory, or that the job could not use as the caller means it.
absl::StatusOr<ResolvedSources> ResolveSources(const v1::MountPlan& plan, bool privileged);

// What the caller sees mounted.
absl::StatusOr<std::vector<MountInfo>> OwnMounts();
std::string FileSystemOf(const MountInfo& mount);

// Fills in mount, below and file_systems from the caller's mountinfo. An error: a source whose
// mount is not in it.
absl::Status TakeSourceMounts(const std::vector<MountInfo>& table, ResolvedSources* sources);

// For root: an id that no other running sandbox has and no account should have. `pid` is that of
// the sandbox's init in our pid namespace. `id_map` is the text of /proc/self/uid_map.
absl::StatusOr<uint32_t> FreshHostId(uint32_t pid, absl::string_view id_map);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAUNCH_SOURCES_H_
