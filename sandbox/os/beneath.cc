// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/beneath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace cordon {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

}  // namespace

absl::StatusOr<UniqueFd> OpenBeneath(int dir_fd, const std::string& path, int flags) {
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  // EAGAIN: something was renamed meanwhile, somewhere on this host, and the kernel could not tell
  // whether it led out. Trying again is what openat2(2) says.
  constexpr int kTries = 100;
  long fd = -1;
  for (int i = 0; i < kTries; ++i) {
    fd = ::syscall(SYS_openat2, dir_fd, path.c_str(), &how, sizeof(how));
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  if (fd < 0) return ErrnoStatus("openat2", path, errno);
  return UniqueFd(static_cast<int>(fd));
}

absl::StatusOr<UniqueFd> OpenFolderBeneath(int dir_fd, const std::string& name) {
  if (::mkdirat(dir_fd, name.c_str(), 0777) != 0 && errno != EEXIST) {
    return ErrnoStatus("mkdirat", name, errno);
  }
  return OpenBeneath(dir_fd, name, O_PATH | O_DIRECTORY);
}

absl::StatusOr<Listing> ListAtMost(int dir_fd, size_t most) {
  UniqueFd copy(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy.valid()) return ErrnoStatus("openat", ".", errno);
  const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(copy.get()));
  if (dir == nullptr) return ErrnoStatus("fdopendir", ".", errno);
  copy.Release();  // closedir closes it
  Listing listing;
  for (;;) {
    errno = 0;  // the end and an error look the same but for this
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (listing.names.size() == most) {
      listing.more = true;
      break;
    }
    listing.names.push_back(name);
  }
  if (!listing.more && errno != 0) return ErrnoStatus("readdir", ".", errno);
  std::sort(listing.names.begin(), listing.names.end());
  return listing;
}

std::string KindOfFile(const FileInfo& info) {
  switch (info.mode & S_IFMT) {
    case S_IFREG:
      return "a regular file";
    case S_IFDIR:
      return "a folder";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
    case S_IFBLK:
      return "a device";
    default:
      return "nothing that is known";
  }
}

}  // namespace cordon
