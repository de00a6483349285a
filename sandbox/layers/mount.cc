// SPDX-License-Identifier: Apache-2.0
// mount: sources are cloned with the caller's ids, then a tmpfs is built up in the order of the
// plan (parents first). Verified entry by entry: nothing missing, nothing extra, every flag.
#include <fcntl.h>
#include <linux/mount.h>

#include <algorithm>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/layers/layer.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;

OpOrigin OriginOf(const v1::MountEntry& entry) { return {"mount", entry.field(), entry.target()}; }

uint64_t AttributesOf(const v1::MountEntry& entry) {
  uint64_t attributes = MOUNT_ATTR_NOSUID;
  if (entry.kind() != v1::MountEntry::DEVICE) attributes |= MOUNT_ATTR_NODEV;
  if (entry.read_only()) attributes |= MOUNT_ATTR_RDONLY;
  if (entry.no_exec()) attributes |= MOUNT_ATTR_NOEXEC;
  return attributes;
}

// The deepest earlier entry that the target lies in decides whether it may be created there: what
// a bind shows belongs to the host and is never written by the set-up.
bool OnOurTmpfs(const v1::MountPlan& plan, const ResolvedSources& sources, int index) {
  const std::string& target = plan.entry(index).target();
  bool ours = true;
  size_t longest = 0;
  for (int i = 0; i < index; ++i) {
    const v1::MountEntry& other = plan.entry(i);
    const bool covers =
        other.kind() == v1::MountEntry::TMPFS ||
        (other.kind() == v1::MountEntry::BIND && sources.entry[static_cast<size_t>(i)].present);
    if (!covers || !PathIsBelow(target, other.target()) || target == other.target()) continue;
    if (other.target().size() < longest) continue;
    longest = other.target().size();
    ours = other.kind() == v1::MountEntry::TMPFS;
  }
  return ours;
}

void LowerOpen(const LowerInput& input, SetupBuilder* builder) {
  for (int i = 0; i < input.plan.mount().entry_size(); ++i) {
    const v1::MountEntry& entry = input.plan.mount().entry(i);
    const ResolvedSource& source = input.sources.entry[static_cast<size_t>(i)];
    if (!source.present) continue;
    const uint32_t text = builder->Text(source.path);
    Op& op = builder->Add(Opcode::kOpenTree,
                          {"mount", absl::StrCat(entry.field(), ".source"), source.path});
    op.data = text;
    op.slot = i;
    if (entry.kind() == v1::MountEntry::DEVICE) {
      op.flags = child::kFlagDevice;
      op.a = source.info.rdev;
    } else {
      op.flags = source.info.IsDirectory() ? child::kFlagDirectory : 0;
      op.a = source.info.device;
      op.b = source.info.inode;
    }
  }
}

void LowerTmpfs(const v1::MountEntry& entry, uint16_t flags, SetupBuilder* builder) {
  const uint32_t text = builder->Text(entry.target());
  Op& op = builder->Add(Opcode::kMountTmpfs, OriginOf(entry));
  op.data = text;
  op.flags = flags;
  op.a = entry.size_bytes();
  op.b = entry.inodes();
  // A tmpfs that is to be read-only is filled first; SealTmpfs comes after everything in it.
  const uint64_t attributes = AttributesOf(entry) & ~uint64_t{MOUNT_ATTR_RDONLY};
  op.c = entry.mode() | attributes << 32;
}

void LowerEntry(const LowerInput& input, int index, SetupBuilder* builder) {
  const v1::MountEntry& entry = input.plan.mount().entry(index);
  const ResolvedSource& source = input.sources.entry[static_cast<size_t>(index)];
  const bool create = OnOurTmpfs(input.plan.mount(), input.sources, index);
  const uint16_t flags = create ? child::kFlagMayCreate : uint16_t{0};
  if (entry.kind() == v1::MountEntry::TMPFS) return LowerTmpfs(entry, flags, builder);
  const uint32_t target = builder->Text(entry.target());
  switch (entry.kind()) {
    case v1::MountEntry::BIND:
    case v1::MountEntry::DEVICE: {
      if (!source.present) return;
      Op& op = builder->Add(Opcode::kAttachTree, OriginOf(entry));
      op.data = target;
      op.slot = index;
      op.flags =
          static_cast<uint16_t>(flags | (source.info.IsDirectory() ? child::kFlagDirectory : 0));
      op.a = AttributesOf(entry);
      return;
    }
    case v1::MountEntry::PROC: {
      Op& op = builder->Add(Opcode::kMountProc, OriginOf(entry));
      op.data = target;
      op.flags =
          static_cast<uint16_t>(flags | (entry.process_only() ? child::kFlagProcessOnly : 0));
      return;
    }
    case v1::MountEntry::SYMLINK: {
      const uint32_t contents = builder->Text(entry.source());
      Op& op = builder->Add(Opcode::kMakeSymlink, OriginOf(entry));
      op.data = target;
      op.data2 = contents;
      return;
    }
    case v1::MountEntry::FILE: {
      const uint32_t content = builder->Bytes(entry.content());
      Op& op = builder->Add(Opcode::kMakeFile, OriginOf(entry));
      op.data = target;
      op.data2 = content;
      op.size2 = static_cast<uint32_t>(entry.content().size());
      op.a = entry.mode();
      return;
    }
    case v1::MountEntry::DIRECTORY: {
      Op& op = builder->Add(Opcode::kMakeDirectory, OriginOf(entry));
      op.data = target;
      op.a = entry.mode();
      return;
    }
    case v1::MountEntry::MASK:
      builder->Add(Opcode::kMaskPath, OriginOf(entry)).data = target;
      return;
    default:
      return;
  }
}

