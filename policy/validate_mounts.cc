// SPDX-License-Identifier: Apache-2.0
// Checks of binds, tmpfs, proc, dev, masked paths, symlinks and files, and of how they lie to each
// other. See validate_mounts.h.
#include "policy/validate_mounts.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/field_path.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/base/units.h"

namespace cordon {
namespace {

constexpr uint64_t kLargestTmpfsSum = uint64_t{64} << 30;
constexpr absl::string_view kDevices[] = {"null", "zero", "full", "random", "urandom"};

enum class TargetKind { kMount, kSymlink, kFile };

class MountChecker {
 public:
  MountChecker(const v1::Mounts& mounts, Violations* violations)
      : mounts_(mounts), violations_(*violations) {}

  void Run() {
    Binds();
    TmpfsMounts();
    Symlinks();
    Files();
    Masked();
    Devices();
    TmpfsSum();
    Overlaps();
  }

 private:
  struct Target {
    std::string field;
    TargetKind kind;
  };

  // A path inside: canonical, not the root, not in what the kernel mounts, not used before.
  void AddTarget(absl::string_view path, const std::string& field, TargetKind kind) {
    absl::StatusOr<std::string> canonical = CanonicalAbsolutePath(path);
    if (!canonical.ok()) {
      violations_.AddIfError(field, canonical.status());
      return;
    }
    if (*canonical == "/") {
      violations_.Add(field, "\"/\" is the root of the sandbox and cannot be a target",
                      "mount below it");
      return;
    }
    if (mounts_.has_proc() && PathIsBelow(*canonical, "/proc")) {
      violations_.Add(
          field, absl::StrCat("\"", *canonical, "\" lies in /proc, which mounts.proc takes whole"));
    }
    if (mounts_.has_dev() && PathIsBelow(*canonical, "/dev")) {
      violations_.Add(
          field, absl::StrCat("\"", *canonical, "\" lies in /dev, which mounts.dev takes whole"),
          *canonical == "/dev/shm" ? "set mounts.dev.shm_size" : "");
    }
    const auto [earlier, is_new] = targets_.try_emplace(*canonical, Target{field, kind});
    if (!is_new) {
      violations_.Add(field, absl::StrCat("\"", *canonical, "\" is the target of ",
                                          earlier->second.field, " already"));
    }
  }

  void Binds() {
    for (int i = 0; i < mounts_.bind_size(); ++i) {
      const v1::Bind& bind = mounts_.bind(i);
      const std::string path = IndexedField("mounts.bind", static_cast<size_t>(i));
      CheckBind(bind, path, &violations_);
      if (!bind.target().empty()) {
        AddTarget(bind.target(), ChildField(path, "target"), TargetKind::kMount);
      } else if (CanonicalAbsolutePath(bind.source()).ok() && bind.source() != "/") {
        AddTarget(bind.source(), ChildField(path, "source"), TargetKind::kMount);
      }
    }
  }

  void TmpfsMounts() {
    for (int i = 0; i < mounts_.tmpfs_size(); ++i) {
      const std::string path = IndexedField("mounts.tmpfs", static_cast<size_t>(i));
      AddTarget(mounts_.tmpfs(i).target(), ChildField(path, "target"), TargetKind::kMount);
      violations_.CheckQuantities(mounts_.tmpfs(i), path);
    }
  }

  void Symlinks() {
    for (int i = 0; i < mounts_.symlink_size(); ++i) {
      const std::string path = IndexedField("mounts.symlink", static_cast<size_t>(i));
      AddTarget(mounts_.symlink(i).path(), ChildField(path, "path"), TargetKind::kSymlink);
      if (mounts_.symlink(i).target().empty()) {
        violations_.Add(ChildField(path, "target"), "is required");
      }
    }
  }

  void Files() {
    for (int i = 0; i < mounts_.file_size(); ++i) {
      const std::string path = IndexedField("mounts.file", static_cast<size_t>(i));
      AddTarget(mounts_.file(i).path(), ChildField(path, "path"), TargetKind::kFile);
    }
  }

  void Masked() {
    for (int i = 0; i < mounts_.masked_size(); ++i) {
      const std::string field = IndexedField("mounts.masked", static_cast<size_t>(i));
      const absl::StatusOr<std::string> path = CanonicalAbsolutePath(mounts_.masked(i));
      violations_.AddIfError(field, path.status());
      if (path.ok() && *path == "/") violations_.Add(field, "\"/\" would hide everything");
    }
  }

