// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/apparmor_memory.h"

#include <fcntl.h>

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "sandbox/os/apparmor.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/shared_file.h"

namespace cordon {
namespace {

// Somebody who sweeps holds a file for moments.
constexpr int kWaitMs = 1000;
constexpr int kTries = 5;

UniqueFd OwnFolder(int dir, const std::string& name) {
  absl::StatusOr<UniqueFd> folder = OpenAt(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!folder.ok()) return UniqueFd();
  const absl::StatusOr<FileInfo> info = StatFd(folder->get());
  constexpr uint32_t kOthersWrite = 022;
  const bool own = info.ok() && info->uid == EffectiveUid() && (info->mode & kOthersWrite) == 0;
  return own ? *std::move(folder) : UniqueFd();
}

// Namespaces and profiles are named without ":".
std::string KeyOf(absl::string_view policy_namespace, absl::string_view name) {
  return absl::StrCat(policy_namespace, ":", name);
}

}  // namespace

AppArmorMemory AppArmorMemory::Open() {
  return OpenIn(EffectiveUid() == 0 ? std::string("/run")
                                    : absl::StrCat("/run/user/", EffectiveUid()));
}

AppArmorMemory AppArmorMemory::OpenIn(const std::string& parent) {
  UniqueFd folder = OwnFolder(kCwd, parent);
  for (const char* name : {"cordon", "apparmor"}) {
    if (!folder.valid()) break;
    // Made by an earlier run, or now; what it is then is checked.
    MakeDirectoryAt(folder.get(), name, 0700).IgnoreError();
    folder = OwnFolder(folder.get(), name);
  }
  return AppArmorMemory(std::move(folder));
}

absl::StatusOr<UniqueFd> AppArmorMemory::Use(absl::string_view policy_namespace,
                                             absl::string_view name) const {
  if (!valid()) return UniqueFd();
  const std::string key = KeyOf(policy_namespace, name);
  for (int i = 0; i < kTries; ++i) {
    CORDON_ASSIGN_OR_RETURN(UniqueFd file,
                            OpenAt(folder_.get(), key, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    if (!LockShared(file.get(), kWaitMs)) break;
    // It may have been swept between the two calls: its profile is gone then.
    if (!HasName(file.get())) continue;
    Touch(file.get());
    return file;
  }
  return Error(absl::StatusCode::kUnavailable,
               absl::StrCat("somebody keeps the lock on the profile ", name))
      .Layer("apparmor");
}

std::string AppArmorMemory::HashOf(const UniqueFd& use) {
  if (!use.valid()) return "";
  const absl::StatusOr<std::string> text = Reread(use.get(), "hash");
  return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : "";
}

void AppArmorMemory::SetHash(const UniqueFd& use, absl::string_view hash) {
  // What cannot be kept is found out again by the next job.
  if (use.valid()) ReplaceContent(use.get(), "hash", absl::StrCat(hash, "\n")).IgnoreError();
}

void AppArmorMemory::Sweep(size_t most, uint64_t age_ns) const {
  if (!valid()) return;
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(folder_.get());
  if (!names.ok() || names->size() <= most) return;
  for (const std::string& key : *names) {
    const absl::StatusOr<UniqueFd> file = OpenAt(folder_.get(), key, O_RDWR | O_NOFOLLOW);
    if (!file.ok() || AgeNs(file->get()) < age_ns) continue;
    // Whoever comes now waits, and finds the file gone.
    if (!LockFile(file->get(), 0) || !HasName(file->get())) continue;
    const std::vector<std::string> parts = absl::StrSplit(key, ':');
    if (parts.size() != 2) continue;
    const absl::Status removed = RemoveAppArmorProfile(parts[0], parts[1]);
    if (removed.ok()) RemoveFileAt(folder_.get(), key).IgnoreError();
  }
}

}  // namespace cordon
