// SPDX-License-Identifier: Apache-2.0
// What a process may change about itself, and must not.
#include <linux/mman.h>
#include <linux/prctl.h>
#include <sys/ioctl.h>

#include "attack.h"

#define CALL(name, ...) \
  static long name(void) { return syscall(__VA_ARGS__); }

CALL(SetDumpable, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
CALL(SetMm, SYS_prctl, PR_SET_MM, 1, 0, 0, 0)
CALL(SetPtracer, SYS_prctl, 0x59616d61, -1, 0, 0, 0)
CALL(SetSeccompStrict, SYS_prctl, PR_SET_SECCOMP, 99, 0, 0, 0)
CALL(SetSpeculation, SYS_prctl, 53, 0, 2, 0, 0)
CALL(ClearNoNewPrivs, SYS_prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)
CALL(SetSecurebits, SYS_prctl, PR_SET_SECUREBITS, 0, 0, 0, 0)
CALL(RaiseAmbient, SYS_prctl, PR_CAP_AMBIENT, 2, 21, 0, 0)
CALL(SchedCore, SYS_prctl, 62, 0, 0, 0, scratch)
CALL(IoFlusher, SYS_prctl, 57, 1, 0, 0, 0)
CALL(UserDispatch, SYS_prctl, 59, 1, 0, 0, scratch)
CALL(SetTsc, SYS_prctl, PR_SET_TSC, 1, 0, 0, 0)
CALL(McePolicy, SYS_prctl, PR_MCE_KILL, 0, 0, 0, 0)
CALL(SeccompFilter, SYS_seccomp, 1, 0, scratch)
CALL(SeccompListener, SYS_seccomp, 1, 8, scratch)
CALL(NoRandomize, SYS_personality, 0x0040000)
CALL(ReadImpliesExec, SYS_personality, 0x0400000)
CALL(PersonalityQuery, SYS_personality, 0xffffffffUL)
CALL(PersonalityQueryWide, SYS_personality, -1L)
CALL(CpuidFault, SYS_arch_prctl, 0x1012, 1)
CALL(XcompPermission, SYS_arch_prctl, 0x1023, 18)
CALL(SetThreadArea, SYS_set_thread_area, scratch)
CALL(NotificationPipe, SYS_pipe2, scratch, O_EXCL)
CALL(Mlockall, SYS_mlockall, 0)

static long Ioctl(unsigned long request) {
  scratch[0] = 'x';
  return syscall(SYS_ioctl, 0, request, scratch);
}
static long Tiocsti(void) { return Ioctl(TIOCSTI); }
// The kernel reads 32 bits of the number of an ioctl.
static long TiocstiWide(void) { return Ioctl(0x100000000UL | TIOCSTI); }
static long Tioclinux(void) { return Ioctl(0x541C); }
static long Tiocsctty(void) { return Ioctl(TIOCSCTTY); }
static long Tiocsetd(void) { return Ioctl(TIOCSETD); }
static long Fioasync(void) { return Ioctl(FIOASYNC); }

static long Map(unsigned long flags) {
  const long map = syscall(SYS_mmap, 0, 2 << 20, PROT_READ, flags, -1, 0);
  return map < 0 ? -1 : 0;
}
static long HugePages(void) { return Map(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB); }
static long HugePagesWide(void) {
  return Map(0x100000000UL | MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
}
static long OnOwnPages(int (*use)(void*, size_t)) {
  void* map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return map == MAP_FAILED ? -1 : use(map, 1 << 20);
}
static int Merge(void* map, size_t size) { return madvise(map, size, MADV_MERGEABLE); }
static int Poison(void* map, size_t size) {
  (void)size;
  return madvise((char*)map + 1, 4096, MADV_HWPOISON);  // unaligned: harmless where it is allowed
}
static long MergePages(void) { return OnOwnPages(Merge); }
static long PoisonPages(void) { return OnOwnPages(Poison); }
static int Lock(void* map, size_t size) { return mlock(map, size); }
static long LockMuch(void) { return OnOwnPages(Lock); }
static long MemfdHuge(void) { return syscall(SYS_memfd_create, "x", 4); }

const struct Probe kSelfProbes[] = {
    {"set_dumpable", SetDumpable},
    {"set_mm", SetMm},
    {"set_ptracer", SetPtracer},
    {"set_seccomp", SetSeccompStrict},
    {"set_speculation", SetSpeculation},
    {"clear_no_new_privs", ClearNoNewPrivs},
    {"set_securebits", SetSecurebits},
    {"raise_ambient", RaiseAmbient},
    {"sched_core", SchedCore},
    {"io_flusher", IoFlusher},
    {"user_dispatch", UserDispatch},
    {"set_tsc", SetTsc},
    {"mce_policy", McePolicy},
    {"seccomp_filter", SeccompFilter},
    {"seccomp_listener", SeccompListener},
    {"no_randomize", NoRandomize},
    {"read_implies_exec", ReadImpliesExec},
    {"personality_query", PersonalityQuery},
    {"personality_query_wide", PersonalityQueryWide},
    {"cpuid_fault", CpuidFault},
    {"xcomp_permission", XcompPermission},
    {"set_thread_area", SetThreadArea},
    {"notification_pipe", NotificationPipe},
    {"mlockall", Mlockall},
    {"tiocsti", Tiocsti},
    {"tiocsti_wide", TiocstiWide},
    {"tioclinux", Tioclinux},
    {"tiocsctty", Tiocsctty},
    {"tiocsetd", Tiocsetd},
    {"fioasync", Fioasync},
    {"huge_pages", HugePages},
    {"huge_pages_wide", HugePagesWide},
    {"merge_pages", MergePages},
    {"poison_pages", PoisonPages},
    {"lock_much", LockMuch},
    {"memfd_huge", MemfdHuge},
    {NULL, NULL},
};
