// SPDX-License-Identifier: Apache-2.0
// Init: pid 1 of the sandbox after the gate. Checks the launch program, forks the payload, reaps
// everything, reports how the payload ended, then kills what is left and reports the usage.
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "sandbox/child/context.h"

namespace cordon::child {
namespace {

constexpr int kEchild = 10;
constexpr int kEinval = 22;
constexpr int kEownerdead = 130;

// The first operation behind Reap that has not ended; Exec marks itself just before its call.
uint32_t FirstUndone(const Context& context) {
  const uint32_t exec = context.program.op_count - 1;
  uint32_t at = context.op_index + 1;
  while (at < exec && context.shared->op_done_ns[at] != 0) ++at;
  return at;
}

// The payload's exec pipe: a frame is a failure, and so is an EOF from a payload that died on the
// way to its exec; any other EOF is the exec's success.
void ForwardExec(Context& context) {
  StatusFrame frame = {};
  long got;
  do {
    got = Sys(__NR_read, context.exec_pipe[0], &frame, sizeof(frame));
  } while (got == -kEintr);
  (void)Sys(__NR_close, context.exec_pipe[0]);
  if (got == static_cast<long>(sizeof(frame))) {
    (void)Sys(__NR_write, kFdStatus, &frame, sizeof(frame));
    return;
  }
  if (context.shared->op_done_ns[context.program.op_count - 1] == 0) {
    const uint32_t reap = context.op_index;
    context.op_index = FirstUndone(context);
    WriteFrame(context, FrameKind::kExecFailed, {KernelCall::k_none, kEownerdead}, 0, 0);
    context.op_index = reap;
    return;
  }
  WriteFrame(context, FrameKind::kExecDone, Ok(), 0, 0);
}

// In the payload, before its first step. An init that cannot take its filter exits, and everything
// in its pid namespace with it.
void AwaitInit(const Context& context) {
  uint64_t go = 0;
  long got;
  do {
    got = Sys(__NR_read, context.go_fd, &go, sizeof(go));
  } while (got == -kEintr);
  (void)Sys(__NR_close, context.go_fd);
  if (got != static_cast<long>(sizeof(go))) ExitNow(125);
}

void ReportUsage(const Context& context) {
  CpuTime usage = UsageOfChildren();
  usage.user_us -= context.twin_user_us;
  usage.system_us -= context.twin_system_us;
  // 32 bits of microseconds are 71 minutes; longer jobs saturate and the group's clock counts.
  const uint64_t top = 0xffffffffu;
  const uint64_t packed = (usage.user_us > top ? top : usage.user_us) << 32 |
                          (usage.system_us > top ? top : usage.system_us);
  WriteFrame(context, FrameKind::kUsage, Ok(), static_cast<uint32_t>(usage.max_rss_kib), packed);
}

bool OffsetsInRange(const SharedRegion& shared, uint64_t count) {
  const uint64_t end = shared.vector_offset + count * sizeof(uint32_t);
  if (shared.vector_offset % sizeof(uint32_t) != 0 || end > shared.used) return false;
  if (shared.cwd >= shared.used) return false;
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t offset;
    __builtin_memcpy(&offset, shared.bytes + shared.vector_offset + i * sizeof(offset),
                     sizeof(offset));
    if (offset >= shared.used) return false;
  }
  return true;
}

}  // namespace

long Wait(int type, long id, WaitInfo* info, int options) {
  long result;
  do {
    result = Sys(__NR_waitid, type, id, info, options, nullptr);
  } while (result == -kEintr);
  return result;
}

CpuTime UsageOfChildren() {
  struct rusage usage = {};
  (void)Sys(__NR_getrusage, RUSAGE_CHILDREN, &usage);
  const auto micros = [](const auto& time) {
    return static_cast<uint64_t>(time.tv_sec) * 1000000u + static_cast<uint64_t>(time.tv_usec);
  };
  return {micros(usage.ru_utime), micros(usage.ru_stime), static_cast<uint64_t>(usage.ru_maxrss)};
}

void CloseFdsOfPayload(const Context& context) {
  (void)Sys(__NR_close, context.exec_pipe[1]);
  // Init keeps no end of the job's stdio: a reader must see EOF when the job closes it.
  for (int fd = 0; fd <= 2; ++fd) (void)Sys(__NR_close, fd);
  if (context.proc_fd >= 0) (void)Sys(__NR_close, context.proc_fd);
}