  void Devices() {
    if (!mounts_.has_dev()) return;
    violations_.CheckQuantities(mounts_.dev(), "mounts.dev");
    for (int i = 0; i < mounts_.dev().device_size(); ++i) {
      bool known = false;
      for (const absl::string_view device : kDevices) known |= mounts_.dev().device(i) == device;
      if (known) continue;
      violations_.Add(IndexedField("mounts.dev.device", static_cast<size_t>(i)),
                      absl::StrCat("\"", EscapeForPeople(mounts_.dev().device(i)),
                                   "\" is not one of null, zero, full, random, urandom"));
    }
  }

  // All of it is memory: a sum beyond any machine is a mistake, and must not wrap.
  void TmpfsSum() {
    uint64_t sum = 0;
    std::vector<std::string> sizes;
    for (const v1::Tmpfs& tmpfs : mounts_.tmpfs()) sizes.push_back(tmpfs.size());
    if (mounts_.dev().has_shm_size()) sizes.push_back(mounts_.dev().shm_size());
    for (const std::string& size : sizes) {
      const absl::StatusOr<uint64_t> bytes = ParseSize(size);
      if (bytes.ok() && *bytes <= kLargestTmpfsSum) sum += *bytes;
    }
    if (sum > kLargestTmpfsSum) {
      violations_.Add("mounts.tmpfs",
                      absl::StrCat("all sizes with mounts.dev.shm_size make ", FormatSize(sum),
                                   "; at most ", FormatSize(kLargestTmpfsSum), " is allowed"));
    }
  }

  // Symlinks and files are entries of the root tmpfs: nothing can lie below them, and a mount above
  // them would hide them.
  void Overlaps() {
    for (const auto& [path, target] : targets_) {
      for (absl::string_view above = ParentPath(path); above != "/"; above = ParentPath(above)) {
        const auto found = targets_.find(std::string(above));
        if (found == targets_.end()) continue;
        const bool above_is_mount = found->second.kind == TargetKind::kMount;
        if (above_is_mount && target.kind == TargetKind::kMount) continue;
        violations_.Add(
            target.field,
            absl::StrCat("\"", path, "\" lies below \"", above, "\" of ", found->second.field,
                         above_is_mount ? ", which would hide it" : ", which is no directory"));
        break;
      }
    }
  }

  const v1::Mounts& mounts_;
  Violations& violations_;
  std::map<std::string, Target> targets_;  // canonical path -> who asked for it
};

}  // namespace

absl::Status CheckBindSource(absl::string_view canonical) {
  const auto refuse = [](absl::string_view message, absl::string_view hint) -> absl::Status {
    return Error(absl::StatusCode::kInvalidArgument, message).Hint(hint);
  };
  if (canonical == "/") {
    return refuse("the whole file system of the host cannot be bound",
                  "name the directories that the job needs");
  }
  if (PathIsBelow(canonical, "/proc")) {
    return refuse("the host's /proc shows its processes and cannot be bound", "use mounts.proc");
  }
  if (PathIsBelow(canonical, "/sys/fs/cgroup") || PathIsBelow("/sys/fs/cgroup", canonical)) {
    // A process with the caller's uid may write every limit that it can see.
    return refuse("the host's control groups hold the limits of jobs and cannot be bound",
                  "name the folders of /sys that the job needs, such as /sys/devices/system/cpu");
  }
  if (canonical == "/dev") {
    return refuse("the host's /dev holds its devices and cannot be bound whole", "use mounts.dev");
  }
  return absl::OkStatus();
}

void CheckBind(const v1::Bind& bind, absl::string_view path, Violations* violations) {
  const std::string field = ChildField(path, "source");
  if (bind.source().empty()) {
    violations->Add(field, "is required");
    return;
  }
  const absl::StatusOr<std::string> source = CanonicalAbsolutePath(bind.source());
  if (!source.ok()) {
    violations->AddIfError(field, source.status());
    return;
  }
  const absl::Status allowed = CheckBindSource(*source);
  if (!allowed.ok()) {
    violations->Add(field, std::string(allowed.message()), DetailsOf(allowed)[0].hint());
  }
}

void CheckMounts(const v1::Mounts& mounts, Violations* violations) {
  MountChecker(mounts, violations).Run();
}

}  // namespace cordon
