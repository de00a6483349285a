// SPDX-License-Identifier: Apache-2.0
// What the handlers of the child share: the program, descriptor slots, and the result type.
// Internal to sandbox/child.
#ifndef CORDON_SANDBOX_CHILD_CONTEXT_H_
#define CORDON_SANDBOX_CHILD_CONTEXT_H_

#include <stddef.h>

#include "sandbox/child/raw_syscall.h"
#include "sandbox/child/wire.h"

namespace cordon::child {

// getrusage(2) of what was reaped.
struct ChildrenUsage {
  uint64_t user_us;
  uint64_t system_us;
  uint64_t max_rss_kib;
  uint64_t counts[kCountKinds][2];  // by CountKind
};

struct Context {
  ProgramView program;
  SharedRegion* shared;
  int slots[kMaxSlots];
  int root_fd;      // mount of the new root; -1 before MakeRoot
  int proc_fd;      // detached procfs; -1 before OpenProc
  int landlock_fd;  // ruleset; -1 but between LandlockCreate and LandlockRestrict
  int fd_status;
  int exec_pipe[2];  // payload to init: EOF, or the frame of its failed step
  int go_fd;         // eventfd, init to payload: the init has its filter; -1: none
  long twin_pid;
  bool is_twin;     // this process is the twin
  bool listens;     // in init and payload, when the payload's filter has a listener
  int listener_fd;  // of that filter; -1 before SeccompLoad
  long payload_pid;
  long checker_pid;       // 0: none
  uint32_t check_number;  // in the checker: of the check that runs, or ran last
  int payload_status;     // /proc/PID/status of the payload, in init; -1: none
  ChildrenUsage twin;     // what the twin has used: not the job's
  uint32_t op_index;
};

struct [[nodiscard]] OpResult {
  KernelCall call = KernelCall::k_none;
  int error = 0;  // positive errno, 0 is success
};

inline OpResult Ok() { return {}; }
// `result` is what the kernel returned: negative means that `call` failed.
inline OpResult Check(KernelCall call, long result) {
  if (result < 0) return {call, static_cast<int>(-result)};
  return {};
}

inline const char* Text(const Context& context, uint32_t offset) {
  return context.program.arena + offset;
}

inline size_t Length(const char* text) {
  size_t n = 0;
  while (text[n] != '\0') ++n;
  return n;
}

inline constexpr int kEintr = 4;

// The fields of siginfo_t for SIGCHLD, at the offsets of the kernel's ABI (64 bit).
struct WaitInfo {
  int signo;
  int error;
  int code;
  int pad;
  int pid;
  int uid;
  int status;
  int rest[25];
};
static_assert(sizeof(WaitInfo) == 128);

// waitid(2), again when it is interrupted.
long Wait(int type, long id, WaitInfo* info, int options);

ChildrenUsage UsageOfChildren();

// Every signal that can be: SIG_DFL (0) or SIG_IGN (1, but for SIGCHLD). None is blocked.
OpResult SetSignals(unsigned long handler);

// Tries the paths in order, as execvp(3) does. Comes back only with an error.
OpResult ExecFirst(const char** argv, const char** envp, const char** paths, uint32_t count);

uint64_t MonotonicNow();
void WriteFrame(const Context& context, FrameKind kind, OpResult result, uint32_t aux,
                uint64_t aux64);
[[noreturn]] void ExitNow(int code);
// Init closes what only the payload needs, once their tables of descriptors are two, and keeps the
// payload's status file.
void CloseFdsOfPayload(Context& context);

// One handler per opcode, in ops_*.cc and init.cc.
#define OP(name, side, why) OpResult Run##name(Context& context, const Op& op);
#include "sandbox/program/opcode.inc"
#undef OP

// Index of the payload's first operation.
inline uint32_t FirstOfPayload(const Context& context) {
  uint32_t first = context.op_index;
  while (first < context.program.op_count && context.program.ops[first].code != Opcode::kReap) {
    ++first;
  }
  return first + 1;
}

// Runs one operation.
OpResult RunOne(Context& context, const Op& op);

// Runs operations [from, program end) of the payload side, in the forked payload.
[[noreturn]] void RunPayload(Context& context, uint32_t from);

}  // namespace cordon::child

#endif  // CORDON_SANDBOX_CHILD_CONTEXT_H_