// Order: right after the gate. The supervisor wrote this region before it opened it.
OpResult RunReadLaunch(Context& context, const Op&) {
  SharedRegion* shared = context.shared;
  const uint64_t count = static_cast<uint64_t>(shared->argc) + shared->envc + shared->path_count;
  constexpr uint64_t kRoom = sizeof(shared->pointers) / sizeof(shared->pointers[0]);
  if (shared->magic != kLaunchMagic || shared->used == 0 || shared->used > kLaunchBytes ||
      shared->bytes[shared->used - 1] != '\0' || count + 3 > kRoom ||
      !OffsetsInRange(*shared, count)) {
    return {KernelCall::k_none, kEinval};
  }
  const char** out = shared->pointers;
  const uint32_t groups[] = {shared->argc, shared->envc, shared->path_count};
  uint64_t index = 0;
  for (const uint32_t group : groups) {
    for (uint32_t i = 0; i < group; ++i, ++index) {
      uint32_t offset;
      __builtin_memcpy(&offset, shared->bytes + shared->vector_offset + index * sizeof(offset),
                       sizeof(offset));
      *out++ = shared->bytes + offset;
    }
    *out++ = nullptr;
  }
  return Ok();
}

// Order: after SetUndumpable: the payload inherits it until its exec, so that there is no moment
// at which a sibling could look into it. The payload then waits for Reap: a failure of InitFilter
// must find it before its first step, not somewhere on its way. One with a listener waits behind
// its steps instead (AwaitListener): init needs its filter's listener before its own filter.
OpResult RunForkPayload(Context& context, const Op& op) {
  const bool listens = (op.flags & kFlagListener) != 0;
  // The gate was the last word on it; a policy may allow as few as 8 descriptors.
  (void)Sys(__NR_close, kFdControl);
  const long result = Sys(__NR_pipe2, context.exec_pipe, O_CLOEXEC);
  if (result < 0) return Check(KernelCall::k_pipe2, result);
  if (!listens) {
    const long go = Sys(__NR_eventfd2, 0, O_CLOEXEC);
    if (go < 0) return Check(KernelCall::k_eventfd2, go);
    context.go_fd = static_cast<int>(go);
  }
  const long pid = Sys(__NR_clone, SIGCHLD | (listens ? CLONE_FILES : 0), 0, nullptr, nullptr, 0);
  if (pid < 0) return Check(KernelCall::k_clone, pid);
  if (pid == 0) {
    context.listens = listens;
    if (!listens) AwaitInit(context);
    RunPayload(context, FirstOfPayload(context));
  }
  context.payload_pid = pid;
  if (!listens) CloseFdsOfPayload(context);
  return Ok();
}

// Order: init's last step.
OpResult RunReap(Context& context, const Op&) {
  if (context.go_fd >= 0) {
    const uint64_t go = 1;
    const long told = Sys(__NR_write, context.go_fd, &go, sizeof(go));
    if (told < 0) return Check(KernelCall::k_write, told);
    (void)Sys(__NR_close, context.go_fd);
  }
  __atomic_store_n(&context.shared->init_ready, 1, __ATOMIC_RELEASE);
  ForwardExec(context);
  for (;;) {
    WaitInfo info = {};
    const long result = Wait(P_ALL, 0, &info, WEXITED | __WALL);
    if (result < 0) return Check(KernelCall::k_waitid, result);
    if (info.pid != context.payload_pid) continue;
    WriteFrame(context, FrameKind::kWaitStatus, Ok(), static_cast<uint32_t>(info.code),
               static_cast<uint64_t>(static_cast<uint32_t>(info.status)));
    break;
  }
  // Everything else of this pid namespace: nothing outlives the payload. Reaping it all puts its
  // time into our children's usage, which the kernel would lose if it tore the namespace down.
  (void)Sys(__NR_kill, -1, SIGKILL);
  for (;;) {
    WaitInfo info = {};
    const long result = Wait(P_ALL, 0, &info, WEXITED | __WALL);
    if (result == -kEchild) break;
    if (result < 0) return Check(KernelCall::k_waitid, result);
  }
  ReportUsage(context);
  return Ok();
}

}  // namespace cordon::child
