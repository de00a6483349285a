// SPDX-License-Identifier: Apache-2.0
// Ways into another namespace, another root, another mount.
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "attack.h"

#define CALL(name, ...) \
  static long name(void) { return syscall(__VA_ARGS__); }

// The child of a clone that succeeded ends at once.
static long CloneWith(unsigned long flags) {
  const long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  if (child > 0) waitpid((pid_t)child, NULL, 0);
  return child;
}

#define CLONE(name, flag) \
  static long name(void) { return CloneWith(flag); }

CLONE(CloneUser, CLONE_NEWUSER)
CLONE(CloneMount, CLONE_NEWNS)
CLONE(ClonePid, CLONE_NEWPID)
CLONE(CloneNet, CLONE_NEWNET)
CLONE(CloneIpc, CLONE_NEWIPC)
CLONE(CloneUts, CLONE_NEWUTS)
CLONE(CloneCgroup, CLONE_NEWCGROUP)
CLONE(CloneAll, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                    CLONE_NEWUTS | CLONE_NEWCGROUP)
// The control: without new namespaces it is how processes are made.
CLONE(ClonePlain, 0)

static long Clone3With(uint64_t flags, size_t size) {
  struct clone_args* args = (struct clone_args*)scratch;
  memset(scratch, 0, sizeof(scratch));
  args->flags = flags;
  args->exit_signal = SIGCHLD;
  const long child = syscall(SYS_clone3, args, size);
  if (child == 0) _exit(0);
  if (child > 0) waitpid((pid_t)child, NULL, 0);
  return child;
}

static long Clone3(void) { return Clone3With(CLONE_NEWUSER, 88); }
static long Clone3Short(void) { return Clone3With(CLONE_NEWUSER, 64); }
static long Clone3Long(void) { return Clone3With(CLONE_NEWUSER, 4096); }

CALL(UnshareUser, SYS_unshare, CLONE_NEWUSER)
CALL(UnshareMount, SYS_unshare, CLONE_NEWNS)
CALL(UnshareTime, SYS_unshare, CLONE_NEWTIME)
CALL(UnshareNothing, SYS_unshare, 0)

static long SetnsInit(void) {
  const int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
  return syscall(SYS_setns, fd, CLONE_NEWNS);
}

static long SetnsOwnUser(void) {
  const int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  return syscall(SYS_setns, fd, CLONE_NEWUSER);
}

static long SetnsPidfd(void) {
  const int fd = (int)syscall(SYS_pidfd_open, 1, 0);
  return syscall(SYS_setns, fd, CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID);
}

// _IO(0xb7, 1) and (0xb7, 2): the owner and the parent of a namespace.
static long NamespaceIoctl(unsigned long request) {
  const int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  return ioctl(fd, request);
}
static long NsGetUserns(void) { return NamespaceIoctl(0xb701); }
static long NsGetParent(void) { return NamespaceIoctl(0xb702); }

