// SPDX-License-Identifier: Apache-2.0
// From a checked program to a child that stands at the gate, and from there to exec. Entry points:
// StartChild, OpenGate. No policy is known here.
#ifndef CORDON_SANDBOX_LAUNCH_LAUNCHER_H_
#define CORDON_SANDBOX_LAUNCH_LAUNCHER_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/child/wire.h"
#include "sandbox/launch/sources.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/unique_fd.h"
#include "sandbox/program/check.h"

namespace cordon {

// A cloned init and the supervisor's ends of everything that leads to it. Destroying it kills the
// whole pid namespace and reaps the init.
class Child {
 public:
  Child() = default;
  Child(Child&& other) noexcept = default;
  Child& operator=(Child&& other) noexcept = default;
  ~Child();

  pid_t pid = 0;
  UniqueFd pidfd;
  UniqueFd control;         // write end; closing it ends a child that still waits
  UniqueFd status;          // read end
  std::string status_link;  // what init's end of it leads to, as links of /proc/PID/fd show it
  UniqueFd stdin_write;
  UniqueFd stdout_read;
  UniqueFd stderr_read;
  SharedMemory shared;
  HostIds ids;
  bool own_ids = false;  // nobody else on the host has them while it lives
  bool reaped = false;

  child::SharedRegion* region() const { return static_cast<child::SharedRegion*>(shared.data()); }
};

struct StartOptions {
  bool privileged = false;
  bool own_network = true;
  uint32_t inside_uid = 0;
  uint32_t inside_gid = 0;
  bool has_owner = false;  // see ResolvedSources
  HostIds owner;
  // Where the twin of the payload starts; the payload itself takes the launch program's.
  std::string working_directory = "/";
  bool passes_listener = false;  // the status pipe can carry a descriptor
  int contents = -1;             // of files to be copied in (CopyInFiles), above 15; -1: none
};

// Clones the child (into the lease's group where the kernel can; the lease may be null), writes its
// id maps and lets it build its mounts.
absl::StatusOr<Child> StartChild(const CheckedProgram& program, const StartOptions& options,
                                 const CgroupLease* lease);

// Puts the child into the lease's group and lets it go on to the gate. Moving can take
// milliseconds; the child works meanwhile.
absl::Status EnterGroup(const Child& child, CgroupLease* lease);

// Is called on the way to the gate, while everything that it may want to read holds still.
class TwinObserver {
 public:
  virtual ~TwinObserver() = default;
  // The twin is there and runs; init waits and changes nothing of itself any more.
  virtual absl::Status TwinForked() = 0;
  // The twin is stopped, with everything applied but the filter.
  virtual absl::Status TwinStands() = 0;
  // The twin is dead and not reaped; how it ended as waitid(2) says it.
  virtual absl::Status TwinEnded(int code, int status) = 0;
};

// Waits until the child reports that it is at the gate, or gives the error of its failed step or of
// the observer, which may be null.
absl::Status AwaitGate(const Child& child, const CheckedProgram& program, int timeout_ms,
                       TwinObserver* observer = nullptr);

// A child that failed a step or was killed refuses what the supervisor does with it (EACCES, ESRCH
// and ENOENT of its /proc, EPIPE) from its end on, and before it is seen to have ended; its mounts
// are gone then, so that a comparison without an errno differs. The error of its step then. That of
// one that goes on is `seen`.
absl::Status CauseOf(const Child& child, const CheckedProgram& program, const absl::Status& seen);

// Writes the launch program into the shared region and opens the gate. Of a child that has died
// meanwhile, the error says so.
absl::Status OpenGate(const Child& child, const CheckedProgram& program,
                      const v1::LaunchPlan& launch);

// Tells an init that has sent the listener of the payload's filter that it is watched; the job
// begins then.
absl::Status ConfirmListener(const Child& child);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAUNCH_LAUNCHER_H_
