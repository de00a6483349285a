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
#include "sandbox/child/paths.h"

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
  WriteFrame(context, FrameKind::kExecDone, Ok(), static_cast<uint32_t>(context.payload_pid), 0);
}

// For a payload with a listener, which waits behind its filter, where it may be forbidden to read:
// it waits by writing to what is full, until init takes that away.
OpResult FillGo(const Context& context) {
  const uint64_t most = ~uint64_t{1};
  return Check(KernelCall::k_write, Sys(__NR_write, context.go_fd, &most, sizeof(most)));
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

// Kernel: a thread that a filter has killed is left in SECCOMP_MODE_DEAD (since 5.17), which no
// call and no signal can set. Of a thread that is not the first one nothing is left to read.
// Order: before the payload is reaped; its status file is gone then.
bool KilledByFilter(const Context& context) {
  static const char kDead[] = "\nSeccomp:\t3\n";
  char text[4096];
  const long size = Sys(__NR_read, context.payload_status, text, sizeof(text));
  const long word = static_cast<long>(sizeof(kDead)) - 1;
  // The name of the program cannot hold a newline here: the kernel escapes it.
  for (long at = 0; at + word <= size; ++at) {
    long same = 0;
    while (same < word && text[at + same] == kDead[same]) ++same;
    if (same == word) return true;
  }
  return false;
}

// The kernel says nothing of who sent a SIGXFSZ: a write beyond a limit and kill(2) look the same.
// How much the payload wrote tells more; that file only the supervisor may open, init's filter has
// no call for it. A supervisor that is slow is waited for, one that is gone takes init with it.
// Order: before the payload is reaped.
void AwaitReader(const Context& context) {
  constexpr uint64_t kLongestNs = 2000000000u;
  WriteFrame(context, FrameKind::kFileSignal, Ok(), static_cast<uint32_t>(context.payload_pid), 0);
  const uint64_t until = MonotonicNow() + kLongestNs;
  while (__atomic_load_n(&context.shared->payload_read, __ATOMIC_ACQUIRE) == 0 &&
         MonotonicNow() < until) {
    continue;
  }
}

// Waits for the payload, and reaps what else ends meanwhile.
OpResult AwaitPayload(const Context& context) {
  for (;;) {
    WaitInfo info = {};
    long result = Wait(P_ALL, 0, &info, WEXITED | WNOWAIT | __WALL);
    if (result < 0) return Check(KernelCall::k_waitid, result);
    const bool payload = info.pid == context.payload_pid;
    const bool killed = payload && info.code != CLD_EXITED;
    const bool filter = killed && info.status == SIGSYS && KilledByFilter(context);
    if (killed && info.status == SIGXFSZ) AwaitReader(context);
    result = Wait(P_PID, info.pid, &info, WEXITED | __WALL);
    if (result < 0) return Check(KernelCall::k_waitid, result);
    if (context.checker_pid != 0 && info.pid == context.checker_pid) {
      WriteFrame(context, FrameKind::kCheckerEnded, Ok(), static_cast<uint32_t>(info.code),
                 static_cast<uint32_t>(info.status));
    }
    if (!payload) continue;
    const uint64_t status = static_cast<uint32_t>(info.status);
    WriteFrame(context, FrameKind::kWaitStatus, Ok(), static_cast<uint32_t>(info.code),
               status | (filter ? kKilledByFilter : 0));
    return Ok();
  }
}

// 32 bits each. Of microseconds that is 71 minutes; longer jobs saturate and the group's clock
// counts.
uint64_t Packed(uint64_t first, uint64_t second) {
  const uint64_t top = 0xffffffffu;
  return (first > top ? top : first) << 32 | (second > top ? top : second);
}

void ReportUsage(const Context& context) {
  const ChildrenUsage all = UsageOfChildren();
  const ChildrenUsage& twin = context.twin;
  for (uint32_t kind = 0; kind < kCountKinds; ++kind) {
    WriteFrame(context, FrameKind::kUsageCount, Ok(), kind,
               Packed(all.counts[kind][0] - twin.counts[kind][0],
                      all.counts[kind][1] - twin.counts[kind][1]));
  }
  WriteFrame(context, FrameKind::kUsage, Ok(), static_cast<uint32_t>(all.max_rss_kib),
             Packed(all.user_us - twin.user_us, all.system_us - twin.system_us));
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

// Whether the payload waits for init behind its filter and may write there (AwaitListener).
bool SleepsInWrite(const Context& context) {
  if (!context.listens) return false;
  for (uint32_t i = FirstOfPayload(context); i < context.program.op_count; ++i) {
    const Op& op = context.program.ops[i];
    if (op.code == Opcode::kAwaitListener) return (op.flags & kFlagMayWrite) != 0;
  }
  return false;
}

}  // namespace

long Wait(int type, long id, WaitInfo* info, int options) {
  long result;
  do {
    result = Sys(__NR_waitid, type, id, info, options, nullptr);
  } while (result == -kEintr);
  return result;
}

ChildrenUsage UsageOfChildren() {
  struct rusage usage = {};
  (void)Sys(__NR_getrusage, RUSAGE_CHILDREN, &usage);
  const auto micros = [](const auto& time) {
    return static_cast<uint64_t>(time.tv_sec) * 1000000u + static_cast<uint64_t>(time.tv_usec);
  };
  const auto count = [](long value) { return static_cast<uint64_t>(value); };
  return {micros(usage.ru_utime),
          micros(usage.ru_stime),
          count(usage.ru_maxrss),
          {{count(usage.ru_nvcsw), count(usage.ru_nivcsw)},
           {count(usage.ru_minflt), count(usage.ru_majflt)},
           {count(usage.ru_inblock), count(usage.ru_oublock)}}};
}

void CloseFdsOfPayload(Context& context) {
  (void)Sys(__NR_close, context.exec_pipe[1]);
  // Init keeps no end of the job's stdio: a reader must see EOF when the job closes it.
  for (int fd = 0; fd <= 2; ++fd) (void)Sys(__NR_close, fd);
  if (context.proc_fd < 0) return;
  // Without it the report says less about a SIGSYS: no reason not to run.
  char name[32];
  char number[24];
  const char* pid = Decimal(static_cast<uint64_t>(context.payload_pid), number);
  const size_t digits = Length(pid);
  __builtin_memcpy(name, pid, digits);
  __builtin_memcpy(name + digits, "/status", sizeof("/status"));
  const long status = Sys(__NR_openat, context.proc_fd, name, O_RDONLY | O_CLOEXEC);
  context.payload_status = status < 0 ? -1 : static_cast<int>(status);
  (void)Sys(__NR_close, context.proc_fd);
}

// Order: right after the gate. The supervisor wrote this region before it opened it.
OpResult RunReadLaunch(Context& context, const Op&) {
  SharedRegion* shared = context.shared;
  const uint32_t groups[] = {shared->argc, shared->envc, shared->path_count, shared->check_argc,
                             shared->check_path_count};
  uint64_t count = 0;
  for (const uint32_t group : groups) count += group;
  constexpr uint64_t kRoom = sizeof(shared->pointers) / sizeof(shared->pointers[0]);
  if (shared->magic != kLaunchMagic || shared->used == 0 || shared->used > kLaunchBytes ||
      shared->bytes[shared->used - 1] != '\0' || count + 5 > kRoom ||
      !OffsetsInRange(*shared, count)) {
    return {KernelCall::k_none, kEinval};
  }
  const char** out = shared->pointers;
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
  context.listens = listens;
  // The gate was the last word on it, unless a listener has to be handed over; a policy may allow
  // as few as 8 descriptors.
  if (!listens) (void)Sys(__NR_close, kFdControl);
  const long result = Sys(__NR_pipe2, context.exec_pipe, O_CLOEXEC);
  if (result < 0) return Check(KernelCall::k_pipe2, result);
  const long go = Sys(__NR_eventfd2, 0, O_CLOEXEC);
  if (go < 0) return Check(KernelCall::k_eventfd2, go);
  context.go_fd = static_cast<int>(go);
  if (listens) {
    const OpResult filled = FillGo(context);
    if (filled.error != 0) return filled;
  }
  const long pid = Sys(__NR_clone, SIGCHLD | (listens ? CLONE_FILES : 0), 0, nullptr, nullptr, 0);
  if (pid < 0) return Check(KernelCall::k_clone, pid);
  if (pid == 0) {
    if (!listens) AwaitInit(context);
    RunPayload(context, FirstOfPayload(context));
  }
  context.payload_pid = pid;
  __atomic_store_n(&context.shared->payload, static_cast<uint32_t>(pid), __ATOMIC_RELEASE);
  if (!listens) CloseFdsOfPayload(context);
  return Ok();
}

// Order: init's last step. A payload that sleeps in its write must find init_ready set when the
// read wakes it: where both have one processor it may run at once, and would spin at the job's
// expense for a slice of the scheduler or two. One that spins anyway is let go when nothing can
// fail here any more.
OpResult RunReap(Context& context, const Op&) {
  const bool sleeps = SleepsInWrite(context);
  if (sleeps) __atomic_store_n(&context.shared->init_ready, 1, __ATOMIC_RELEASE);
  uint64_t go = 1;
  const long told = Sys(context.listens ? __NR_read : __NR_write, context.go_fd, &go, sizeof(go));
  if (told < 0) return Check(context.listens ? KernelCall::k_read : KernelCall::k_write, told);
  (void)Sys(__NR_close, context.go_fd);
  if (!sleeps) __atomic_store_n(&context.shared->init_ready, 1, __ATOMIC_RELEASE);
  ForwardExec(context);
  const OpResult ended = AwaitPayload(context);
  if (ended.error != 0) return ended;
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
