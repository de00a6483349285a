// SPDX-License-Identifier: Apache-2.0
// Handlers of the payload between fork and exec.
#include <linux/prctl.h>

#include "sandbox/child/context.h"
#include "sandbox/child/paths.h"

namespace cordon::child {
namespace {

constexpr int kEnoent = 2;
constexpr int kEacces = 13;
constexpr int kEnotdir = 20;
constexpr int kEinval = 22;

}  // namespace

// Order: before CloseInitFds' descriptor of procfs is gone, that is before exec.
// Kernel: raising one's own oom_score_adj needs no privilege, lowering it does.
// The files of a non-dumpable process belong to root; nothing hostile exists in this pid namespace
// yet, so it may be dumpable for this one write.
OpResult RunSetOomScore(Context& context, const Op&) {
  const long before = Sys(__NR_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
  if (before < 0) return Check(KernelCall::k_prctl, before);
  long dumpable = Sys(__NR_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
  if (dumpable < 0) return Check(KernelCall::k_prctl, dumpable);
  const OpResult result = WriteAt(context.proc_fd, "self/oom_score_adj", "1000");
  // The twin is dumpable, so that an unprivileged supervisor can read all of it.
  dumpable = Sys(__NR_prctl, PR_SET_DUMPABLE, before == 1 ? 1 : 0, 0, 0, 0);
  if (dumpable < 0) return Check(KernelCall::k_prctl, dumpable);
  // In a table that init uses, too, exec closes it: init still opens the payload's status with it.
  if (!context.listens) (void)Sys(__NR_close, context.proc_fd);
  context.proc_fd = -1;
  return result;
}

// Kernel: getcwd gives "(unreachable)..." for a directory outside the root; the raw call counts
// the final NUL.
OpResult RunChdir(Context& context, const Op&) {
  const char* cwd = context.shared->bytes + context.shared->cwd;
  long result = Sys(__NR_chdir, cwd);
  if (result < 0) return Check(KernelCall::k_chdir, result);
  char seen[4096];
  result = Sys(__NR_getcwd, seen, sizeof(seen));
  if (result < 0) return Check(KernelCall::k_getcwd, result);
  if (seen[0] != '/') return {KernelCall::k_getcwd, kEacces};
  return Ok();
}

OpResult RunSetUmask(Context&, const Op&) {
  (void)Sys(__NR_umask, 022);
  return Ok();
}

// A candidate that does not exist does not end the search; EACCES is remembered, because "found,
// but not executable" is what the user must hear.
OpResult ExecFirst(const char** argv, const char** envp, const char** paths, uint32_t count) {
  if (count == 0) return {KernelCall::k_execve, kEinval};
  int error = kEnoent;
  for (uint32_t i = 0; i < count; ++i) {
    const long result = Sys(__NR_execve, paths[i], argv, envp);
    const int failed = static_cast<int>(-result);
    if (failed == kEacces) error = kEacces;
    if (failed != kEnoent && failed != kEacces && failed != kEnotdir) {
      return {KernelCall::k_execve, failed};
    }
  }
  return {KernelCall::k_execve, error};
}

// Marked as done before the call, which does not return: that is how the init tells a payload that
// was killed on the way from one whose program has begun.
OpResult RunExec(Context& context, const Op&) {
  SharedRegion* shared = context.shared;
  const char** argv = shared->pointers;
  const char** envp = argv + shared->argc + 1;
  const char** paths = envp + shared->envc + 1;
  if (shared->path_count > 0) shared->op_done_ns[context.op_index] = MonotonicNow();
  return ExecFirst(argv, envp, paths, shared->path_count);
}

}  // namespace cordon::child
