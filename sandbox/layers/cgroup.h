// SPDX-License-Identifier: Apache-2.0
// The cgroup layer: one fresh group per job behind one interface, whatever the host's mode.
// cgroup_v2.cc works in a delegated subtree without privileges; cgroup_v1.cc uses the legacy
// controllers (root, or delegated directories) and the controller-less v2 mount beside them.
#ifndef CORDON_SANDBOX_LAYERS_CGROUP_H_
#define CORDON_SANDBOX_LAYERS_CGROUP_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/os/procfs.h"
#include "sandbox/os/unique_fd.h"

namespace cordon {

// Bytes charged to a group, by kind.
struct MemoryParts {
  uint64_t anon = 0;
  uint64_t file = 0;  // without shmem
  uint64_t shmem = 0;
  uint64_t kernel = 0;
};

// Of block devices.
struct IoCounts {
  uint64_t read_bytes = 0;
  uint64_t write_bytes = 0;
  uint64_t read_operations = 0;
  uint64_t write_operations = 0;
};

// By a quota of cpu.max.
struct Throttling {
  uint64_t ns = 0;
  uint64_t periods = 0;
};

// Pressure stall information since the group was made.
struct Pressure {
  uint64_t some_ns = 0;
  uint64_t full_ns = 0;
};

// What the job's group counted. All of the tree, also of processes that nobody waited for.
struct CgroupUsage {
  uint64_t cpu_ns = 0;
  uint64_t user_ns = 0;
  uint64_t system_ns = 0;
  uint64_t memory_peak_bytes = 0;
  bool memory_peak_exact = true;  // false: at least that much
  uint64_t pids_peak = 0;         // includes the sandbox's init
  bool pids_peak_known = false;
  // The group was at its limit, and the kernel's out-of-memory killer ran in it; > 0: it did.
  uint64_t oom_kills = 0;
  // The killer ran in it, and its limit was never reached: for a group above it, or the machine.
  uint64_t host_oom_kills = 0;
  uint64_t forks_denied = 0;       // > 0: its limit refused a process or thread
  uint64_t host_forks_denied = 0;  // refused while it was below its limit: by a group above it
  std::string oom_source;          // file the count is from
  std::string forks_source;
  // Nothing where the host does not say.
  std::optional<MemoryParts> memory;    // now
  std::optional<uint64_t> kernel_peak;  // of memory's kernel part
  std::optional<uint64_t> swap_peak;
  bool swap_peak_exact = false;  // false: at least that much
  std::optional<IoCounts> io;
  std::optional<Throttling> throttled;
  std::optional<Pressure> cpu_pressure;
  std::optional<Pressure> memory_pressure;
  std::optional<Pressure> io_pressure;
};

// The same at one moment.
struct CgroupNow {
  uint64_t cpu_ns = 0;
  uint64_t memory_bytes = 0;
  uint64_t pids = 0;  // includes the sandbox's init
};

// A group of one job. Single use: a leaf is never used again (a group that was killed kills what
// is cloned into it, kernel 6.18). The destructor kills what is left and removes the group.
class CgroupLease {
 public:
  virtual ~CgroupLease() = default;

  static constexpr uint64_t kMostSettled = 64;

  // Descriptor for CLONE_INTO_CGROUP, or -1.
  virtual int CloneFd() const = 0;
  // Puts the cloned child where CLONE_INTO_CGROUP could not.
  virtual absl::Status Enter(pid_t pid) = 0;
  // Compare a process's membership, and every limit file, with the plan.
  virtual absl::Status VerifyMember(const std::vector<CgroupLine>& membership) = 0;
  virtual absl::Status VerifyLimits() = 0;
  // Whether a process that has ended is still shown in its group until it is reaped.
  virtual bool ShowsGroupOfDead() const = 0;
  // Room for one more process than the plan's limit: one that is Cordon's and not the job's.
  virtual absl::Status AddProcess() = 0;
  // Of a thread that has a processor the kernel counts what it had used at the last scheduler tick
  // (1 to 10 ms, CONFIG_HZ) or at SettleCpu, whichever was later.
  virtual absl::StatusOr<uint64_t> CpuNs() = 0;
  // Has the kernel count what the threads that have a processor used until now. It takes calls for
  // each thread of the group, so nothing is done for more than kMostSettled of them.
  virtual void SettleCpu() = 0;
  virtual absl::StatusOr<CgroupNow> Now() = 0;
  virtual absl::StatusOr<CgroupUsage> Collect() = 0;
  // What is charged now, by kind; nothing where the host does not say.
  virtual std::optional<MemoryParts> Memory() = 0;
  // Whether some thread of the group is in this state of /proc/PID/stat: 'R' has a processor or
  // waits for one, 'D' waits for a device or a file system and may not even be killed.
  virtual bool AnyInState(char state) = 0;
  // A descriptor that becomes readable (or EPOLLPRI) when the group runs out of memory, or -1.
  virtual int OomFd() const = 0;
  virtual uint32_t OomEvents() const = 0;
  // Whether the out-of-memory killer has run; also re-arms the descriptor above.
  virtual bool OomSeen() = 0;
  // SIGKILL to every member where the host has cgroup.kill; otherwise nothing (the death of the
  // pid namespace's init kills the tree).
  virtual absl::Status Kill() = 0;
  // OK only when no process is left. Removes the group.
  virtual absl::Status Remove() = 0;
  // For the report: "cgroup v1 (memory, pids ...)".
  virtual std::string Describe() const = 0;
};

// Creates the group and sets every limit of the plan, or fails and leaves nothing.
absl::StatusOr<std::unique_ptr<CgroupLease>> CreateCgroup(const v1::CgroupPlan& plan,
                                                          const v1::HostFacts& facts);

// Fills cgroup_mode, cgroup_controllers, cgroup_why and swap_accounting.
absl::Status ProbeCgroup(v1::HostFacts* facts);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAYERS_CGROUP_H_
