// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/shared_file.h"

#include <errno.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/os/file.h"

namespace cordon {
namespace {

int64_t Nanoseconds(const struct timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
}

}  // namespace

bool LockShared(int fd, int wait_ms) {
  for (int waited = 0;; ++waited) {
    if (::flock(fd, LOCK_SH | LOCK_NB) == 0) return true;
    if (waited >= wait_ms) return false;
    ::poll(nullptr, 0, 1);
  }
}

bool HasName(int fd) {
  struct stat info = {};
  return ::fstat(fd, &info) == 0 && info.st_nlink > 0;
}

uint64_t AgeNs(int fd) {
  struct stat info = {};
  struct timespec now = {};
  if (::fstat(fd, &info) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) return 0;
  const int64_t age = Nanoseconds(now) - Nanoseconds(info.st_mtim);
  return age > 0 ? static_cast<uint64_t>(age) : 0;
}

void Touch(int fd) { ::futimens(fd, nullptr); }

absl::Status ReplaceContent(int fd, absl::string_view name, absl::string_view content) {
  const ssize_t put = ::pwrite(fd, content.data(), content.size(), 0);
  if (put < 0) return ErrnoStatus("pwrite", name, errno);
  if (static_cast<size_t>(put) != content.size()) return ErrnoStatus("pwrite", name, EIO);
  if (::ftruncate(fd, put) != 0) return ErrnoStatus("ftruncate", name, errno);
  return absl::OkStatus();
}

absl::Status RemoveFileAt(int dir_fd, const std::string& name) {
  if (::unlinkat(dir_fd, name.c_str(), 0) != 0) return ErrnoStatus("unlinkat", name, errno);
  return absl::OkStatus();
}

}  // namespace cordon
