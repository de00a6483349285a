// SPDX-License-Identifier: Apache-2.0
#include "policy/apparmor/narrowed_mounts.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/base/path.h"

namespace cordon {
namespace {

using Kind = v1::MountEntry;

// The entry of the unchanged plan that shows what is at `path`; null when it is nothing that a file
// rule can narrow.
const v1::MountEntry* MountOf(const v1::MountPlan& plan, absl::string_view path) {
  const v1::MountEntry* deepest = nullptr;
  for (const v1::MountEntry& entry : plan.entry()) {
    if (entry.kind() == Kind::MASK || !PathIsBelow(path, entry.target())) continue;
    if (deepest == nullptr || entry.target().size() >= deepest->target().size()) deepest = &entry;
  }
  if (deepest == nullptr) return nullptr;
  const bool sealed = deepest->kind() == Kind::TMPFS && deepest->read_only();
  if (deepest->kind() != Kind::BIND && (deepest->kind() != Kind::TMPFS || sealed)) return nullptr;
  return deepest;
}

v1::MountEntry Narrowed(const v1::MountEntry& mount, const v1::FileRule& file, std::string field) {
  v1::MountEntry entry = mount;
  // A read-only tmpfs would be one that is sealed.
  entry.set_kind(Kind::BIND);
  entry.set_target(file.path());
  if (mount.kind() == Kind::BIND) {
    entry.set_source(
        absl::StrCat(mount.source(), absl::string_view(file.path()).substr(mount.target().size())));
  }
  entry.set_field(std::move(field));
  if (file.access() != v1::FileRule::WRITE) entry.set_read_only(true);
  if (file.access() == v1::FileRule::READ) entry.set_no_exec(true);
  return entry;
}

// In place of the entry of the same target, or right behind the last one that holds it: before
// everything that lies in it.
void Lay(v1::MountEntry narrowed, v1::MountPlan* plan) {
  int behind = 0;
  for (int i = 0; i < plan->entry_size(); ++i) {
    v1::MountEntry& entry = *plan->mutable_entry(i);
    if (entry.kind() == Kind::MASK || !PathIsBelow(narrowed.target(), entry.target())) continue;
    if (entry.target() == narrowed.target()) {
      entry = std::move(narrowed);
      return;
    }
    behind = i + 1;
  }
  *plan->add_entry() = std::move(narrowed);
  for (int i = plan->entry_size() - 1; i > behind; --i) {
    plan->mutable_entry()->SwapElements(i, i - 1);
  }
}

}  // namespace

v1::MountPlan NarrowedMounts(const v1::MountPlan& plan,
                             const google::protobuf::RepeatedPtrField<v1::FileRule>& files) {
  v1::MountPlan out = plan;
  for (int i = 0; i < files.size(); ++i) {
    const v1::MountEntry* mount = MountOf(plan, files[i].path());
    if (mount == nullptr) continue;
    Lay(Narrowed(*mount, files[i], IndexedField("landlock.file", static_cast<size_t>(i))), &out);
  }
  return out;
}

}  // namespace cordon