bool IsMount(const v1::MountEntry& entry, const ResolvedSource& source) {
  switch (entry.kind()) {
    case v1::MountEntry::BIND:
    case v1::MountEntry::DEVICE:
      return source.present;
    case v1::MountEntry::TMPFS:
    case v1::MountEntry::PROC:
    case v1::MountEntry::MASK:
      return true;
    default:
      return false;
  }
}

absl::Status CheckFlags(const MountInfo& mount, const v1::MountEntry& entry, bool exact) {
  const struct {
    const char* name;
    bool wanted;
  } flags[] = {
      {"ro", entry.read_only() || entry.kind() == v1::MountEntry::MASK},
      {"nosuid", true},
      {"nodev", entry.kind() != v1::MountEntry::DEVICE},
      {"noexec", entry.no_exec() || entry.kind() == v1::MountEntry::MASK ||
                     entry.kind() == v1::MountEntry::PROC},
  };
  for (const auto& flag : flags) {
    const bool has = mount.Has(flag.name);
    // More restrictive than asked for is what locked flags of the host's mounts make of it.
    const bool fine = flag.wanted ? has
                                  : (!exact || !has || entry.kind() == v1::MountEntry::BIND ||
                                     entry.kind() == v1::MountEntry::DEVICE);
    if (!fine) {
      return Mismatch("mount", absl::StrCat(mount.mount_point, " ", flag.name),
                      flag.wanted ? "set" : "not set", has ? "set" : "not set");
    }
  }
  if (!mount.propagation.empty()) {
    return Mismatch("mount", absl::StrCat(mount.mount_point, " propagation"), "private",
                    mount.propagation[0]);
  }
  return absl::OkStatus();
}

// What is mounted must be of the planned kind: a flag says nothing about what is behind it.
absl::Status CheckKind(const MountInfo& mount, const v1::MountEntry& entry) {
  std::string type;
  if (entry.kind() == v1::MountEntry::PROC) type = "proc";
  if (entry.kind() == v1::MountEntry::TMPFS || entry.kind() == v1::MountEntry::MASK) type = "tmpfs";
  if (!type.empty() && mount.type != type) {
    return Mismatch("mount", mount.mount_point, type, mount.type);
  }
  const std::vector<std::string>& options = mount.super_options;
  if (entry.process_only() &&
      std::find(options.begin(), options.end(), "subset=pid") == options.end()) {
    return Mismatch("mount", absl::StrCat(mount.mount_point, " subset"), "pid", "everything");
  }
  return absl::OkStatus();
}

// A number that mountinfo shows as `name`=N or `name`=Nk, in the unit before the k. tmpfs says
// nothing of a number that equals its default (mm/shmem.c, shmem_show_options).
uint64_t OptionOr(const MountInfo& mount, absl::string_view name, uint64_t preset) {
  for (absl::string_view option : mount.super_options) {
    uint64_t value = 0;
    if (!absl::ConsumePrefix(&option, name) || !absl::ConsumePrefix(&option, "=")) continue;
    absl::ConsumeSuffix(&option, "k");
    if (absl::SimpleAtoi(option, &value)) return value;
  }
  return preset;
}

// The quota of a tmpfs; the plan's size is a whole number of pages.
absl::Status CheckQuota(const MountInfo& mount, uint64_t bytes, uint64_t inodes) {
  const uint64_t preset_pages = HostMemoryBytes() / PageSize() / 2;
  const uint64_t kib = OptionOr(mount, "size", preset_pages * (PageSize() / 1024));
  if (kib != bytes / 1024) {
    return Mismatch("mount", absl::StrCat(mount.mount_point, " size"),
                    absl::StrCat(bytes / 1024, "k"), absl::StrCat(kib, "k"));
  }
  const uint64_t found = OptionOr(mount, "nr_inodes", preset_pages);
  if (found == inodes) return absl::OkStatus();
  return Mismatch("mount", absl::StrCat(mount.mount_point, " inodes"), absl::StrCat(inodes),
                  absl::StrCat(found));
}

