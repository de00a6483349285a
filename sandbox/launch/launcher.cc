// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch/launcher.h"

#include <fcntl.h>
#include <linux/sched.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/child/interpreter.h"
#include "sandbox/launch/exec_program.h"
#include "sandbox/launch/status_pipe.h"
#include "sandbox/os/children.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/procfs.h"
#include "sandbox/os/seccomp_listener.h"

namespace cordon {
namespace {

// How long the end of a sandbox is waited for that nobody waits for any more.
constexpr int kReapWaitMs = 10'000;

// The cgroup namespace is not in the list: the child enters it once it is in its group.
constexpr uint64_t kNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;

struct ChildEnds {
  Pipe control;
  Pipe status;
  Pipe in;
  Pipe out;
  Pipe err;
};

absl::StatusOr<ChildEnds> MakeEnds(bool passes_listener) {
  ChildEnds ends;
  for (Pipe* pipe : {&ends.control, &ends.in, &ends.out, &ends.err}) {
    CORDON_ASSIGN_OR_RETURN(*pipe, MakePipe());
  }
  CORDON_ASSIGN_OR_RETURN(ends.status, passes_listener ? MakePassingPipe() : MakePipe());
  return ends;
}

// A private copy of the program with what only this process knows: descriptors and addresses.
SetupProgram Localised(const SetupProgram& program, const ChildEnds& ends, int contents) {
  SetupProgram copy = program;
  const int32_t descriptors[5] = {ends.in.read.get(), ends.out.write.get(), ends.err.write.get(),
                                  ends.control.read.get(), ends.status.write.get()};
  const absl::StatusOr<std::string> stat = ReadAt(kCwd, "/proc/self/stat");
  const AddressRange arguments = stat.ok() ? ParseArgumentRange(*stat) : AddressRange{};
  for (child::Op& op : copy.ops) {
    if (op.code == child::Opcode::kAdoptFds) {
      std::memcpy(copy.arena.data() + op.data, descriptors, sizeof(descriptors));
      op.a = static_cast<uint64_t>(contents) + 1;  // 0: none, of -1
    } else if (op.code == child::Opcode::kScrubArguments) {
      op.a = arguments.begin;
      op.b = arguments.end;
    }
  }
  return copy;
}

absl::Status WriteMap(int proc, const char* file, uint32_t inside, uint32_t outside) {
  absl::Status status = WriteAt(proc, file, absl::StrCat(inside, " ", outside, " 1\n"));
  if (status.ok()) return status;
  const v1::ErrorDetail detail = DetailsOf(status)[0];
  return Error(absl::StatusCode::kFailedPrecondition, "cannot map the job's ids")
      .Layer("userns")
      .Field("identity")
      .Syscall(detail.syscall(), file, detail.errno_value())
      .Hint(
          "user namespaces of this host may be restricted for unprivileged users: "
          "kernel.apparmor_restrict_unprivileged_userns=0 or an AppArmor profile with userns");
}

// Kernel: an unprivileged writer must give up setgroups first (CVE-2014-8989). The child is not
// reaped yet, so /proc/PID is surely it.
absl::Status MapIds(pid_t pid, const StartOptions& options, HostIds* ids) {
  CORDON_ASSIGN_OR_RETURN(const UniqueFd proc,
                          OpenAt(kCwd, absl::StrCat("/proc/", pid), O_RDONLY | O_DIRECTORY));
  if (!options.privileged) {
    *ids = {EffectiveUid(), EffectiveGid()};
    CORDON_RETURN_IF_ERROR(WriteAt(proc.get(), "setgroups", "deny"));
  } else if (options.has_owner) {
    *ids = options.owner;
  } else {
    CORDON_ASSIGN_OR_RETURN(const std::string map, ReadAt(kCwd, "/proc/self/uid_map"));
    CORDON_ASSIGN_OR_RETURN(ids->uid, FreshHostId(static_cast<uint32_t>(pid), map));
    ids->gid = ids->uid;
  }
  CORDON_RETURN_IF_ERROR(WriteMap(proc.get(), "uid_map", options.inside_uid, ids->uid));
  return WriteMap(proc.get(), "gid_map", options.inside_gid, ids->gid);
}

// Programs open /dev/stdin and /dev/stdout by name. The kernel then asks for the rights of an
// owner, who would be root when root started the job.
absl::Status GiveStdio(const Child& child) {
  for (const int fd : {child.stdin_write.get(), child.stdout_read.get(), child.stderr_read.get()}) {
    CORDON_RETURN_IF_ERROR(ChangeOwner(fd, child.ids.uid, child.ids.gid));
  }
  return absl::OkStatus();
}

absl::Status Tell(const Child& child, char byte) {
  return WriteAll(child.control.get(), "control pipe", absl::string_view(&byte, 1));
}

// Lets the observer read what holds still, then lets init go on.
absl::Status Observe(const Child& child, const child::StatusFrame& frame, TwinObserver* observer) {
  switch (frame.kind) {
    case child::FrameKind::kTwinForked:
      return observer != nullptr ? observer->TwinForked() : absl::OkStatus();
    case child::FrameKind::kTwinStands:
      if (observer != nullptr) CORDON_RETURN_IF_ERROR(observer->TwinStands());
      return Tell(child, child::kByteTwinRead);
    default:
      if (observer != nullptr) {
        CORDON_RETURN_IF_ERROR(
            observer->TwinEnded(static_cast<int>(frame.aux), static_cast<int>(frame.aux64)));
      }
      return Tell(child, child::kByteTwinDone);
  }
}

// The kernel takes the namespaces of a dying child apart before it is seen to have ended, which
// was seen to take more than 200 ms on a busy machine.
constexpr int kDyingMs = 10'000;

// A process that dies cannot be read any more; the step that it failed in, or died in, explains it
// better. It is dying already, so that its word or its silence comes soon. One that lives says
// nothing.
absl::Status Explained(const absl::Status& seen, const Child& child,
                       const CheckedProgram& program) {
  constexpr int kLastWordMs = 300;
  if (seen.ok()) return seen;
  const bool dies = IsEnding(child.pid, child.pidfd.get()).value_or(false);
  const int wait_ms = dies ? kDyingMs : kLastWordMs;
  for (;;) {
    const absl::StatusOr<std::optional<child::StatusFrame>> frame =
        ReadFrame(child.status.get(), wait_ms);
    if (!frame.ok()) return seen;
    if (!frame->has_value()) return SilentDeathError(*child.region(), program.program());
    if ((*frame)->kind == child::FrameKind::kStepFailed) {
      return StepError(**frame, program.program());
    }
  }
}

}  // namespace

absl::Status CauseOf(const Child& child, const CheckedProgram& program, const absl::Status& seen) {
  if (seen.ok()) return seen;
  const int error = DetailsOf(seen)[0].errno_value();
  const bool refused = error == EACCES || error == ESRCH || error == ENOENT || error == EPIPE;
  if (error != 0 && !refused) return seen;
  // Where that cannot be known, what was seen is the best there is to tell.
  if (!IsEnding(child.pid, child.pidfd.get()).value_or(false)) return seen;
  return Explained(seen, child, program);
}

Child::~Child() {
  if (!pidfd.valid() || reaped) return;
  // The pid namespace ends with its init; waiting for it is waiting for all of it.
  // One that cannot be killed ends with this process (PR_SET_PDEATHSIG), which must not hang.
  // Nor may it for a process that waits for a device; Prepare and RunJob have said so.
  if (!KillChild(pidfd.get(), pid).ok()) return;
  const absl::StatusOr<bool> ended = AwaitReadable(pidfd.get(), kReapWaitMs);
  if (!ended.ok() || *ended) WaitPidfd(pidfd.get(), true).IgnoreError();
}

absl::StatusOr<Child> StartChild(const CheckedProgram& program, const StartOptions& options,
                                 const CgroupLease* lease) {
  CORDON_ASSIGN_OR_RETURN(ChildEnds ends, MakeEnds(options.passes_listener));
  Child child;
  CORDON_ASSIGN_OR_RETURN(child.shared, SharedMemory::Make(sizeof(child::SharedRegion)));
  CORDON_RETURN_IF_ERROR(WriteWorkingDirectory(options.working_directory, child.region()));
  const SetupProgram copy = Localised(program.program(), ends, options.contents);
  const child::ProgramView view = copy.View();
  child::SharedRegion* region = child.region();
  const int status_write = ends.status.write.get();
  // The two ends of a pair of sockets have an inode each.
  CORDON_ASSIGN_OR_RETURN(const FileInfo status_inside, StatFd(status_write));
  child.status_link =
      absl::StrCat(options.passes_listener ? "socket:[" : "pipe:[", status_inside.inode, "]");
  const uint64_t flags = kNamespaces | (options.own_network ? CLONE_NEWNET : 0);
  CORDON_ASSIGN_OR_RETURN(Clone3Result cloned,
                          Clone3(flags, lease != nullptr ? lease->CloneFd() : -1));
  // Nothing of libc, of the heap or of this class from here on in the child.
  if (cloned.pid == 0) child::RunProgram(view, region, status_write);

  child.pid = cloned.pid;
  child.pidfd = std::move(cloned.pidfd);
  // The init of another sandbox of this process is none of those that share it.
  CORDON_RETURN_IF_ERROR(child.shared.KeepFromLaterChildren());
  child.control = std::move(ends.control.write);
  child.status = std::move(ends.status.read);
  child.stdin_write = std::move(ends.in.write);
  child.stdout_read = std::move(ends.out.read);
  child.stderr_read = std::move(ends.err.read);
  // The child's: as long as they are open here, its end is not seen on the others.
  ends = {};
  child.own_ids = options.privileged && !options.has_owner;
  absl::Status mapped = MapIds(child.pid, options, &child.ids);
  if (mapped.ok() && options.privileged) mapped = GiveStdio(child);
  if (mapped.ok()) mapped = Tell(child, child::kByteIdsMapped);
  CORDON_RETURN_IF_ERROR(CauseOf(child, program, mapped));
  return child;
}

absl::Status EnterGroup(const Child& child, CgroupLease* lease) {
  if (lease != nullptr) CORDON_RETURN_IF_ERROR(lease->Enter(child.pid));
  return Tell(child, child::kByteGroupEntered);
}

absl::Status AwaitGate(const Child& child, const CheckedProgram& program, int timeout_ms,
                       TwinObserver* observer) {
  for (;;) {
    CORDON_ASSIGN_OR_RETURN(const std::optional<child::StatusFrame> frame,
                            ReadFrame(child.status.get(), timeout_ms));
    if (!frame.has_value()) return SilentDeathError(*child.region(), program.program());
    switch (frame->kind) {
      case child::FrameKind::kAtGate:
        return absl::OkStatus();
      case child::FrameKind::kTwinForked:
      case child::FrameKind::kTwinStands:
      case child::FrameKind::kTwinEnded:
        CORDON_RETURN_IF_ERROR(Explained(Observe(child, *frame, observer), child, program));
        break;
      default:
        return StepError(*frame, program.program());
    }
  }
}

absl::Status OpenGate(const Child& child, const CheckedProgram& program,
                      const v1::LaunchPlan& launch) {
  CORDON_RETURN_IF_ERROR(WriteExecProgram(launch, child.region()));
  return CauseOf(child, program, Tell(child, child::kByteOpenGate));
}

absl::Status ConfirmListener(const Child& child) { return Tell(child, child::kByteListenerTaken); }

}  // namespace cordon
