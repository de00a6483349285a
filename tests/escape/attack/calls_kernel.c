// SPDX-License-Identifier: Apache-2.0
// Calls that administer, instrument or inspect: no job needs them.
#include <linux/random.h>
#include <sys/ioctl.h>
#include <sys/swap.h>

#include "attack.h"

#define CALL(name, ...) \
  static long name(void) { return syscall(__VA_ARGS__); }

CALL(Bpf, SYS_bpf, 0, scratch, 72)
CALL(PerfEventOpen, SYS_perf_event_open, scratch, 0, -1, -1, 0)
CALL(Userfaultfd, SYS_userfaultfd, 0)
CALL(UserfaultfdUser, SYS_userfaultfd, 1)
CALL(KexecLoad, SYS_kexec_load, 0, 0, 0, 0)
CALL(KexecFileLoad, SYS_kexec_file_load, -1, -1, 0, 0, 0)
CALL(InitModule, SYS_init_module, 0, 0, "")
CALL(FinitModule, SYS_finit_module, -1, "", 0)
CALL(DeleteModule, SYS_delete_module, "cordon_no_such_module", 0)
// An invalid magic: harmless wherever it is made.
CALL(Reboot, SYS_reboot, 1, 2, 3, 0)
CALL(Quotactl, SYS_quotactl, 0, 0, 0, 0)
CALL(QuotactlFd, 443, -1, 0, 0, 0)
CALL(Acct, SYS_acct, "/no/such/file")
CALL(Swapon, SYS_swapon, "/no/such/file", 0)
CALL(Swapoff, SYS_swapoff, "/no/such/file")
CALL(AddKey, SYS_add_key, "user", "cordon", "x", 1, -3)
CALL(RequestKey, SYS_request_key, "user", "cordon", 0, 0)
CALL(Keyctl, SYS_keyctl, 0, -3, 1)
CALL(KeyctlSession, SYS_keyctl, 1, "cordon")
CALL(KeyctlSetperm, SYS_keyctl, 5, 0, 0)
CALL(Syslog, SYS_syslog, 10, 0, 0)
CALL(SyslogRead, SYS_syslog, 3, scratch, 100)
CALL(Iopl, SYS_iopl, 3)
CALL(Ioperm, SYS_ioperm, 0, 1, 1)
CALL(Uselib, SYS_uselib, "/no/such/file")
CALL(Ustat, SYS_ustat, 0, scratch)
CALL(Sysfs, SYS_sysfs, 3)
CALL(Sysctl, SYS__sysctl, scratch)
CALL(Nfsservctl, 180)
CALL(CreateModule, SYS_create_module, 0, 0)
CALL(LookupDcookie, SYS_lookup_dcookie, 0, scratch, 10)
CALL(Mbind, SYS_mbind, 0, 0, 0, 0, 0, 0)
CALL(SetMempolicy, SYS_set_mempolicy, 0, 0, 0)
CALL(MigratePages, SYS_migrate_pages, 1, 1, scratch, scratch)
CALL(MovePages, SYS_move_pages, 1, 0, 0, 0, 0, 0)
CALL(FanotifyInit, SYS_fanotify_init, 0, 0)
CALL(InotifyInit, SYS_inotify_init1, 0)
CALL(Statmount, 457, scratch, scratch, 100, 0)
CALL(Listmount, 458, scratch, scratch, 100, 0)
CALL(LsmListModules, 461, scratch, scratch + 8192, 0)
CALL(LsmSetSelfAttr, 460, 100, scratch, 32, 0)
CALL(LandlockCreate, SYS_landlock_create_ruleset, 0, 0, 1)
CALL(Mseal, 462, 0, 0, 0)
CALL(Cachestat, 451, 0, scratch, scratch + 64, 0)
CALL(MapShadowStack, 453, 0, 4096, 0)
CALL(FutexWaitv, 449, 0, 0, 0, 0, 0)
CALL(MemfdSecret, 447, 0)
CALL(IoUringSetup, 425, 1, scratch)
CALL(IoUringEnter, 426, -1, 0, 0, 0, 0, 0)
CALL(IoUringRegister, 427, -1, 0, 0, 0)
CALL(IoSetup, SYS_io_setup, 1, scratch)
CALL(Splice, SYS_splice, 0, 0, 1, 0, 1, 0)
CALL(Vmsplice, SYS_vmsplice, 1, 0, 0, 0)
CALL(Tee, SYS_tee, 0, 1, 1, 0)
CALL(ModifyLdt, SYS_modify_ldt, 0, scratch, 16)
CALL(Vhangup, SYS_vhangup)
// Reading modes only: made outside they change nothing.
CALL(Adjtimex, SYS_adjtimex, scratch)
CALL(ClockAdjtime, SYS_clock_adjtime, 0, scratch)
CALL(ClockSettime, SYS_clock_settime, 9999, 0)
CALL(Settimeofday, SYS_settimeofday, (void*)1, 0)
CALL(Sync, SYS_sync)
CALL(SyncFs, SYS_syncfs, 0)