// The planned bind that an unplanned mount is a part of, or null.
const v1::MountEntry* EnclosingBind(const VerifyInput& input, const std::string& mount_point) {
  const v1::MountEntry* found = nullptr;
  for (int i = 0; i < input.plan.mount().entry_size(); ++i) {
    const v1::MountEntry& entry = input.plan.mount().entry(i);
    if (!IsMount(entry, input.sources.entry[static_cast<size_t>(i)])) continue;
    if (!PathIsBelow(mount_point, entry.target())) continue;
    if (found == nullptr || entry.target().size() >= found->target().size()) found = &entry;
  }
  return found != nullptr && found->kind() == v1::MountEntry::BIND ? found : nullptr;
}

// A mask whose path does not exist inside has nothing to cover; anything else must be mounted.
absl::Status CheckMissing(const VerifyInput& input, const v1::MountEntry& entry) {
  if (entry.kind() == v1::MountEntry::MASK) {
    const std::string path = absl::StrCat("root", entry.target());
    if (!OpenAt(input.back.proc.get(), path, O_PATH | O_NOFOLLOW).ok()) return absl::OkStatus();
  }
  return Mismatch("mount", entry.target(), "mounted", "not in mountinfo");
}

}  // namespace

absl::Status LowerMount(Phase phase, const LowerInput& input, SetupBuilder* builder) {
  if (phase == Phase::kOpen) LowerOpen(input, builder);
  if (phase != Phase::kBuild) return absl::OkStatus();
  const v1::MountPlan& plan = input.plan.mount();
  if (plan.entry_size() > child::kMaxSlots) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("at most ", child::kMaxSlots, " mounts are possible"))
        .Layer("mount");
  }
  // Links and files go first where they are in the root, but the plan's order is already
  // parents first, and masks last.
  for (int i = 0; i < plan.entry_size(); ++i) LowerEntry(input, i, builder);
  for (const v1::MountEntry& entry : plan.entry()) {
    if (entry.kind() != v1::MountEntry::TMPFS || !entry.read_only()) continue;
    const uint32_t target = builder->Text(entry.target());
    builder->Add(Opcode::kSealTmpfs, OriginOf(entry)).data = target;
  }
  builder->Add(Opcode::kOpenProc, {"mount", "", "proc"});
  builder->Add(Opcode::kLimitNamespaces, {"mount", "", "user.max_*_namespaces"});
  return absl::OkStatus();
}

absl::Status VerifyMount(const VerifyInput& input) {
  std::map<std::string, const MountInfo*> seen;  // the topmost mount of each place
  for (const MountInfo& mount : input.back.mounts) seen[mount.mount_point] = &mount;
  const auto root = seen.find("/");
  if (root == seen.end() || root->second->type != "tmpfs" || !root->second->Has("ro")) {
    return Mismatch("mount", "/", "a read-only tmpfs",
                    root == seen.end() ? "nothing" : root->second->type);
  }
  const v1::MountPlan& plan = input.plan.mount();
  CORDON_RETURN_IF_ERROR(CheckQuota(*root->second, plan.root_size_bytes(), plan.root_inodes()));
  seen.erase(root);
  for (int i = 0; i < input.plan.mount().entry_size(); ++i) {
    const v1::MountEntry& entry = input.plan.mount().entry(i);
    if (!IsMount(entry, input.sources.entry[static_cast<size_t>(i)])) continue;
    const auto it = seen.find(entry.target());
    if (it == seen.end()) {
      CORDON_RETURN_IF_ERROR(CheckMissing(input, entry));
      continue;
    }
    CORDON_RETURN_IF_ERROR(CheckKind(*it->second, entry));
    CORDON_RETURN_IF_ERROR(CheckFlags(*it->second, entry, true));
    if (entry.kind() == v1::MountEntry::TMPFS) {
      CORDON_RETURN_IF_ERROR(CheckQuota(*it->second, entry.size_bytes(), entry.inodes()));
    }
    seen.erase(it);
  }
  for (const auto& [place, mount] : seen) {
    const v1::MountEntry* bind = EnclosingBind(input, place);
    if (bind == nullptr) return Mismatch("mount", place, "no mount", mount->type);
    CORDON_RETURN_IF_ERROR(CheckFlags(*mount, *bind, false));
  }
  return absl::OkStatus();
}

}  // namespace cordon
