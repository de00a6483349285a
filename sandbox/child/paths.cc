// SPDX-License-Identifier: Apache-2.0
#include "sandbox/child/paths.h"

#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

namespace cordon::child {
namespace {

constexpr int kEnoent = 2;
constexpr int kEexist = 17;
constexpr int kEnametoolong = 36;
constexpr size_t kNameMax = 255;

const char* InBase(uint64_t value, unsigned base, char* buffer) {
  char* at = buffer + 23;
  *at = '\0';
  do {
    *--at = static_cast<char>('0' + value % base);
    value /= base;
  } while (value != 0);
  return at;
}

long OpenBelow(int dir, const char* name, uint64_t flags) {
  struct open_how how = {};
  // Not O_NOFOLLOW: a link at the end would then be opened itself, or be called "no directory".
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return Sys(__NR_openat2, dir, name, &how, sizeof(how));
}

// One component: opens it, and makes it first when it is missing and may be made.
long Descend(int dir, const char* name, bool directory, bool may_create) {
  const uint64_t flags = O_PATH | (directory ? static_cast<uint64_t>(O_DIRECTORY) : 0);
  const long fd = OpenBelow(dir, name, flags);
  if (fd != -kEnoent || !may_create) return fd;
  if (directory) {
    const long made = Sys(__NR_mkdirat, dir, name, 0755);
    if (made < 0 && made != -kEexist) return made;
  } else {
    const long made = Sys(__NR_openat, dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
    if (made < 0) return made;
    (void)Sys(__NR_close, made);
  }
  return OpenBelow(dir, name, flags);
}

// Walks to `path`; with `to_parent` it stops one component earlier.
OpResult Walk(int root_fd, const char* path, bool directory, bool may_create, bool to_parent,
              int* fd) {
  long dir = OpenBelow(root_fd, ".", O_PATH | O_DIRECTORY);
  if (dir < 0) return Check(KernelCall::k_openat2, dir);
  char name[kNameMax + 1];
  const char* at = path;
  while (*at == '/') ++at;
  while (*at != '\0') {
    size_t length = 0;
    while (at[length] != '\0' && at[length] != '/') ++length;
    if (length > kNameMax) {
      (void)Sys(__NR_close, dir);
      return {KernelCall::k_openat2, kEnametoolong};
    }
    __builtin_memcpy(name, at, length);
    name[length] = '\0';
    at += length;
    while (*at == '/') ++at;
    const bool last = *at == '\0';
    if (last && to_parent) break;
    const long next = Descend(static_cast<int>(dir), name, !last || directory, may_create);
    (void)Sys(__NR_close, dir);
    if (next < 0) return Check(KernelCall::k_openat2, next);
    dir = next;
  }
  *fd = static_cast<int>(dir);
  return Ok();
}

}  // namespace

OpResult Identify(int fd, FileId* id) {
  struct statx info = {};
  const long result =
      Sys(__NR_statx, fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &info);
  if (result < 0) return Check(KernelCall::k_fstat, result);
  id->device = static_cast<uint64_t>(info.stx_dev_major) << 32 | info.stx_dev_minor;
  id->inode = info.stx_ino;
  id->rdev = static_cast<uint64_t>(info.stx_rdev_major) << 32 | info.stx_rdev_minor;
  id->is_directory = (info.stx_mode & 0170000) == 0040000;
  id->is_char_device = (info.stx_mode & 0170000) == 0020000;
  return Ok();
}

OpResult OpenTarget(int root_fd, const char* path, bool directory, bool may_create, int* fd) {
  return Walk(root_fd, path, directory, may_create, false, fd);
}

OpResult OpenParent(int root_fd, const char* path, int* fd) {
  return Walk(root_fd, path, true, true, true, fd);
}

const char* BaseName(const char* path) {
  const char* base = path;
  for (const char* at = path; *at != '\0'; ++at) {
    if (*at == '/' && at[1] != '\0') base = at + 1;
  }
  return base;
}

OpResult ChangeMode(int root_fd, const char* path, uint64_t mode) {
  int parent = -1;
  const OpResult result = OpenParent(root_fd, path, &parent);
  if (result.error != 0) return result;
  const long changed = Sys(__NR_fchmodat, parent, BaseName(path), mode);
  (void)Sys(__NR_close, parent);
  return Check(KernelCall::k_fchmod, changed);
}

OpResult WriteAt(int dir_fd, const char* path, const char* text) {
  const long fd = Sys(__NR_openat, dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return Check(KernelCall::k_openat, fd);
  const long written = Sys(__NR_write, fd, text, Length(text));
  (void)Sys(__NR_close, fd);
  return Check(KernelCall::k_write, written);
}

const char* Decimal(uint64_t value, char* buffer) { return InBase(value, 10, buffer); }
const char* Octal(uint64_t value, char* buffer) { return InBase(value, 8, buffer); }

}  // namespace cordon::child
