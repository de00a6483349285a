// SPDX-License-Identifier: Apache-2.0
#include "sandbox/os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

absl::StatusCode CodeOf(int errno_value) {
  switch (errno_value) {
    case EPERM:
    case EACCES:
      return absl::StatusCode::kPermissionDenied;
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case EAGAIN:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kFailedPrecondition;
  }
}

// statx(2), because stat(2) does not tell the mount. An empty path means `dir_fd` itself.
absl::StatusOr<FileInfo> Look(int dir_fd, const std::string& path, const std::string& name) {
  struct statx s = {};
  const int flags = AT_NO_AUTOMOUNT | (path.empty() ? AT_EMPTY_PATH : 0);
  if (::statx(dir_fd, path.c_str(), flags, STATX_BASIC_STATS | STATX_MNT_ID, &s) != 0) {
    return ErrnoStatus("statx", name, errno);
  }
  FileInfo info;
  info.device = static_cast<uint64_t>(s.stx_dev_major) << 32 | s.stx_dev_minor;
  info.inode = s.stx_ino;
  info.mount = s.stx_mnt_id;
  info.rdev = static_cast<uint64_t>(s.stx_rdev_major) << 32 | s.stx_rdev_minor;
  info.size = s.stx_size;
  info.links = s.stx_nlink;
  info.mode = s.stx_mode;
  info.uid = s.stx_uid;
  info.gid = s.stx_gid;
  return info;
}

}  // namespace

void UniqueFd::Reset(int fd) {
  // Linux closes the descriptor even when close reports an error; there is nothing to retry.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

absl::Status ErrnoStatus(absl::string_view call, absl::string_view object, int errno_value) {
  Error error(CodeOf(errno_value), absl::StrCat(call, " failed"));
  error.Syscall(call, object, errno_value);
  if (errno_value == EMFILE) error.Hint("raise the caller's limit of open files (ulimit -n)");
  return error;
}

absl::StatusOr<UniqueFd> OpenAt(int dir_fd, const std::string& path, int flags, unsigned mode) {
  UniqueFd fd(::openat(dir_fd, path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd.valid()) return ErrnoStatus("openat", path, errno);
  return fd;
}

absl::StatusOr<std::string> ReadAll(int fd, absl::string_view name, size_t limit) {
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus("read", name, errno);
    if (got == 0) return text;
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > limit) {
      return Error(absl::StatusCode::kResourceExhausted,
                   absl::StrCat(name, " is larger than ", limit, " bytes"));
    }
  }
}

absl::StatusOr<UniqueFd> OpenInRoot(int root_fd, const std::string& path) {
  struct open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, root_fd, path.c_str(), &how, sizeof(how));
  if (fd < 0) return ErrnoStatus("openat2", path, errno);
  return UniqueFd(static_cast<int>(fd));
}

absl::StatusOr<std::string> ReadAt(int dir_fd, const std::string& path, size_t limit) {
  CORDON_ASSIGN_OR_RETURN(UniqueFd fd, OpenAt(dir_fd, path, O_RDONLY));
  return ReadAll(fd.get(), path, limit);
}

absl::StatusOr<std::string> ReadFrom(int fd, absl::string_view name, uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  size_t have = 0;
  while (have < size) {
    const ssize_t got =
        ::pread(fd, bytes.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus("pread", name, errno);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

absl::StatusOr<std::string> Reread(int fd, absl::string_view name) {
  if (::lseek(fd, 0, SEEK_SET) != 0) return ErrnoStatus("lseek", name, errno);
  constexpr size_t kLimit = size_t{64} * 1024;
  return ReadAll(fd, name, kLimit);
}

absl::Status WriteAt(int dir_fd, const std::string& path, absl::string_view text) {
  CORDON_ASSIGN_OR_RETURN(UniqueFd fd, OpenAt(dir_fd, path, O_WRONLY));
  const ssize_t put = ::write(fd.get(), text.data(), text.size());
  if (put < 0) return ErrnoStatus("write", path, errno);
  if (static_cast<size_t>(put) != text.size()) return ErrnoStatus("write", path, EIO);
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, absl::string_view name, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return ErrnoStatus("write", name, errno);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return absl::OkStatus();
}

bool LockFile(int fd, int wait_ms) {
  for (int waited = 0;; ++waited) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (waited >= wait_ms) return false;
    ::poll(nullptr, 0, 1);
  }
}

absl::Status TryLock(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return ErrnoStatus("flock", "", errno);
  return absl::OkStatus();
}

absl::Status Truncate(int fd, absl::string_view name, uint64_t size) {
  if (::ftruncate(fd, static_cast<off_t>(size)) != 0) return ErrnoStatus("ftruncate", name, errno);
  return absl::OkStatus();
}

absl::Status RenameFile(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return ErrnoStatus("rename", to, errno);
  return absl::OkStatus();
}

void RemoveFile(const std::string& path) { ::unlink(path.c_str()); }

absl::StatusOr<UniqueFd> Duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy.valid()) return ErrnoStatus("fcntl", "F_DUPFD_CLOEXEC", errno);
  return copy;
}

