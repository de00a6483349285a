// SPDX-License-Identifier: Apache-2.0
#include "sandbox/files/places.h"

#include <fcntl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"

namespace cordon {

absl::StatusOr<WritablePlaces> WritablePlaces::Hold(const v1::MountPlan& plan,
                                                    const ReadBack& back) {
  WritablePlaces held;
  CORDON_ASSIGN_OR_RETURN(const UniqueFd root,
                          OpenAt(back.proc.get(), "root", O_PATH | O_DIRECTORY));
  for (const v1::MountEntry& entry : plan.entry()) {
    if (entry.kind() != v1::MountEntry::TMPFS || entry.read_only()) continue;
    CORDON_ASSIGN_OR_RETURN(UniqueFd fd, OpenInRoot(root.get(), entry.target()));
    CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(fd.get()));
    const auto verified = back.places.find(entry.target());
    if (verified == back.places.end() || verified->second.mount != info.mount ||
        verified->second.inode != info.inode || !info.IsDirectory()) {
      return Mismatch("mount", absl::StrCat("what is at ", entry.target()), "the mount of the plan",
                      absl::StrCat("mount ", info.mount));
    }
    held.places_.push_back({entry.target(), std::move(fd)});
  }
  return held;
}

absl::StatusOr<WritablePlaces::Found> WritablePlaces::Find(const std::string& path) const {
  const Place* deepest = nullptr;
  for (const Place& place : places_) {
    if (!PathIsBelow(path, place.target)) continue;
    if (deepest == nullptr || place.target.size() > deepest->target.size()) deepest = &place;
  }
  if (deepest == nullptr) {
    return Error(absl::StatusCode::kNotFound,
                 absl::StrCat(EscapeForPeople(path), " lies in no writable tmpfs"));
  }
  if (path == deepest->target) return Found{deepest->root.get(), "."};
  return Found{deepest->root.get(), path.substr(deepest->target.size() + 1)};
}

}  // namespace cordon
