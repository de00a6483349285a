// SPDX-License-Identifier: Apache-2.0
// Files and directories by descriptor. Every failure is a Status that names the call, the object
// and the errno. Nothing follows a link unless it says so.
#ifndef CORDON_SANDBOX_OS_FILE_H_
#define CORDON_SANDBOX_OS_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// A Status for a failed call: code by errno, ErrorDetail with call, object and errno.
absl::Status ErrnoStatus(absl::string_view call, absl::string_view object, int errno_value);

// openat(2) with O_CLOEXEC added. `dir_fd` may be AT_FDCWD (kCwd).
inline constexpr int kCwd = -100;
absl::StatusOr<UniqueFd> OpenAt(int dir_fd, const std::string& path, int flags, unsigned mode = 0);

// openat2(2) with O_PATH of a path as it is meant below `root_fd`: links and ".." cannot lead out.
absl::StatusOr<UniqueFd> OpenInRoot(int root_fd, const std::string& path);

// The whole of a small file, at most `limit` bytes (RESOURCE_EXHAUSTED above).
absl::StatusOr<std::string> ReadAt(int dir_fd, const std::string& path, size_t limit = 1 << 20);
absl::StatusOr<std::string> ReadAll(int fd, absl::string_view name, size_t limit);
// `size` bytes of a file from `offset` on, wherever its position is; less where it ends.
absl::StatusOr<std::string> ReadFrom(int fd, absl::string_view name, uint64_t offset, size_t size);

// Reads a small file of the kernel again from its start through the same descriptor: a poll of it
// reports only what came after this (kernfs).
absl::StatusOr<std::string> Reread(int fd, absl::string_view name);

// One write(2) of the whole text into an existing file, as kernel interfaces want it.
absl::Status WriteAt(int dir_fd, const std::string& path, absl::string_view text);
// Writes everything, however many calls it takes.
absl::Status WriteAll(int fd, absl::string_view name, absl::string_view bytes);

// flock(LOCK_EX), tried for at most `wait_ms`; released when the last copy of `fd` is closed.
bool LockFile(int fd, int wait_ms);
// The same once, with the reason: EAGAIN when somebody else holds the lock.
absl::Status TryLock(int fd);

absl::Status Truncate(int fd, absl::string_view name, uint64_t size);
absl::Status RenameFile(const std::string& from, const std::string& to);
void RemoveFile(const std::string& path);
absl::StatusOr<UniqueFd> Duplicate(int fd);
// OK when `fd` is open; `name` is for the message.
absl::Status CheckDescriptor(int fd, absl::string_view name);

absl::Status MakeDirectoryAt(int dir_fd, const std::string& name, unsigned mode);
absl::Status RemoveDirectoryAt(int dir_fd, const std::string& name);
// Names in a directory, without "." and ".."; the first `most` that the kernel gives.
absl::StatusOr<std::vector<std::string>> ListDirectory(int dir_fd, size_t most = SIZE_MAX);

struct FileInfo {
  uint64_t device = 0;  // major << 32 | minor
  uint64_t inode = 0;
  uint64_t mount = 0;  // id of the mount that it was reached by, as in mountinfo
  uint64_t rdev = 0;   // major << 32 | minor
  uint64_t size = 0;
  uint32_t links = 0;  // names that it has
  uint32_t mode = 0;   // type and permissions
  uint32_t uid = 0;
  uint32_t gid = 0;
  bool IsDirectory() const;
  bool IsRegular() const;
  bool IsCharDevice() const;
  bool IsFifo() const;
};

// Follows links.
absl::StatusOr<FileInfo> StatPath(const std::string& path);
absl::StatusOr<FileInfo> StatFd(int fd);
// Absolute path without links, ".", "..".
absl::StatusOr<std::string> RealPath(const std::string& path);
absl::StatusOr<std::string> ReadLinkAt(int dir_fd, const std::string& path);
std::string CurrentDirectory();
absl::Status ChangeOwner(int fd, uint32_t uid, uint32_t gid);
// Opens /dev/null on each of 0, 1 and 2 that is closed, so that no later descriptor lands there.
absl::Status EnsureStdio();
// True when the caller's effective ids may open the path for writing (faccessat2 AT_EACCESS).
bool MayWrite(int dir_fd, const std::string& path);
absl::Status CheckWritable(int dir_fd, const std::string& path);  // the same with the reason

// A zero-filled mapping shared with later children. Unmapped on destruction.
class SharedMemory {
 public:
  SharedMemory() = default;
  static absl::StatusOr<SharedMemory> Make(size_t size);
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();
  void* data() const { return data_; }
  // The children that are there keep it; those that are made from now on do not get it.
  absl::Status KeepFromLaterChildren();

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_OS_FILE_H_
