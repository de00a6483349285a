// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/sources.h"

#include <linux/magic.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/validate_mounts.h"
#include "sandbox/os/process.h"
#include "sandbox/os/procfs.h"
#include "sandbox/os/trusted_path.h"

namespace cordon {
namespace {

// Above what adduser, useradd, systemd and subuid hand out; plus a pid (at most 2^22) it stays
// far below 2^32 - 1.
constexpr uint32_t kFirstHostId = 0x60000000;
constexpr size_t kMountInfoLimit = 16 << 20;
constexpr uint32_t kOthersRead = 04;
constexpr uint32_t kOthersWrite = 02;
constexpr uint32_t kOthersEnter = 01;

absl::Status Refuse(const v1::MountEntry& entry, absl::string_view message,
                    absl::string_view hint) {
  return Error(absl::StatusCode::kFailedPrecondition, message)
      .Layer("mount")
      .Field(absl::StrCat(entry.field(), ".source"))
      .Hint(hint);
}

// The walk's error as one of the entry's field.
absl::Status Unresolved(const v1::MountEntry& entry, const absl::Status& status) {
  v1::ErrorDetail detail = DetailsOf(status)[0];
  const bool missing = detail.errno_name() == "ENOENT" || detail.errno_name() == "ENOTDIR";
  detail.set_layer("mount");
  detail.set_policy_field(absl::StrCat(entry.field(), ".source"));
  if (detail.errno_value() != 0) {
    detail.set_message(
        absl::StrCat("the source ", entry.source(), " of a bind mount cannot be resolved"));
    detail.set_hint(missing ? "create it, or set optional: true when the job can do without it"
                            : "the caller must be able to reach it");
  }
  return ErrorFromDetails(status.code(), {detail});
}

// What a name cannot tell: the same file systems may be mounted anywhere, such as below a chroot.
absl::Status CheckFileSystem(const v1::MountEntry& entry, const TrustedPath& path) {
  const char* what = nullptr;
  if (path.file_system == PROC_SUPER_MAGIC) what = "shows processes of the host";
  if (path.file_system == CGROUP_SUPER_MAGIC || path.file_system == CGROUP2_SUPER_MAGIC) {
    what = "holds the limits of jobs";
  }
  if (what == nullptr) return absl::OkStatus();
  return Refuse(entry, absl::StrCat(path.path, " lies in a file system that ", what),
                "it cannot be bound; mounts.proc gives a procfs of the job's own processes");
}

absl::StatusOr<ResolvedSource> ResolveBind(const v1::MountEntry& entry) {
  ResolvedSource source;
  absl::StatusOr<TrustedPath> found = ResolveTrusted(entry.source());
  if (!found.ok()) {
    const std::string errno_name = DetailsOf(found.status())[0].errno_name();
    if (entry.optional() && (errno_name == "ENOENT" || errno_name == "ENOTDIR")) return source;
    return Unresolved(entry, found.status());
  }
  // The policy's own check saw the name only.
  const absl::Status allowed = CheckBindSource(found->path);
  if (!allowed.ok()) {
    return Refuse(entry, absl::StrCat(found->path, ": ", allowed.message()),
                  DetailsOf(allowed)[0].hint());
  }
  CORDON_RETURN_IF_ERROR(CheckFileSystem(entry, *found));
  if (!found->info.IsDirectory() && !found->info.IsRegular()) {
    return Refuse(entry, absl::StrCat(found->path, " is neither a file nor a directory"),
                  "sockets, FIFOs and devices of the host are not bound into a sandbox");
  }
  source.info = found->info;
  source.path = std::move(found->path);
  source.present = true;
  return source;
}

// What comes along with a source that is a tree to chroot into, and says what the source may not.
absl::Status CheckBelow(const v1::MountEntry& entry, const ResolvedSource& source) {
  for (const MountInfo& mount : source.below) {
    if (mount.type != "proc" && mount.type != "cgroup" && mount.type != "cgroup2") continue;
    return Refuse(entry,
                  absl::StrCat(source.path, mount.mount_point, " is a ", mount.type,
                               " of the host and would come along"),
                  "unmount it, or bind the folders beside it by themselves");
  }
  return absl::OkStatus();
}

using Children = std::multimap<uint64_t, const MountInfo*>;  // in the order of the table

// Kernel: a new mount namespace gets no copy of mounts that hold a mount namespace themselves, so
// that they cannot be cloned from there.
void AddChildren(const Children& children, uint64_t parent, ResolvedSource* source) {
  const auto [first, last] = children.equal_range(parent);
  for (auto child = first; child != last; ++child) {
    const MountInfo& mount = *child->second;
    // The first mount of a namespace can be its own parent.
    if (mount.id == parent || !PathIsBelow(mount.mount_point, source->path)) continue;
    if (mount.type == "nsfs" && absl::StartsWith(mount.root, "mnt:")) continue;
    source->below.push_back(mount);
    const size_t shared = source->path == "/" ? 0 : source->path.size();
    source->below.back().mount_point.erase(0, shared);
  }
}

// The part of the file system that a clone at `path` of this mount shows.
std::string RootOfClone(const MountInfo& mount, const std::string& path) {
  std::string rest = path.substr(mount.mount_point == "/" ? 0 : mount.mount_point.size());
  if (rest == "/") rest.clear();
  if (rest.empty()) return mount.root;
  return mount.root == "/" ? rest : mount.root + rest;
}

// A job that root starts runs as an id that owns nothing; say now what would be EACCES later.
absl::Status CheckUsableByStranger(const v1::MountEntry& entry, const ResolvedSource& source) {
  const uint32_t mode = source.info.mode;
  const uint32_t need = source.info.IsDirectory() ? kOthersEnter : kOthersRead;
  if ((mode & need) == 0) {
    return Refuse(
        entry,
        absl::StrCat(source.path, " has mode ", absl::Hex(mode >> 6 & 7), absl::Hex(mode >> 3 & 7),
                     absl::Hex(mode & 7), ": the job runs as an unprivileged id and cannot use it"),
        absl::StrCat("chmod o+", source.info.IsDirectory() ? "rx " : "r ", source.path));
  }
  return absl::OkStatus();
}

// A writable source decides the job's ids, or is writable for everybody.
absl::Status TakeOwner(const v1::MountEntry& entry, const ResolvedSource& source,
                       ResolvedSources* all) {
  if (source.info.uid == 0) {
    if ((source.info.mode & kOthersWrite) != 0) return absl::OkStatus();
    return Refuse(entry,
                  absl::StrCat(source.path,
                               " belongs to root, and a job that root starts is nobody: it could "
                               "not write there"),
                  absl::StrCat("chown it to an unprivileged user (the job then runs as that user): "
                               "chown 65534:65534 ",
                               source.path));
  }
  if (all->has_owner && all->owner.uid != source.info.uid) {
    return Refuse(entry,
                  absl::StrCat("writable binds belong to different users (", all->owner.uid,
                               " and ", source.info.uid, ")"),
                  "give them all to one unprivileged user");
  }
  all->has_owner = true;
  all->owner = {source.info.uid, source.info.gid == 0 ? source.info.uid : source.info.gid};
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<MountInfo>> OwnMounts() {
  CORDON_ASSIGN_OR_RETURN(const std::string text,
                          ReadAt(kCwd, "/proc/self/mountinfo", kMountInfoLimit));
  return ParseMountInfo(text);
}

std::string FileSystemOf(const MountInfo& mount) {
  return absl::StrCat(mount.type, " ", mount.device);
}

absl::Status TakeSourceMounts(const std::vector<MountInfo>& table, ResolvedSources* sources) {
  Children children;
  std::map<uint64_t, const MountInfo*> by_id;
  for (const MountInfo& mount : table) {
    children.emplace(mount.parent, &mount);
    by_id[mount.id] = &mount;
    sources->file_systems.insert(FileSystemOf(mount));
  }
  for (ResolvedSource& source : sources->entry) {
    if (!source.present) continue;
    const auto found = by_id.find(source.info.mount);
    if (found == by_id.end() || !PathIsBelow(source.path, found->second->mount_point)) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("/proc/self/mountinfo does not show the mount of ", source.path))
          .Layer("mount")
          .Hint("it was unmounted just now, or this /proc is not that of the caller; run it again");
    }
    source.mount = *found->second;
    source.mount.root = RootOfClone(source.mount, source.path);
    if (source.info.IsDirectory()) {
      AddChildren(children, source.mount.id, &source);
      for (size_t i = 0; i < source.below.size(); ++i) {
        AddChildren(children, source.below[i].id, &source);
      }
    }
    source.mount.mount_point.clear();
  }
  return absl::OkStatus();
}

absl::StatusOr<ResolvedSources> ResolveSources(const v1::MountPlan& plan, bool privileged) {
  ResolvedSources all;
  for (const v1::MountEntry& entry : plan.entry()) {
    ResolvedSource source;
    if (entry.kind() == v1::MountEntry::BIND) {
      CORDON_ASSIGN_OR_RETURN(source, ResolveBind(entry));
      if (!source.present) {
        all.skipped.push_back(absl::StrCat(entry.field(), ": ", entry.source()));
      }
    } else if (entry.kind() == v1::MountEntry::DEVICE) {
      CORDON_ASSIGN_OR_RETURN(source.info, StatPath(entry.source()));
      const uint64_t wanted =
          static_cast<uint64_t>(entry.device_major()) << 32 | entry.device_minor();
      if (!source.info.IsCharDevice() || source.info.rdev != wanted) {
        return Refuse(entry,
                      absl::StrCat(entry.source(), " of the host is not the device ",
                                   entry.device_major(), ":", entry.device_minor()),
                      "the host's /dev is broken or hostile; repair it first");
      }
      source.path = entry.source();
      source.present = true;
    }
    if (privileged && source.present && entry.kind() == v1::MountEntry::BIND) {
      if (!entry.read_only()) CORDON_RETURN_IF_ERROR(TakeOwner(entry, source, &all));
    }
    all.entry.push_back(std::move(source));
  }
  const uint64_t began = MonotonicNs();
  CORDON_ASSIGN_OR_RETURN(const std::vector<MountInfo> table, OwnMounts());
  CORDON_RETURN_IF_ERROR(TakeSourceMounts(table, &all));
  all.mounts_ns = MonotonicNs() - began;
  for (int i = 0; i < plan.entry_size(); ++i) {
    CORDON_RETURN_IF_ERROR(CheckBelow(plan.entry(i), all.entry[static_cast<size_t>(i)]));
  }
  if (!privileged) return all;
  for (int i = 0; i < plan.entry_size(); ++i) {
    const ResolvedSource& source = all.entry[static_cast<size_t>(i)];
    const bool own = all.has_owner && source.info.uid == all.owner.uid;
    if (plan.entry(i).kind() == v1::MountEntry::BIND && source.present && !own) {
      CORDON_RETURN_IF_ERROR(CheckUsableByStranger(plan.entry(i), source));
    }
  }
  return all;
}

absl::StatusOr<uint32_t> FreshHostId(uint32_t pid, absl::string_view id_map) {
  CORDON_ASSIGN_OR_RETURN(const std::vector<IdRange> ranges, ParseIdMap(id_map));
  const uint64_t wanted = uint64_t{kFirstHostId} + pid;
  uint64_t best = 0;
  for (const IdRange& range : ranges) {
    if (wanted >= range.inside && wanted - range.inside < range.count) {
      return static_cast<uint32_t>(wanted);
    }
    // In a container: the top half of its largest range, by pid.
    const uint64_t room = range.count / 2;
    if (room > 0) best = std::max(best, range.inside + range.count - 1 - pid % room);
  }
  if (best == 0 || best > 0xfffffffe) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "no unprivileged id is mapped in this user namespace")
        .Layer("userns")
        .Hint("root runs jobs under an id of its own; give this container more than one id");
  }
  return static_cast<uint32_t>(best);
}

}  // namespace cordon
