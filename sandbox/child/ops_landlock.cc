// SPDX-License-Identifier: Apache-2.0
// Handlers of Landlock, in the payload: no_new_privs is set, the root is the job's, everything that
// opens paths for the set-up is done.
#include <linux/fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>

#include "sandbox/child/context.h"
#include "sandbox/child/paths.h"

namespace cordon::child {
namespace {

// struct landlock_ruleset_attr of ABI 6.
// Kernel: an older one takes a longer struct when what it does not know is zero (else E2BIG).
struct RulesetAttr {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;
  uint64_t scoped;
};
static_assert(sizeof(RulesetAttr) == 24);

}  // namespace

// Order: after CloseInitFds, which would close the ruleset.
// Kernel: EINVAL is a right that this kernel does not know, ENOSYS and EOPNOTSUPP no Landlock.
OpResult RunLandlockCreate(Context& context, const Op& op) {
  const RulesetAttr attr = {op.a, op.b, op.c};
  const long fd = Sys(__NR_landlock_create_ruleset, &attr, sizeof(attr), 0);
  context.landlock_fd = static_cast<int>(fd);
  return Check(KernelCall::k_landlock_create_ruleset, fd);
}

// Kernel: a rule is bound to the inode that the descriptor shows; EINVAL is a right of directories
// on a file, so the object's kind chooses between the two sets.
OpResult RunLandlockAllow(Context& context, const Op& op) {
  struct open_how how = {};
  // Not O_NOFOLLOW: it would open a link at the end itself, and the rule would hold for nothing.
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = Sys(__NR_openat2, AT_FDCWD, Text(context, op.data), &how, sizeof(how));
  if (fd < 0) return Check(KernelCall::k_openat2, fd);
  FileId id;
  OpResult result = Identify(static_cast<int>(fd), &id);
  if (result.error == 0) {
    struct landlock_path_beneath_attr rule = {};
    rule.allowed_access = id.is_directory ? op.a : op.b;
    rule.parent_fd = static_cast<int>(fd);
    result = Check(KernelCall::k_landlock_add_rule, Sys(__NR_landlock_add_rule, context.landlock_fd,
                                                        LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
  }
  (void)Sys(__NR_close, fd);
  return result;
}

// Order: after every step that writes or executes anything but the job; before SeccompLoad, whose
// filter does not know this call.
// Kernel: EPERM without no_new_privs, E2BIG below 16 other domains, EINVAL flags before ABI 7.
OpResult RunLandlockRestrict(Context& context, const Op& op) {
  const long result = Sys(__NR_landlock_restrict_self, context.landlock_fd, op.a);
  (void)Sys(__NR_close, context.landlock_fd);
  context.landlock_fd = -1;
  return Check(KernelCall::k_landlock_restrict_self, result);
}

}  // namespace cordon::child
