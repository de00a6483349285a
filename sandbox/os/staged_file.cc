// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/staged_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "policy/base/status.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

constexpr absl::string_view kPassing = ".cordon-";
constexpr size_t kRandomBytes = 8;

// Whether it is one that a killed writer of ours has left. To open a FIFO could wait: looked at
// before.
bool IsLeft(const FileInfo& info) {
  return info.IsRegular() && info.links == 1 && info.uid == ::geteuid();
}

absl::StatusOr<std::string> PassingName() {
  char random[kRandomBytes];
  if (::getrandom(random, sizeof(random), 0) != sizeof(random)) {
    return ErrnoStatus("getrandom", "", errno);
  }
  return absl::StrCat(kPassing, absl::BytesToHexString(absl::string_view(random, sizeof(random))));
}

}  // namespace

absl::StatusOr<StagedFile> StagedFile::Make(int dir_fd) {
  UniqueFd fd(::openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
  if (fd.valid()) {
    // Where there are no locks nobody gets one to remove it either.
    TryLock(fd.get()).IgnoreError();
    return StagedFile(dir_fd, std::move(fd), "");
  }
  // Kernel: a file system without it says EOPNOTSUPP, a kernel without it EISDIR or EINVAL.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    return ErrnoStatus("openat", "O_TMPFILE", errno);
  }
  return MakeNamed(dir_fd);
}

absl::StatusOr<StagedFile> StagedFile::MakeNamed(int dir_fd) {
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    CORDON_ASSIGN_OR_RETURN(std::string name, PassingName());
    CORDON_ASSIGN_OR_RETURN(UniqueFd fd,
                            OpenAt(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666));
    const absl::Status locked = TryLock(fd.get());
    // Somebody who sweeps here has found it before it was locked, and removes it.
    if (!locked.ok() && DetailsOf(locked)[0].errno_value() == EAGAIN) continue;
    const absl::StatusOr<FileInfo> info = StatFd(fd.get());
    StagedFile made(dir_fd, std::move(fd), std::move(name));
    if (!info.ok()) return info.status();
    if (info->links == 1) return made;
    made.name_.clear();
  }
  return Error(absl::StatusCode::kAborted, "files that are to be written are removed at once");
}

bool StagedFile::IsPassing(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kPassing) || name.size() != 2 * kRandomBytes) return false;
  return name.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : dir_fd_(other.dir_fd_), fd_(std::move(other.fd_)), name_(std::move(other.name_)) {
  other.name_.clear();
}

StagedFile::~StagedFile() {
  if (!name_.empty()) ::unlinkat(dir_fd_, name_.c_str(), 0);
}

// Of a file that has none.
absl::Status StagedFile::Name(const std::string& name) const {
  const std::string own = absl::StrCat("/proc/self/fd/", fd_.get());
  if (::linkat(AT_FDCWD, own.c_str(), dir_fd_, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus("linkat", name, errno);
}

absl::Status StagedFile::Replace(const std::string& name) {
  if (name_.empty()) {
    CORDON_ASSIGN_OR_RETURN(std::string passing, PassingName());
    CORDON_RETURN_IF_ERROR(Name(passing));
    name_ = std::move(passing);
  }
  if (::renameat(dir_fd_, name_.c_str(), dir_fd_, name.c_str()) != 0) {
    return ErrnoStatus("renameat", name, errno);
  }
  name_.clear();
  return absl::OkStatus();
}

absl::StatusOr<bool> StagedFile::Add(const std::string& name) {
  if (name_.empty()) {
    const absl::Status named = Name(name);
    if (named.ok()) return true;
    if (DetailsOf(named)[0].errno_value() == EEXIST) return false;
    return named;
  }
  if (::renameat2(dir_fd_, name_.c_str(), dir_fd_, name.c_str(), RENAME_NOREPLACE) == 0) {
    name_.clear();
    return true;
  }
  if (errno == EEXIST) return false;
  return ErrnoStatus("renameat2", name, errno);
}

absl::Status StagedFile::Settle(unsigned mode) {
  if (::fchmod(fd_.get(), mode) != 0) return ErrnoStatus("fchmod", "", errno);
  if (::fdatasync(fd_.get()) != 0) return ErrnoStatus("fdatasync", "", errno);
  return absl::OkStatus();
}

void RemoveLeftStages(int dir_fd, size_t most) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(dir_fd, most);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!StagedFile::IsPassing(name)) continue;
    const absl::StatusOr<UniqueFd> seen = OpenAt(dir_fd, name, O_PATH | O_NOFOLLOW);
    if (!seen.ok()) continue;
    const absl::StatusOr<FileInfo> info = StatFd(seen->get());
    if (!info.ok() || !IsLeft(*info)) continue;
    const absl::StatusOr<UniqueFd> fd =
        OpenAt(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!fd.ok() || !TryLock(fd->get()).ok()) continue;
    // Locked, so whoever wrote it is dead, or has given it its own name meanwhile.
    const absl::StatusOr<UniqueFd> still = OpenAt(dir_fd, name, O_PATH | O_NOFOLLOW);
    if (!still.ok()) continue;
    const absl::StatusOr<FileInfo> ours = StatFd(fd->get());
    const absl::StatusOr<FileInfo> there = StatFd(still->get());
    if (!ours.ok() || !there.ok() || !IsLeft(*ours) || ours->inode != there->inode ||
        ours->device != there->device) {
      continue;
    }
    ::unlinkat(dir_fd, name.c_str(), 0);
  }
}

}  // namespace cordon
