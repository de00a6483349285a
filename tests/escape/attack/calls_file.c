// SPDX-License-Identifier: Apache-2.0
// Files: writing what is read-only, making what must not be made, reading what is hidden.
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>

#include "attack.h"

static long MknodChar(void) { return mknod("/tmp/char", S_IFCHR | 0666, 0x105); }
static long MknodBlock(void) { return mknod("/tmp/block", S_IFBLK | 0666, 0x800); }
static long MknodSetuid(void) { return mknod("/tmp/suid", S_IFREG | 04777, 0); }
static long CreatSetuid(void) { return creat("/tmp/suid", 04755); }

static int Scrap(void) {
  const int fd = open("/tmp/scrap", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return fd;
}

static long ChmodSetuid(void) {
  close(Scrap());
  return chmod("/tmp/scrap", 04755);
}
static long ChmodSetgid(void) { return fchmod(Scrap(), 02755); }
static long SetxattrCapability(void) {
  close(Scrap());
  return syscall(SYS_setxattr, "/tmp/scrap", "security.capability", scratch, 20, 0);
}
static long SetImmutable(void) {
  int flags = FS_IMMUTABLE_FL;
  return ioctl(Scrap(), FS_IOC_SETFLAGS, &flags);
}
static long LinkSu(void) { return link("/usr/bin/su", WORK "/su"); }
static long LinkDevice(void) { return link("/dev/null", "/tmp/null"); }
static long RenameIntoUsr(void) {
  close(Scrap());
  return rename("/tmp/scrap", "/usr/bin/scrap");
}

// Executing what was written.
static int Script(const char* path) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (fd < 0) return -1;
  const long put = write(fd, "#!/usr/bin/true\n", 16);
  close(fd);
  return put == 16 ? 0 : -1;
}

