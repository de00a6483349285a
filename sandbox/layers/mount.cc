// SPDX-License-Identifier: Apache-2.0
// mount: sources are cloned with the caller's ids, then a tmpfs is built up in the order of the
// plan (parents first). Verified by mount_table.h: nothing missing, nothing extra, every flag.
#include <linux/mount.h>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/layers/layer.h"
#include "sandbox/layers/mount_table.h"

namespace cordon {
namespace {

using child::Op;
using child::Opcode;

OpOrigin OriginOf(const v1::MountEntry& entry) { return {"mount", entry.field(), entry.target()}; }

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
  const uint64_t attributes = MountAttributes(entry) & ~uint64_t{MOUNT_ATTR_RDONLY};
  op.c = entry.mode() | attributes << 32;
}

void LowerEntry(const LowerInput& input, int index, SetupBuilder* builder) {
  const v1::MountEntry& entry = input.plan.mount().entry(index);
  const ResolvedSource& source = input.sources.entry[static_cast<size_t>(index)];
  // What a bind shows belongs to the host and is never written by the set-up.
  const bool create = EnclosingBind(input.plan.mount(), input.sources, index) == nullptr;
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
      op.a = MountAttributes(entry);
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
  return CompareTable(ExpectedTable(input.plan.mount(), input.sources), input.sources, input.back);
}

}  // namespace cordon