static long RandomDevice(unsigned long request) {
  const int fd = open("/dev/random", O_RDONLY | O_CLOEXEC);
  int more = 1;
  return fd < 0 ? -1 : ioctl(fd, request, &more);
}
static long RandomCount(void) { return RandomDevice(RNDADDTOENTCNT); }
static long RandomClear(void) { return RandomDevice(RNDCLEARPOOL); }

const struct Probe kKernelProbes[] = {
    {"bpf", Bpf},
    {"perf_event_open", PerfEventOpen},
    {"userfaultfd", Userfaultfd},
    {"userfaultfd_user", UserfaultfdUser},
    {"kexec_load", KexecLoad},
    {"kexec_file_load", KexecFileLoad},
    {"init_module", InitModule},
    {"finit_module", FinitModule},
    {"delete_module", DeleteModule},
    {"reboot", Reboot},
    {"quotactl", Quotactl},
    {"quotactl_fd", QuotactlFd},
    {"acct", Acct},
    {"swapon", Swapon},
    {"swapoff", Swapoff},
    {"add_key", AddKey},
    {"request_key", RequestKey},
    {"keyctl", Keyctl},
    {"keyctl_session", KeyctlSession},
    {"keyctl_setperm", KeyctlSetperm},
    {"syslog", Syslog},
    {"syslog_read", SyslogRead},
    {"iopl", Iopl},
    {"ioperm", Ioperm},
    {"uselib", Uselib},
    {"ustat", Ustat},
    {"sysfs", Sysfs},
    {"_sysctl", Sysctl},
    {"nfsservctl", Nfsservctl},
    {"create_module", CreateModule},
    {"lookup_dcookie", LookupDcookie},
    {"mbind", Mbind},
    {"set_mempolicy", SetMempolicy},
    {"migrate_pages", MigratePages},
    {"move_pages", MovePages},
    {"fanotify_init", FanotifyInit},
    {"inotify_init", InotifyInit},
    {"statmount", Statmount},
    {"listmount", Listmount},
    {"lsm_list_modules", LsmListModules},
    {"lsm_set_self_attr", LsmSetSelfAttr},
    {"landlock_create", LandlockCreate},
    {"mseal", Mseal},
    {"cachestat", Cachestat},
    {"map_shadow_stack", MapShadowStack},
    {"futex_waitv", FutexWaitv},
    {"memfd_secret", MemfdSecret},
    {"io_uring_setup", IoUringSetup},
    {"io_uring_enter", IoUringEnter},
    {"io_uring_register", IoUringRegister},
    {"io_setup", IoSetup},
    {"splice", Splice},
    {"vmsplice", Vmsplice},
    {"tee", Tee},
    {"modify_ldt", ModifyLdt},
    {"vhangup", Vhangup},
    {"adjtimex", Adjtimex},
    {"clock_adjtime", ClockAdjtime},
    {"clock_settime", ClockSettime},
    {"settimeofday", Settimeofday},
    {"sync", Sync},
    {"syncfs", SyncFs},
    {"random_count", RandomCount},
    {"random_clear", RandomClear},
    {NULL, NULL},
};
