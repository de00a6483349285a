// SPDX-License-Identifier: Apache-2.0
// Other processes: reading, changing, signalling, scheduling them.
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "attack.h"

#define CALL(name, ...) \
  static long name(void) { return syscall(__VA_ARGS__); }

CALL(PtraceMe, SYS_ptrace, 0, 0, 0, 0)
CALL(PtraceAttachInit, SYS_ptrace, 16, 1, 0, 0)
CALL(PtraceSeizeInit, SYS_ptrace, 0x4206, 1, 0, 0)
CALL(ProcessMadvise, SYS_process_madvise, -1, scratch, 1, 4, 0)
CALL(ProcessMrelease, 448, -1, 0)
CALL(Kcmp, SYS_kcmp, 1, 1, 0, 0, 0)
CALL(PidfdGetfd, 438, -1, 1, 0)
CALL(PrlimitInit, SYS_prlimit64, 1, RLIMIT_NOFILE, 0, scratch)
CALL(RobustListInit, SYS_get_robust_list, 1, scratch, scratch + 8)

static long VmRead(void) {
  struct iovec here = {scratch, 8};
  struct iovec there = {(void*)0x400000, 8};
  return syscall(SYS_process_vm_readv, 1, &here, 1, &there, 1, 0);
}
static long VmWrite(void) {
  struct iovec here = {scratch, 8};
  struct iovec there = {(void*)0x400000, 8};
  return syscall(SYS_process_vm_writev, 1, &here, 1, &there, 1, 0);
}

static long KillInit(void) { return kill(1, SIGKILL); }
static long PidfdKillInit(void) {
  const int fd = (int)syscall(SYS_pidfd_open, 1, 0);
  return syscall(SYS_pidfd_send_signal, fd, SIGKILL, 0, 0);
}
static long QueueInit(void) {
  siginfo_t info;
  memset(&info, 0, sizeof(info));
  info.si_signo = SIGKILL;
  info.si_code = SI_QUEUE;
  return syscall(SYS_rt_sigqueueinfo, 1, SIGKILL, &info);
}
// Nothing of the host has this number here: the first 300 beyond the job's own.
static long KillOthers(void) {
  for (pid_t pid = 1000; pid < 1300; ++pid) {
    if (kill(pid, 0) == 0) return pid;
  }
  errno = ESRCH;
  return -1;
}

static long Realtime(int policy) {
  const struct sched_param priority = {1};
  return sched_setscheduler(0, policy, &priority);
}
static long SchedFifo(void) { return Realtime(SCHED_FIFO); }
static long SchedRr(void) { return Realtime(SCHED_RR); }
CALL(SchedDeadline, SYS_sched_setattr, 0, scratch, 0)
CALL(IoprioRealtime, SYS_ioprio_set, 1, 0, 1 << 13)
static long NiceUp(void) { return setpriority(PRIO_PROCESS, 0, -20); }
static long PriorityOfUser(void) { return setpriority(PRIO_USER, 0, 5); }

static long RaiseLimit(int resource) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) return -1;
  if (limit.rlim_max == RLIM_INFINITY) return 0;
  limit.rlim_max += 1;
  return setrlimit(resource, &limit);
}
static long RaiseCore(void) { return RaiseLimit(RLIMIT_CORE); }
static long LowerCore(void) {
  const struct rlimit none = {0, 0};
  return setrlimit(RLIMIT_CORE, &none);
}
static long RaiseFiles(void) { return RaiseLimit(RLIMIT_NOFILE); }
static long RaiseFileSize(void) { return RaiseLimit(RLIMIT_FSIZE); }
static long RaiseStack(void) { return RaiseLimit(RLIMIT_STACK); }
static long RaiseLocked(void) { return RaiseLimit(RLIMIT_MEMLOCK); }

CALL(Setuid, SYS_setuid, 0)
CALL(SetuidOther, SYS_setresuid, 4242, 4242, 4242)
CALL(SetgidOther, SYS_setresgid, 4242, 4242, 4242)
CALL(SetgroupsNone, SYS_setgroups, 0, 0)
static long CapsetAll(void) {
  const uint32_t header[2] = {0x20080522, 0};
  const uint32_t all[6] = {~0U, ~0U, ~0U, ~0U, ~0U, ~0U};
  return syscall(SYS_capset, header, all);
}

const struct Probe kProcessProbes[] = {
    {"ptrace_me", PtraceMe},
    {"ptrace_attach_init", PtraceAttachInit},
    {"ptrace_seize_init", PtraceSeizeInit},
    {"process_madvise", ProcessMadvise},
    {"process_mrelease", ProcessMrelease},
    {"kcmp", Kcmp},
    {"pidfd_getfd", PidfdGetfd},
    {"prlimit_init", PrlimitInit},
    {"robust_list_init", RobustListInit},
    {"process_vm_readv", VmRead},
    {"process_vm_writev", VmWrite},
    {"kill_init", KillInit},
    {"pidfd_kill_init", PidfdKillInit},
    {"queue_init", QueueInit},
    {"kill_others", KillOthers},
    {"sched_fifo", SchedFifo},
    {"sched_rr", SchedRr},
    {"sched_deadline", SchedDeadline},
    {"ioprio_realtime", IoprioRealtime},
    {"nice_up", NiceUp},
    {"priority_of_user", PriorityOfUser},
    {"raise_core", RaiseCore},
    {"lower_core", LowerCore},
    {"raise_files", RaiseFiles},
    {"raise_file_size", RaiseFileSize},
    {"raise_stack", RaiseStack},
    {"raise_locked", RaiseLocked},
    {"setuid_root", Setuid},
    {"setuid_other", SetuidOther},
    {"setgid_other", SetgidOther},
    {"setgroups", SetgroupsNone},
    {"capset_all", CapsetAll},
    {NULL, NULL},
};