// Gives 0 when the program ran.
static long Executed(const char* path) {
  const pid_t child = fork();
  if (child == 0) {
    execl(path, path, NULL);
    _exit(errno);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
  return -1;
}

static long ExecTmp(void) { return Script("/tmp/run") == 0 ? Executed("/tmp/run") : -1; }
static long ExecWork(void) { return Script(WORK "/run") == 0 ? Executed(WORK "/run") : -1; }
static long ExecShm(void) { return Script("/dev/shm/run") == 0 ? Executed("/dev/shm/run") : -1; }

// What the copied program is run by: the descriptor itself, or a path that leads to it.
static long ExecMemoryFile(unsigned flags, const char* path) {
  const int fd = (int)syscall(SYS_memfd_create, "run", flags);
  if (fd < 0) return -1;
  // A script could not be read again by its interpreter; a program of the system can be copied.
  const int from = open("/usr/bin/true", O_RDONLY | O_CLOEXEC);
  long got;
  while ((got = read(from, scratch, sizeof(scratch))) > 0) {
    if (write(fd, scratch, (size_t)got) != got) return -1;
  }
  const pid_t child = fork();
  if (child == 0) {
    char* const nothing[] = {NULL};
    char* const argv[] = {scratch, NULL};
    strcpy(scratch, "true");
    char by_path[64];
    snprintf(by_path, sizeof(by_path), path, fd);
    fchmod(fd, 0700);
    syscall(SYS_execveat, fd, by_path, argv, nothing, *path == '\0' ? AT_EMPTY_PATH : 0);
    _exit(errno);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
  return -1;
}

static long ExecMemfd(void) { return ExecMemoryFile(0, ""); }
static long ExecMemfdPath(void) { return ExecMemoryFile(0, "/proc/self/fd/%d"); }
static long ExecMemfdAsked(void) { return ExecMemoryFile(0x10 /* MFD_EXEC */, ""); }
static long ExecMemfdSealed(void) { return ExecMemoryFile(8 /* MFD_NOEXEC_SEAL */, ""); }

static long MapExecutable(int later) {
  const int fd = Scrap();
  if (ftruncate(fd, 4096) != 0) return -1;
  void* map = mmap(NULL, 4096, PROT_READ | (later ? 0 : PROT_EXEC), MAP_PRIVATE, fd, 0);
  if (map == MAP_FAILED) return -1;
  return later ? mprotect(map, 4096, PROT_READ | PROT_EXEC) : 0;
}
static long MmapExec(void) { return MapExecutable(0); }
static long MprotectExec(void) { return MapExecutable(1); }

// Locks, leases and watches on files that other jobs see as well.
static int Shared(void) { return open("/usr/bin/env", O_RDONLY | O_CLOEXEC); }
static long Lease(void) { return fcntl(Shared(), F_SETLEASE, F_RDLCK); }
static long Notify(void) { return fcntl(open("/usr/bin", O_RDONLY | O_CLOEXEC), F_NOTIFY, 1); }
static long SetOwner(void) { return fcntl(1, F_SETOWN, 1); }
static long SetSignal(void) { return fcntl(1, F_SETSIG, SIGSYS); }
static long SetPipeSize(void) { return fcntl(1, F_SETPIPE_SZ, 1 << 20); }
static long EvictCache(void) { return syscall(SYS_fadvise64, Shared(), 0, 0, 4); }
static long Fiemap(void) { return ioctl(Shared(), 0xC020660BUL, scratch); }

// Files that are open anyway, or may be.
static long ReopenStdout(void) { return TryOpen("/proc/self/fd/1", O_RDWR); }
static long WriteExe(void) { return TryOpen("/proc/self/exe", O_RDWR); }
static long WriteInitExe(void) { return TryOpen("/proc/1/exe", O_RDWR); }
static long InitMemory(void) { return TryOpen("/proc/1/mem", O_RDONLY); }
static long InitDescriptors(void) { return TryOpen("/proc/1/fd", O_RDONLY | O_DIRECTORY); }
static long InitRoot(void) { return TryOpen("/proc/1/root/etc", O_RDONLY); }
static long InitEnvironment(void) { return TryOpen("/proc/1/environ", O_RDONLY); }
static long InitMaps(void) { return TryOpen("/proc/1/maps", O_RDONLY); }
static long OwnMemory(void) { return TryOpen("/proc/self/mem", O_WRONLY); }
static long CorePattern(void) { return TryOpen("/proc/sys/kernel/core_pattern", O_WRONLY); }
static long Modprobe(void) { return TryOpen("/proc/sys/kernel/modprobe", O_WRONLY); }
static long Sysrq(void) { return TryOpen("/proc/sysrq-trigger", O_WRONLY); }
static long DropCaches(void) { return TryOpen("/proc/sys/vm/drop_caches", O_WRONLY); }
static long OomScoreDown(void) { return WriteFile("/proc/self/oom_score_adj", "-1000"); }
static long Kallsyms(void) { return TryOpen("/proc/kallsyms", O_RDONLY); }
static long Kcore(void) { return TryOpen("/proc/kcore", O_RDONLY); }
static long Kmsg(void) { return TryOpen("/proc/kmsg", O_RDONLY); }
static long DevKmsg(void) { return TryOpen("/dev/kmsg", O_RDONLY); }
static long DevMem(void) { return TryOpen("/dev/mem", O_RDONLY); }
static long DevTty(void) { return TryOpen("/dev/tty", O_RDWR); }
static long DevPtmx(void) { return TryOpen("/dev/ptmx", O_RDWR); }
static long DevFuse(void) { return TryOpen("/dev/fuse", O_RDWR); }
static long DevLog(void) { return access("/dev/log", F_OK); }
static long SysKernel(void) { return TryOpen("/sys/kernel", O_RDONLY); }
static long SysCgroup(void) { return TryOpen("/sys/fs/cgroup", O_RDONLY); }
static long BootId(void) { return TryOpen("/proc/sys/kernel/random/boot_id", O_RDONLY); }
static long MachineId(void) { return TryOpen("/etc/machine-id", O_RDONLY); }
static long Cmdline(void) { return TryOpen("/proc/cmdline", O_RDONLY); }
static long Cpuinfo(void) { return TryOpen("/proc/cpuinfo", O_RDONLY); }
static long Meminfo(void) { return TryOpen("/proc/meminfo", O_RDONLY); }
static long Shadow(void) { return TryOpen("/etc/shadow", O_RDONLY); }
static long DotDot(void) {
  struct stat up;
  struct stat root;
  if (stat("/..", &up) != 0 || stat("/", &root) != 0) return -1;
  return up.st_ino == root.st_ino && up.st_dev == root.st_dev ? 0 : 1;
}

// Names that no name may be.
static long LongName(void) {
  memset(scratch, 'n', 300);
  scratch[300] = 0;
  return TryOpen(scratch, O_RDONLY);
}
static long LongPath(void) {
  for (size_t i = 0; i < 5000; i += 2) memcpy(scratch + i, "a/", 2);
  scratch[5000] = 0;
  return TryOpen(scratch, O_RDONLY);
}
static long BadPointer(void) { return syscall(SYS_openat, AT_FDCWD, (void*)8, 0, 0); }
static long OddName(void) { return TryOpen("/tmp/-rf \n\x1b[2J\xff%n%s", O_WRONLY | O_CREAT); }

const struct Probe kFileProbes[] = {
    {"mknod_char", MknodChar},
    {"mknod_block", MknodBlock},
    {"mknod_setuid", MknodSetuid},
    {"creat_setuid", CreatSetuid},
    {"chmod_setuid", ChmodSetuid},
    {"chmod_setgid", ChmodSetgid},
    {"setxattr_capability", SetxattrCapability},
    {"set_immutable", SetImmutable},
    {"link_su", LinkSu},
    {"link_device", LinkDevice},
    {"rename_into_usr", RenameIntoUsr},
    {"exec_tmp", ExecTmp},
    {"exec_work", ExecWork},
    {"exec_shm", ExecShm},
    {"exec_memfd", ExecMemfd},
    {"exec_memfd_path", ExecMemfdPath},
    {"exec_memfd_asked", ExecMemfdAsked},
    {"exec_memfd_sealed", ExecMemfdSealed},
    {"mmap_exec", MmapExec},
    {"mprotect_exec", MprotectExec},
    {"lease", Lease},
    {"notify", Notify},
    {"set_owner", SetOwner},
    {"set_signal", SetSignal},
    {"set_pipe_size", SetPipeSize},
    {"evict_cache", EvictCache},
    {"fiemap", Fiemap},
    {"reopen_stdout", ReopenStdout},
    {"write_exe", WriteExe},
    {"write_init_exe", WriteInitExe},
    {"init_memory", InitMemory},
    {"init_descriptors", InitDescriptors},
    {"init_root", InitRoot},
    {"init_environment", InitEnvironment},
    {"init_maps", InitMaps},
    {"own_memory", OwnMemory},
    {"core_pattern", CorePattern},
    {"modprobe", Modprobe},
    {"sysrq", Sysrq},
    {"drop_caches", DropCaches},
    {"oom_score_down", OomScoreDown},
    {"kallsyms", Kallsyms},
    {"kcore", Kcore},
    {"kmsg", Kmsg},
    {"dev_kmsg", DevKmsg},
    {"dev_mem", DevMem},
    {"dev_tty", DevTty},
    {"dev_ptmx", DevPtmx},
    {"dev_fuse", DevFuse},
    {"dev_log", DevLog},
    {"sys_kernel", SysKernel},
    {"sys_cgroup", SysCgroup},
    {"boot_id", BootId},
    {"machine_id", MachineId},
    {"cmdline", Cmdline},
    {"cpuinfo", Cpuinfo},
    {"meminfo", Meminfo},
    {"shadow", Shadow},
    {"dot_dot", DotDot},
    {"long_name", LongName},
    {"long_path", LongPath},
    {"bad_pointer", BadPointer},
    {"odd_name", OddName},
    {NULL, NULL},
};
