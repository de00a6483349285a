// SPDX-License-Identifier: Apache-2.0
// How the listener of a filter that asks gets from the payload to the supervisor. The payload
// cannot send it: its filter is in force and may forbid any call. So init, which shares the table
// of descriptors with it until now, sends it, and the payload waits.
#include <asm/siginfo.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "sandbox/child/context.h"

namespace cordon::child {
namespace {

constexpr long kPollNs = 20000;
constexpr int kSolSocket = 1;
constexpr int kScmRights = 1;
constexpr int kRlimitFiles = 7;  // RLIMIT_NOFILE

// struct msghdr and struct cmsghdr of the kernel's ABI (64 bit).
struct MessageHeader {
  void* name;
  int name_size;
  struct iovec* parts;
  size_t part_count;
  void* control;
  size_t control_size;
  unsigned flags;
};
struct RightsMessage {
  size_t size;
  int level;
  int type;
  int fd;
  int padding;
};
static_assert(sizeof(MessageHeader) == 56 && sizeof(RightsMessage) == 24);

bool PayloadEnded(const Context& context) {
  int info[32] = {};  // siginfo_t; for SIGCHLD the pid is its fifth number
  const long result =
      Sys(__NR_waitid, P_PID, context.payload_pid, info, WEXITED | WNOHANG | WNOWAIT, nullptr);
  return result < 0 || info[4] != 0;
}

// The number of the listener in the table of both; -1 when the payload ended before it had one.
// Polled, because the payload has no call left by which it could wake anybody; every job with named
// kills waits here once, so the naps are short. The payload has a timer slack of its own by now.
int AwaitNumber(const Context& context) {
  (void)Sys(__NR_prctl, PR_SET_TIMERSLACK, 1, 0, 0, 0);
  for (;;) {
    const bool ended = PayloadEnded(context);
    const uint32_t listener = __atomic_load_n(&context.shared->listener, __ATOMIC_ACQUIRE);
    if (listener != 0) return static_cast<int>(listener - 1);
    if (ended) return -1;
    const struct __kernel_timespec nap = {0, kPollNs};
    (void)Sys(__NR_nanosleep, &nap, nullptr);
  }
}

struct Rlimit64 {
  uint64_t soft;
  uint64_t hard;
};

// Kernel: descriptors that are in flight between sockets are counted per user of the host, and
// whoever sends one is measured by his own soft limit of open files (ETOOMANYREFS). With a job's
// limit this process could be stopped by what another job of the same user has in flight.
OpResult RaiseFiles() {
  Rlimit64 limit = {};
  long result = Sys(__NR_prlimit64, 0, kRlimitFiles, nullptr, &limit);
  if (result < 0) return Check(KernelCall::k_prlimit64, result);
  limit.soft = limit.hard;
  result = Sys(__NR_prlimit64, 0, kRlimitFiles, &limit, nullptr);
  return Check(KernelCall::k_prlimit64, result);
}

OpResult Send(const Context& context, int listener) {
  StatusFrame frame = {};
  frame.version = kWireVersion;
  frame.kind = FrameKind::kListener;
  frame.op_index = static_cast<uint16_t>(context.op_index);
  frame.opcode = Opcode::kPassListener;
  frame.aux = static_cast<uint32_t>(context.payload_pid);
  frame.monotonic_ns = MonotonicNow();
  struct iovec part = {&frame, sizeof(frame)};
  RightsMessage rights = {sizeof(size_t) + 3 * sizeof(int), kSolSocket, kScmRights, listener, 0};
  MessageHeader message = {};
  message.parts = &part;
  message.part_count = 1;
  message.control = &rights;
  message.control_size = sizeof(rights);
  return Check(KernelCall::k_sendmsg, Sys(__NR_sendmsg, context.fd_status, &message, 0));
}

void Relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

// Order: after ForkPayload and before InitFilter, which forbids these calls. Init waits here for
// the payload, so the payload must not wait for a later step of init before AwaitListener. A
// payload that ended before it had a listener has said why in the exec pipe, which Reap reads.
OpResult RunPassListener(Context& context, const Op&) {
  const int listener = AwaitNumber(context);
  if (listener >= 0) {
    const OpResult raised = RaiseFiles();
    if (raised.error != 0) return raised;
    const OpResult sent = Send(context, listener);
    if (sent.error != 0) return sent;
  }
  // From here on the payload's table is its own; its exec closes all of it but 0 to 2.
  const long result = Sys(__NR_unshare, CLONE_FILES);
  if (result < 0) return Check(KernelCall::k_unshare, result);
  CloseFdsOfPayload(context);
  if (listener >= 0) {
    (void)Sys(__NR_close, listener);
    Op taken = {};
    taken.a = static_cast<uint64_t>(kByteListenerTaken);
    const OpResult told = RunAwaitParent(context, taken);
    if (told.error != 0) return told;
  }
  (void)Sys(__NR_close, kFdControl);
  return Ok();
}

// Order: after SeccompLoad. Which calls the filter lets pass is the policy's. Where write is one of
// them the payload sleeps in it; elsewhere it makes no call at all and spins for as long as init
// and supervisor need. Whoever of them fails ends the pid namespace and with it this process.
OpResult RunAwaitListener(Context& context, const Op& op) {
  if (!context.listens) return Ok();
  SharedRegion* shared = context.shared;
  __atomic_store_n(&shared->listener, static_cast<uint32_t>(context.listener_fd) + 1,
                   __ATOMIC_RELEASE);
  if ((op.flags & kFlagMayWrite) != 0) {
    const uint64_t one = 1;
    long result;
    do {
      result = Sys(__NR_write, context.go_fd, &one, sizeof(one));
    } while (result == -kEintr);
    if (result < 0) return Check(KernelCall::k_write, result);
  }
  while (__atomic_load_n(&shared->init_ready, __ATOMIC_ACQUIRE) == 0) Relax();
  return Ok();
}

}  // namespace cordon::child
