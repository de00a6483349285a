// SPDX-License-Identifier: Apache-2.0
// Handlers for the mount layer: sources are cloned first, with the caller's rights; then a tmpfs
// is built up and becomes the root. Every target is resolved below the new root without following
// a link, so that nothing that a bound tree contains can send a mount elsewhere.
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include "sandbox/child/context.h"
#include "sandbox/child/paths.h"

namespace cordon::child {
namespace {

constexpr int kEinval = 22;
constexpr int kEstale = 116;
constexpr int kMsRec = 16384;
constexpr int kMsPrivate = 1 << 18;
constexpr int kMntDetach = 2;
constexpr unsigned kAtRecursive = 0x8000;

OpResult SetAttributes(int fd, uint64_t attributes, bool recursive) {
  struct mount_attr attr = {};
  attr.attr_set = attributes;
  attr.propagation = static_cast<uint64_t>(kMsPrivate);
  const unsigned flags = AT_EMPTY_PATH | (recursive ? kAtRecursive : 0U);
  return Check(KernelCall::k_mount_setattr,
               Sys(__NR_mount_setattr, fd, "", flags, &attr, sizeof(attr)));
}

OpResult MoveTo(int mount_fd, int target_fd) {
  return Check(KernelCall::k_move_mount, Sys(__NR_move_mount, mount_fd, "", target_fd, "",
                                             MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

// Detached tmpfs with limits; *fd is the mount.
OpResult NewTmpfs(uint64_t bytes, uint64_t inodes, uint64_t mode, uint64_t attributes, int* fd) {
  const long fs = Sys(__NR_fsopen, "tmpfs", FSOPEN_CLOEXEC);
  if (fs < 0) return Check(KernelCall::k_fsopen, fs);
  char number[24];
  long result = Sys(__NR_fsconfig, fs, FSCONFIG_SET_STRING, "size", Decimal(bytes, number), 0);
  if (result >= 0) {
    result = Sys(__NR_fsconfig, fs, FSCONFIG_SET_STRING, "nr_inodes", Decimal(inodes, number), 0);
  }
  if (result >= 0) {
    result = Sys(__NR_fsconfig, fs, FSCONFIG_SET_STRING, "mode", Octal(mode, number), 0);
  }
  if (result >= 0) result = Sys(__NR_fsconfig, fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (result < 0) {
    (void)Sys(__NR_close, fs);
    return Check(KernelCall::k_fsconfig, result);
  }
  const long mount = Sys(__NR_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
  (void)Sys(__NR_close, fs);
  if (mount < 0) return Check(KernelCall::k_fsmount, mount);
  *fd = static_cast<int>(mount);
  return Ok();
}

// A detached procfs of the current pid namespace.
OpResult NewProc(bool process_only, int* fd) {
  const long fs = Sys(__NR_fsopen, "proc", FSOPEN_CLOEXEC);
  if (fs < 0) return Check(KernelCall::k_fsopen, fs);
  long result = 0;
  if (process_only) {
    result = Sys(__NR_fsconfig, fs, FSCONFIG_SET_STRING, "subset", "pid", 0);
  }
  if (result >= 0) result = Sys(__NR_fsconfig, fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (result < 0) {
    (void)Sys(__NR_close, fs);
    return Check(KernelCall::k_fsconfig, result);
  }
  const long mount = Sys(__NR_fsmount, fs, FSMOUNT_CLOEXEC,
                         MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  (void)Sys(__NR_close, fs);
  if (mount < 0) return Check(KernelCall::k_fsmount, mount);
  *fd = static_cast<int>(mount);
  return Ok();
}

// Moves a detached mount to `target` below the new root, then closes both descriptors.
OpResult Attach(Context& context, int mount_fd, const char* target, uint16_t flags,
                bool directory) {
  int target_fd = -1;
  OpResult result =
      OpenTarget(context.root_fd, target, directory, (flags & kFlagMayCreate) != 0, &target_fd);
  if (result.error == 0) {
    result = MoveTo(mount_fd, target_fd);
    (void)Sys(__NR_close, target_fd);
  }
  (void)Sys(__NR_close, mount_fd);
  return result;
}

// A mount of the file "empty" of the detached `tmpfs`; *fd is detached, too.
// Order: the new root is attached already; nobody else can see the tree yet.
// Kernel: before 6.15 open_tree clones only from mounts of this namespace, so the tmpfs is put on
// top of the new root for that moment; root_fd still means what is below it.
OpResult CloneOfEmptyFile(const Context& context, int tmpfs, int* fd) {
  const long file = Sys(__NR_openat, tmpfs, "empty", O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (file < 0) return Check(KernelCall::k_openat, file);
  (void)Sys(__NR_close, file);
  OpResult result = MoveTo(tmpfs, context.root_fd);
  if (result.error != 0) return result;
  const long clone = Sys(__NR_open_tree, tmpfs, "empty", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  result = Check(KernelCall::k_open_tree, clone);
  *fd = static_cast<int>(clone);
  if (result.error == 0) result = Check(KernelCall::k_fchdir, Sys(__NR_fchdir, tmpfs));
  if (result.error == 0) {
    result = Check(KernelCall::k_umount2, Sys(__NR_umount2, ".", kMntDetach));
  }
  if (result.error == 0) {
    result = Check(KernelCall::k_fchdir, Sys(__NR_fchdir, context.root_fd));
  }
  return result;
}

// Something empty and read-only of the same kind as the masked object.
OpResult NewMask(const Context& context, bool directory, int* fd) {
  constexpr uint64_t kAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  int tmpfs = -1;
  OpResult result = NewTmpfs(kMaskBytes, kMaskInodes, directory ? 0555 : 0755, kAttributes, &tmpfs);
  if (result.error != 0) return result;
  *fd = directory ? tmpfs : -1;
  if (!directory) {
    result = CloneOfEmptyFile(context, tmpfs, fd);
    (void)Sys(__NR_close, tmpfs);
    if (result.error != 0) return result;
  }
  return SetAttributes(*fd, kAttributes | MOUNT_ATTR_RDONLY, false);
}

}  // namespace

OpResult RunMakeMountsPrivate(Context&, const Op&) {
  return Check(KernelCall::k_mount,
               Sys(__NR_mount, nullptr, "/", nullptr, kMsRec | kMsPrivate, nullptr));
}

// Order: before SetIds, so that sources are resolved with the caller's rights and not more.
// Kernel: openat2 is 5.6. The path was resolved by the supervisor: any link in it now is a swap.
OpResult RunOpenTree(Context& context, const Op& op) {
  if (op.slot < 0 || op.slot >= kMaxSlots) return {KernelCall::k_none, kEinval};
  struct open_how how = {};
  how.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = Sys(__NR_openat2, AT_FDCWD, Text(context, op.data), &how, sizeof(how));
  if (fd < 0) return Check(KernelCall::k_openat2, fd);
  FileId id;
  OpResult result = Identify(static_cast<int>(fd), &id);
  if (result.error == 0) {
    const bool same = (op.flags & kFlagDevice) != 0 ? id.is_char_device && id.rdev == op.a
                                                    : id.device == op.a && id.inode == op.b;
    if (!same) result = {KernelCall::k_fstat, kEstale};
  }
  if (result.error == 0) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    if ((op.flags & kFlagDirectory) != 0) flags |= kAtRecursive;
    const long tree = Sys(__NR_open_tree, fd, "", flags);
    result = Check(KernelCall::k_open_tree, tree);
    context.slots[op.slot] = static_cast<int>(tree);
  }
  (void)Sys(__NR_close, fd);
  return result;
}

// Order: after SetIds and before every step that builds the tree.
OpResult RunMakeRoot(Context& context, const Op& op) {
  int fd = -1;
  OpResult result = NewTmpfs(op.a, op.b, kRootMode, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &fd);
  if (result.error != 0) return result;
  result = Check(KernelCall::k_move_mount,
                 Sys(__NR_move_mount, fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH));
  context.root_fd = fd;
  return result;
}

OpResult RunMakeDirectory(Context& context, const Op& op) {
  int fd = -1;
  OpResult result = OpenTarget(context.root_fd, Text(context, op.data), true, true, &fd);
  if (result.error != 0) return result;
  // An O_PATH descriptor has no fchmod; the path is ours and holds no link.
  (void)Sys(__NR_close, fd);
  return ChangeMode(context.root_fd, Text(context, op.data), op.a);
}

OpResult RunMakeSymlink(Context& context, const Op& op) {
  int parent = -1;
  const char* path = Text(context, op.data);
  OpResult result = OpenParent(context.root_fd, path, &parent);
  if (result.error != 0) return result;
  result = Check(KernelCall::k_symlinkat,
                 Sys(__NR_symlinkat, Text(context, op.data2), parent, BaseName(path)));
  (void)Sys(__NR_close, parent);
  return result;
}

OpResult RunMakeFile(Context& context, const Op& op) {
  int parent = -1;
  const char* path = Text(context, op.data);
  OpResult result = OpenParent(context.root_fd, path, &parent);
  if (result.error != 0) return result;
  const long fd = Sys(__NR_openat, parent, BaseName(path),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  (void)Sys(__NR_close, parent);
  if (fd < 0) return Check(KernelCall::k_openat, fd);
  uint32_t done = 0;
  while (result.error == 0 && done < op.size2) {
    const long written = Sys(__NR_write, fd, Text(context, op.data2) + done, op.size2 - done);
    result = Check(KernelCall::k_write, written);
    if (written > 0) done += static_cast<uint32_t>(written);
  }
  if (result.error == 0) result = Check(KernelCall::k_fchmod, Sys(__NR_fchmod, fd, op.a));
  (void)Sys(__NR_close, fd);
  return result;
}

// Kernel: mount_setattr is 5.12; recursive, so that submounts of the source are covered too.
OpResult RunAttachTree(Context& context, const Op& op) {
  if (op.slot < 0 || op.slot >= kMaxSlots) return {KernelCall::k_none, kEinval};
  const bool directory = (op.flags & kFlagDirectory) != 0;
  const int fd = context.slots[op.slot];
  context.slots[op.slot] = -1;
  const OpResult result = SetAttributes(fd, op.a, directory);
  if (result.error != 0) return result;
  return Attach(context, fd, Text(context, op.data), op.flags, directory);
}

OpResult RunMountTmpfs(Context& context, const Op& op) {
  int fd = -1;
  const OpResult result = NewTmpfs(op.a, op.b, op.c & 0xffffffffu, op.c >> 32, &fd);
  if (result.error != 0) return result;
  return Attach(context, fd, Text(context, op.data), op.flags, true);
}

// Order: after every step that makes something in it.
OpResult RunSealTmpfs(Context& context, const Op& op) {
  int fd = -1;
  OpResult result = OpenTarget(context.root_fd, Text(context, op.data), true, false, &fd);
  if (result.error != 0) return result;
  result = SetAttributes(fd, MOUNT_ATTR_RDONLY, false);
  (void)Sys(__NR_close, fd);
  return result;
}

// Order: while the old root with its fully visible procfs is still mounted (kernel: EPERM else).
OpResult RunMountProc(Context& context, const Op& op) {
  int fd = -1;
  const OpResult result = NewProc((op.flags & kFlagProcessOnly) != 0, &fd);
  if (result.error != 0) return result;
  return Attach(context, fd, Text(context, op.data), op.flags, true);
}

// A handle that no path of the sandbox leads to: what is written through it cannot be redirected.
OpResult RunOpenProc(Context& context, const Op&) { return NewProc(false, &context.proc_fd); }

// Order: while CAP_SYS_RESOURCE of the user namespace is still there.
// Kernel: the values belong to the writer's user namespace (kernel/ucount.c); a name that this
// kernel does not have (time before 5.6) is skipped.
OpResult RunLimitNamespaces(Context& context, const Op&) {
  static const struct {
    const char* name;
    const char* limit;
  } kLimits[] = {{"sys/user/max_user_namespaces", "0"},
                 {"sys/user/max_mnt_namespaces", "0"},
                 {"sys/user/max_pid_namespaces", "0"},
                 {"sys/user/max_net_namespaces", "0"},
                 {"sys/user/max_ipc_namespaces", "0"},
                 {"sys/user/max_uts_namespaces", "0"},
                 {"sys/user/max_time_namespaces", "0"},
                 // NewCgroupNamespace, which comes later, takes the one.
                 {"sys/user/max_cgroup_namespaces", "1"}};
  for (const auto& each : kLimits) {
    const OpResult result = WriteAt(context.proc_fd, each.name, each.limit);
    if (result.error == 2 && each.name != kLimits[0].name) continue;
    if (result.error != 0) return result;
  }
  return Ok();
}

// Order: after every mount, so that nothing covers a mask.
OpResult RunMaskPath(Context& context, const Op& op) {
  struct open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;  // a link is an error: what it leads to would stay visible
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  const long target = Sys(__NR_openat2, context.root_fd, Text(context, op.data), &how, sizeof(how));
  if (target == -2) return Ok();  // ENOENT: nothing is there to hide
  if (target < 0) return Check(KernelCall::k_openat2, target);
  FileId id;
  OpResult result = Identify(static_cast<int>(target), &id);
  int mask = -1;
  if (result.error == 0) result = NewMask(context, id.is_directory, &mask);
  if (result.error == 0) result = MoveTo(mask, static_cast<int>(target));
  if (mask >= 0) (void)Sys(__NR_close, mask);
  (void)Sys(__NR_close, target);
  return result;
}

// Kernel: pivot_root(".", ".") stacks the old root on the new one; the detach removes it and all
// its submounts from this namespace.
OpResult RunPivotRoot(Context& context, const Op&) {
  long result = Sys(__NR_fchdir, context.root_fd);
  if (result < 0) return Check(KernelCall::k_fchdir, result);
  result = Sys(__NR_pivot_root, ".", ".");
  if (result < 0) return Check(KernelCall::k_pivot_root, result);
  result = Sys(__NR_umount2, ".", kMntDetach);
  if (result < 0) return Check(KernelCall::k_umount2, result);
  return Check(KernelCall::k_chdir, Sys(__NR_chdir, "/"));
}

OpResult RunSealRoot(Context& context, const Op&) {
  const OpResult result = SetAttributes(context.root_fd, MOUNT_ATTR_RDONLY, false);
  (void)Sys(__NR_close, context.root_fd);
  context.root_fd = -1;
  return result;
}

}  // namespace cordon::child
