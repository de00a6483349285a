// SPDX-License-Identifier: Apache-2.0
// Handlers for the files that the caller puts into the sandbox. Their contents lie in one sealed
// file in memory; they are written here, by the job's user and in the job's group, so that the
// kernel charges them to the job.
#include <linux/fcntl.h>

#include "sandbox/child/context.h"
#include "sandbox/child/paths.h"

namespace cordon::child {
namespace {

constexpr int kEio = 5;
constexpr size_t kPiece = 16384;

OpResult CopyBytes(int to, uint64_t at, uint64_t left) {
  char piece[kPiece];
  while (left > 0) {
    const size_t want = left < kPiece ? static_cast<size_t>(left) : kPiece;
    const long got = Sys(__NR_pread64, kFdContents, piece, want, at);
    if (got < 0) return Check(KernelCall::k_pread64, got);
    if (got == 0) return {KernelCall::k_pread64, kEio};
    long done = 0;
    while (done < got) {
      const long put = Sys(__NR_write, to, piece + done, got - done);
      if (put < 0) return Check(KernelCall::k_write, put);
      done += put;
    }
    at += static_cast<uint64_t>(got);
    left -= static_cast<uint64_t>(got);
  }
  return Ok();
}

}  // namespace

// Order: in the job's group, whose memory it takes; after the pivot, with the root as the working
// directory; before the limit of file sizes, which is about what the job writes.
OpResult RunCopyFile(Context& context, const Op& op) {
  int parent = -1;
  const char* path = Text(context, op.data);
  OpResult result = OpenParent(AT_FDCWD, path, &parent);
  if (result.error != 0) return result;
  const long fd = Sys(__NR_openat, parent, BaseName(path),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  (void)Sys(__NR_close, parent);
  if (fd < 0) return Check(KernelCall::k_openat, fd);
  result = CopyBytes(static_cast<int>(fd), op.b, op.c);
  if (result.error == 0) result = Check(KernelCall::k_fchmod, Sys(__NR_fchmod, fd, op.a));
  (void)Sys(__NR_close, fd);
  return result;
}

// Order: as CopyFile.
OpResult RunCopyLink(Context& context, const Op& op) {
  int parent = -1;
  const char* path = Text(context, op.data);
  const OpResult result = OpenParent(AT_FDCWD, path, &parent);
  if (result.error != 0) return result;
  const long made = Sys(__NR_symlinkat, Text(context, op.data2), parent, BaseName(path));
  (void)Sys(__NR_close, parent);
  return Check(KernelCall::k_symlinkat, made);
}

// Order: behind the last CopyFile.
OpResult RunCloseContents(Context&, const Op&) {
  return Check(KernelCall::k_close, Sys(__NR_close, kFdContents));
}

}  // namespace cordon::child
