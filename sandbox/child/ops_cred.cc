// SPDX-License-Identifier: Apache-2.0
// Handlers for ids, capabilities, limits and the namespaces that need no mounts.
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>

#include "sandbox/child/context.h"

namespace cordon::child {
namespace {

constexpr int kEinval = 22;
constexpr int kEproto = 71;

struct Rlimit64 {
  uint64_t soft;
  uint64_t hard;
};

// Every "root" meaning is off and locked, so that uid 0 inside is an ordinary id.
constexpr unsigned long kSecurebits =
    SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
    SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
static_assert(kSecurebits == kJobSecurebits);

// The kernel's result: 0, a listener, or -errno.
long LoadFilter(const Context& context, const Op& op, unsigned flags) {
  struct sock_fprog program = {};
  program.len = static_cast<unsigned short>(op.size2 / sizeof(struct sock_filter));
  // The kernel copies the filter; the field is not const only by its age.
  program.filter =
      reinterpret_cast<struct sock_filter*>(const_cast<char*>(context.program.arena + op.data2));
  return Sys(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

}  // namespace

// Order: after OpenTree (sources are resolved with the caller's rights), before MakeRoot (a tmpfs
// of this user namespace cannot hold inodes of unmapped owners: EOVERFLOW).
// Kernel: setgroups is allowed only where the supervisor did not have to write "deny".
OpResult RunSetIds(Context&, const Op& op) {
  if ((op.flags & kFlagDropGroups) != 0) {
    const long result = Sys(__NR_setgroups, 0, nullptr);
    if (result < 0) return Check(KernelCall::k_setgroups, result);
  }
  // Capabilities in our own user namespace must survive the change until SetCaps.
  long result = Sys(__NR_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
  if (result < 0) return Check(KernelCall::k_prctl, result);
  result = Sys(__NR_prctl, PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS, 0, 0, 0);
  if (result < 0) return Check(KernelCall::k_prctl, result);
  result = Sys(__NR_setresgid, op.b, op.b, op.b);
  if (result < 0) return Check(KernelCall::k_setresgid, result);
  return Check(KernelCall::k_setresuid, Sys(__NR_setresuid, op.a, op.a, op.a));
}

OpResult RunSetRlimit(Context&, const Op& op) {
  const Rlimit64 limit = {op.b, op.c};
  return Check(KernelCall::k_prlimit64, Sys(__NR_prlimit64, 0, op.a, &limit, nullptr));
}

// Order: before the filter, which may have no call for it.
OpResult RunLimitFiles(Context& context, const Op& op) { return RunSetRlimit(context, op); }

// Order: after the supervisor has moved this process to its group, which then becomes the root of
// the namespace; before the capabilities go.
OpResult RunNewCgroupNamespace(Context&, const Op&) {
  return Check(KernelCall::k_unshare, Sys(__NR_unshare, CLONE_NEWCGROUP));
}

// Kernel: EINVAL is the first number above the kernel's last capability.
OpResult RunDropBounding(Context&, const Op&) {
  for (int capability = 0; capability < 64; ++capability) {
    const long result = Sys(__NR_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
    if (result == -kEinval && capability > 0) return Ok();
    if (result < 0) return Check(KernelCall::k_prctl, result);
  }
  return Ok();
}

// Order: before SetCaps, it needs CAP_SETPCAP.
OpResult RunSetSecurebits(Context&, const Op&) {
  const long result = Sys(__NR_prctl, PR_SET_SECUREBITS, kSecurebits, 0, 0, 0);
  if (result < 0) return Check(KernelCall::k_prctl, result);
  const long seen = Sys(__NR_prctl, PR_GET_SECUREBITS, 0, 0, 0, 0);
  if (seen < 0) return Check(KernelCall::k_prctl, seen);
  if (static_cast<unsigned long>(seen) != kSecurebits) return {KernelCall::k_prctl, kEproto};
  return Ok();
}

OpResult RunSetCaps(Context&, const Op&) {
  long result = Sys(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (result < 0) return Check(KernelCall::k_prctl, result);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {};
  result = Sys(__NR_capset, &header, data);
  return Check(KernelCall::k_capset, result);
}

OpResult RunNoNewPrivs(Context&, const Op&) {
  return Check(KernelCall::k_prctl, Sys(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

// Order: after the gate: a non-dumpable process closes /proc/PID/{ns,fd} to an unprivileged
// supervisor too. Nobody reads it back from outside then, so the step does.
OpResult RunSetUndumpable(Context&, const Op&) {
  const long result = Sys(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (result < 0) return Check(KernelCall::k_prctl, result);
  const long seen = Sys(__NR_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
  if (seen < 0) return Check(KernelCall::k_prctl, seen);
  return seen == 0 ? Ok() : OpResult{KernelCall::k_prctl, kEproto};
}

OpResult RunInitFilter(Context& context, const Op& op) {
  return Check(KernelCall::k_seccomp, LoadFilter(context, op, 0));
}

// Order: after everything that the filter may forbid; what follows makes no call that it decides.
// Kernel: the listener is close-on-exec. WAIT_KILLABLE_RECV (5.19) keeps signals from interrupting
// a call that the supervisor has seen already, which would be made and counted again.
OpResult RunSeccompLoad(Context& context, const Op& op) {
  if (!context.listens) return Check(KernelCall::k_seccomp, LoadFilter(context, op, 0));
  constexpr unsigned kListener = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  long result = LoadFilter(context, op, kListener | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  if (result == -kEinval) result = LoadFilter(context, op, kListener);
  context.listener_fd = static_cast<int>(result);
  return Check(KernelCall::k_seccomp, result);
}

}  // namespace cordon::child