CALL(Mount, SYS_mount, "none", "/tmp", "tmpfs", 0, 0)
CALL(MountShared, SYS_mount, "none", "/", 0, 1 << 20, 0)
CALL(MountCgroup, SYS_mount, "none", "/tmp", "cgroup2", 0, 0)
CALL(MountOverlay, SYS_mount, "none", "/tmp", "overlay", 0, "lowerdir=/usr:/etc")
CALL(MountFuse, SYS_mount, "none", "/tmp", "fuse", 0, "fd=0,rootmode=40000,user_id=0,group_id=0")
CALL(MountBinfmt, SYS_mount, "none", "/tmp", "binfmt_misc", 0, 0)
CALL(RemountUsr, SYS_mount, 0, "/usr", 0, 0x1020, 0)  // MS_REMOUNT | MS_BIND: writable
CALL(Umount, SYS_umount2, "/usr", 2)
CALL(UmountProc, SYS_umount2, "/proc", 2)
CALL(PivotRoot, SYS_pivot_root, ".", ".")
CALL(Chroot, SYS_chroot, "/tmp")
CALL(OpenTree, SYS_open_tree, AT_FDCWD, "/", 1 | 0x8000)
CALL(Fsopen, SYS_fsopen, "tmpfs", 0)
CALL(FsopenOverlay, SYS_fsopen, "overlay", 0)
CALL(Fsconfig, SYS_fsconfig, -1, 0, 0, 0, 0)
CALL(Fsmount, SYS_fsmount, -1, 0, 0)
CALL(MoveMount, SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/work", 0)
CALL(Fspick, SYS_fspick, AT_FDCWD, "/", 0)

static long MountSetattr(void) {
  const uint64_t attributes[4] = {0, 1, 0, 0};  // clears MOUNT_ATTR_RDONLY
  return syscall(SYS_mount_setattr, AT_FDCWD, "/usr", 0x8000, attributes, sizeof(attributes));
}

static long OpenByHandle(void) {
  struct {
    unsigned bytes;
    int type;
    unsigned char handle[8];
  } root = {8, 1, {2, 0, 0, 0, 0, 0, 0, 0}};  // inode 2: the root of most file systems
  return syscall(SYS_open_by_handle_at, AT_FDCWD, &root, O_RDONLY);
}
static long NameToHandle(void) {
  memset(scratch, 0, 256);
  *(unsigned*)scratch = 128;
  return syscall(SYS_name_to_handle_at, AT_FDCWD, "/", scratch, scratch + 1024, 0);
}

// A name as long as before: outside, the test would have to put it back.
CALL(Sethostname, SYS_sethostname, "", -1)
CALL(Setdomainname, SYS_setdomainname, "", -1)

static long UidMap(void) { return WriteFile("/proc/self/uid_map", "0 0 4294967295"); }
static long InitUidMap(void) { return WriteFile("/proc/1/uid_map", "0 0 4294967295"); }
static long Setgroups(void) { return WriteFile("/proc/self/setgroups", "allow"); }
static long Timens(void) { return WriteFile("/proc/self/timens_offsets", "monotonic 1000 0"); }

const struct Probe kNamespaceProbes[] = {
    {"clone_user", CloneUser},
    {"clone_mount", CloneMount},
    {"clone_pid", ClonePid},
    {"clone_net", CloneNet},
    {"clone_ipc", CloneIpc},
    {"clone_uts", CloneUts},
    {"clone_cgroup", CloneCgroup},
    {"clone_all", CloneAll},
    {"clone_plain", ClonePlain},
    {"clone3", Clone3},
    {"clone3_short", Clone3Short},
    {"clone3_long", Clone3Long},
    {"unshare_user", UnshareUser},
    {"unshare_mount", UnshareMount},
    {"unshare_time", UnshareTime},
    {"unshare_nothing", UnshareNothing},
    {"setns_init", SetnsInit},
    {"setns_own_user", SetnsOwnUser},
    {"setns_pidfd", SetnsPidfd},
    {"ns_get_userns", NsGetUserns},
    {"ns_get_parent", NsGetParent},
    {"mount", Mount},
    {"mount_shared", MountShared},
    {"mount_cgroup", MountCgroup},
    {"mount_overlay", MountOverlay},
    {"mount_fuse", MountFuse},
    {"mount_binfmt", MountBinfmt},
    {"remount_usr", RemountUsr},
    {"umount", Umount},
    {"umount_proc", UmountProc},
    {"pivot_root", PivotRoot},
    {"chroot", Chroot},
    {"open_tree", OpenTree},
    {"fsopen", Fsopen},
    {"fsopen_overlay", FsopenOverlay},
    {"fsconfig", Fsconfig},
    {"fsmount", Fsmount},
    {"move_mount", MoveMount},
    {"fspick", Fspick},
    {"mount_setattr", MountSetattr},
    {"open_by_handle_at", OpenByHandle},
    {"name_to_handle_at", NameToHandle},
    {"sethostname", Sethostname},
    {"setdomainname", Setdomainname},
    {"uid_map", UidMap},
    {"init_uid_map", InitUidMap},
    {"setgroups_allow", Setgroups},
    {"timens_offsets", Timens},
    {NULL, NULL},
};
