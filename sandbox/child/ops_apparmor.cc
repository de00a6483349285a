// SPDX-License-Identifier: Apache-2.0
// The handler of AppArmor, in the payload.
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/magic.h>

#include "sandbox/child/context.h"
#include "sandbox/child/label.h"

namespace cordon::child {
namespace {

constexpr int kEproto = 71;
constexpr char kFile[] = "self/attr/apparmor/exec";

OpResult SetAndReadBack(int fd, const char* order, const char* label) {
  struct statfs64 info = {};
  long result = Sys(__NR_fstatfs, fd, &info);
  if (result < 0) return Check(KernelCall::k_statfs, result);
  if (info.f_type != PROC_SUPER_MAGIC) return {KernelCall::k_statfs, kEproto};
  const size_t length = Length(order);
  result = Sys(__NR_write, fd, order, length);
  if (result < 0) return Check(KernelCall::k_write, result);
  if (static_cast<size_t>(result) != length) return {KernelCall::k_write, kEproto};
  char seen[512];
  result = Sys(__NR_pread64, fd, seen, sizeof(seen) - 1, 0);
  if (result < 0) return Check(KernelCall::k_read, result);
  seen[result] = '\0';
  return ShowsLabel(seen, label) ? Ok() : OpResult{KernelCall::k_read, kEproto};
}

}  // namespace

// Order: before SetOomScore, which closes the procfs, and before Landlock, which would refuse to
// open the file for writing. Nothing executes anything between here and Exec.
// Kernel: the file belongs to the process that opened it, and only it can read it back. A missing
// profile is ENOENT here, and the exec after it would be unconfined: so every result counts. A
// process that is confined already and has no_new_privs gets EPERM. The legacy file attr/exec is
// not tried: it may belong to another security module, and every kernel with this directory has it.
OpResult RunAppArmorOnExec(Context& context, const Op& op) {
  const long fd = Sys(__NR_openat, context.proc_fd, kFile, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return Check(KernelCall::k_openat, fd);
  const OpResult result =
      SetAndReadBack(static_cast<int>(fd), Text(context, op.data), Text(context, op.data2));
  (void)Sys(__NR_close, fd);
  return result;
}

}  // namespace cordon::child