absl::Status CheckDescriptor(int fd, absl::string_view name) {
  if (::fcntl(fd, F_GETFD) < 0) return ErrnoStatus("fcntl", absl::StrCat(name, " ", fd), errno);
  return absl::OkStatus();
}

absl::Status MakeDirectoryAt(int dir_fd, const std::string& name, unsigned mode) {
  if (::mkdirat(dir_fd, name.c_str(), mode) != 0) return ErrnoStatus("mkdirat", name, errno);
  // The caller's umask may be anything, 0777 too.
  if (::fchmodat(dir_fd, name.c_str(), mode, 0) != 0) {
    const int error = errno;
    ::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR);
    return ErrnoStatus("fchmodat", name, error);
  }
  return absl::OkStatus();
}

absl::Status ChangeOwner(int fd, uint32_t uid, uint32_t gid) {
  if (::fchown(fd, uid, gid) != 0) return ErrnoStatus("fchown", "", errno);
  return absl::OkStatus();
}

absl::Status RemoveDirectoryAt(int dir_fd, const std::string& name) {
  if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) != 0) {
    return ErrnoStatus("unlinkat", name, errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListDirectory(int dir_fd, size_t most) {
  const int copy = ::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return ErrnoStatus("openat", ".", errno);
  DIR* dir = ::fdopendir(copy);
  if (dir == nullptr) {
    const int error = errno;
    ::close(copy);
    return ErrnoStatus("fdopendir", ".", error);
  }
  std::vector<std::string> names;
  int error = 0;
  while (names.size() < most) {
    errno = 0;  // the end and an error look the same but for this
    const dirent* entry = ::readdir(dir);
    if (entry == nullptr) {
      error = errno;
      break;
    }
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(dir);
  if (error != 0) return ErrnoStatus("readdir", ".", error);
  return names;
}

bool FileInfo::IsDirectory() const { return S_ISDIR(mode); }
bool FileInfo::IsRegular() const { return S_ISREG(mode); }
bool FileInfo::IsCharDevice() const { return S_ISCHR(mode); }
bool FileInfo::IsFifo() const { return S_ISFIFO(mode); }

absl::StatusOr<FileInfo> StatPath(const std::string& path) { return Look(kCwd, path, path); }

absl::StatusOr<FileInfo> StatFd(int fd) { return Look(fd, "", absl::StrCat("fd ", fd)); }

absl::StatusOr<std::string> RealPath(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), &::free);
  if (real == nullptr) return ErrnoStatus("realpath", path, errno);
  return std::string(real.get());
}

absl::StatusOr<std::string> ReadLinkAt(int dir_fd, const std::string& path) {
  char buffer[PATH_MAX];
  const ssize_t size = ::readlinkat(dir_fd, path.c_str(), buffer, sizeof(buffer));
  if (size < 0) return ErrnoStatus("readlinkat", path, errno);
  return std::string(buffer, static_cast<size_t>(size));
}

absl::Status EnsureStdio() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is this one: those below are open.
    if (::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd) {
      return ErrnoStatus("open", "/dev/null", errno);
    }
  }
  return absl::OkStatus();
}

std::string CurrentDirectory() {
  char buffer[PATH_MAX];
  const char* cwd = ::getcwd(buffer, sizeof(buffer));
  return cwd != nullptr && cwd[0] == '/' ? std::string(cwd) : std::string();
}

absl::Status CheckWritable(int dir_fd, const std::string& path) {
  if (::faccessat(dir_fd, path.c_str(), W_OK, AT_EACCESS) == 0) return absl::OkStatus();
  return ErrnoStatus("faccessat", path, errno);
}

bool MayWrite(int dir_fd, const std::string& path) { return CheckWritable(dir_fd, path).ok(); }

absl::StatusOr<SharedMemory> SharedMemory::Make(size_t size) {
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return ErrnoStatus("mmap", "shared region", errno);
  SharedMemory memory;
  memory.data_ = data;
  memory.size_ = size;
  return memory;
}

absl::Status SharedMemory::KeepFromLaterChildren() {
  if (::madvise(data_, size_, MADV_DONTFORK) == 0) return absl::OkStatus();
  return ErrnoStatus("madvise", "shared region", errno);
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace cordon
