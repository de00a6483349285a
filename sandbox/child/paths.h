// SPDX-License-Identifier: Apache-2.0
// Paths below the new root, resolved component by component without following a link, and the
// small text helpers that mounting needs. Internal to sandbox/child.
#ifndef CORDON_SANDBOX_CHILD_PATHS_H_
#define CORDON_SANDBOX_CHILD_PATHS_H_

#include "sandbox/child/context.h"

namespace cordon::child {

struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t rdev = 0;  // of a device node
  bool is_directory = false;
  bool is_char_device = false;
};

// Device numbers are packed as (major << 32 | minor).
OpResult Identify(int fd, FileId* id);

// An O_PATH descriptor of `path` below `root_fd`. Where `may_create` is set, missing directories
// are made, and the last component becomes a directory or an empty file.
OpResult OpenTarget(int root_fd, const char* path, bool directory, bool may_create, int* fd);

// The directory that is to hold `path`, made when missing.
OpResult OpenParent(int root_fd, const char* path, int* fd);
const char* BaseName(const char* path);

OpResult ChangeMode(int root_fd, const char* path, uint64_t mode);

// open(O_WRONLY) + one write of the whole text + close.
OpResult WriteAt(int dir_fd, const char* path, const char* text);

// Numbers as text in `buffer` (24 bytes); return a pointer into it.
const char* Decimal(uint64_t value, char* buffer);
const char* Octal(uint64_t value, char* buffer);

}  // namespace cordon::child

#endif  // CORDON_SANDBOX_CHILD_PATHS_H_
