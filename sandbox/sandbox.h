// SPDX-License-Identifier: Apache-2.0
// One sandbox for one job: a state machine from nothing to a verified child at the gate, to a
// running job, to its end. Single use. Kernel: 5.14 or newer.
//
//   auto sandbox = Sandbox::Prepare(plan, facts);      // every layer built and read back
//   sandbox->Launch(launch);                           // the job's first instruction
//   v1::Report report = Supervise(**sandbox, streams); // supervise/supervisor.h
//
// Not thread-safe; the thread that prepares must live as long as the job (the kernel ends the job
// when it exits). Destroying a sandbox kills what runs in it and removes its control group.
#ifndef CORDON_SANDBOX_SANDBOX_H_
#define CORDON_SANDBOX_SANDBOX_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/compile.h"
#include "policy/proto/host_facts.pb.h"
#include "policy/proto/plan.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/files/copy_in.h"
#include "sandbox/files/places.h"
#include "sandbox/launch/launcher.h"
#include "sandbox/layers/apparmor.h"
#include "sandbox/layers/cgroup.h"
#include "sandbox/layers/check_back.h"

namespace cordon {

// What crosses the border as files; see files/.
struct SandboxFiles {
  const CopyInFiles* copy_in = nullptr;  // put into it before the gate
  bool leaves = false;                   // what it leaves behind will be asked for
};

class Sandbox {
 public:
  enum class State { kVerified, kLaunched, kCollected };

  // Builds everything that the plan asks for, waits until the child is at the gate, and compares
  // the kernel's read-back with the plan. An error names step, call, object and errno, or the
  // item that differs; nothing of the sandbox is left then.
  static absl::StatusOr<std::unique_ptr<Sandbox>> Prepare(const CompiledPlan& plan,
                                                          const v1::HostFacts& facts,
                                                          const SandboxFiles& files = {});

  // Opens the gate. Fails when it was opened before.
  absl::Status Launch(const v1::LaunchPlan& launch);

  // SIGKILL to everything in it.
  absl::Status Kill();

  const v1::Plan& plan() const { return plan_; }
  Child& child() { return child_; }
  const Child& child() const { return child_; }
  CgroupLease* lease() const { return lease_.get(); }
  const CheckedProgram& program() const { return *program_; }
  // The payload's process before its program begins, as it was verified.
  const ProcessLook& payload_look() const { return payload_look_; }
  // Monotonic time at which the gate was opened, and what the group's clock said then.
  uint64_t launched_ns() const { return launched_ns_; }
  // Monotonic time at which Prepare began.
  uint64_t started_ns() const { return started_ns_; }
  uint64_t cpu_baseline_ns() const { return cpu_baseline_ns_; }
  // When the payload called exec, by its own mark, and no later than `told_ns`. Init hears of it
  // when it gets a processor, and on a busy host the job may have run for long by then.
  uint64_t ExecTime(uint64_t told_ns) const;
  // For the report: one row per layer, the steps with their times, optional binds left out.
  const std::vector<v1::LayerReport>& layers() const { return layers_; }
  const std::vector<std::string>& skipped() const { return skipped_; }
  std::vector<v1::Step> Steps() const;

  // After the init was reaped: removes the group; an error when a process is left in it.
  absl::Status Collect();

  // Its writable tmpfs mounts as the job left them; they end with this object. FAILED_PRECONDITION
  // before Collect has succeeded: until then somebody could still change them.
  absl::StatusOr<const WritablePlaces*> LeftBehind() const;

 private:
  explicit Sandbox(const v1::Plan& plan) : plan_(plan) {}
  absl::Status Build(const v1::HostFacts& facts, const SandboxFiles& files);
  absl::Status CheckFiles(const SandboxFiles& files, const ReadBack& back);
  absl::Status ReadyAppArmor();
  void AddStep(const char* name, uint64_t since_ns);
  void AddTime(const char* name, uint64_t ns);

  v1::Plan plan_;
  State state_ = State::kVerified;
  AppArmorUse profile_use_;             // its AppArmor profile stays loaded while this is there
  std::unique_ptr<CgroupLease> lease_;  // outlives child_: the group empties when the child dies
  std::unique_ptr<CheckedProgram> program_;
  Child child_;
  WritablePlaces places_;
  bool dead_ = false;  // nothing of it is alive, and that is proven
  ProcessLook payload_look_;
  std::vector<v1::LayerReport> layers_;
  std::vector<std::string> skipped_;
  std::vector<v1::Step> steps_;
  uint64_t started_ns_ = 0;
  uint64_t launched_ns_ = 0;
  uint64_t cpu_baseline_ns_ = 0;
};

}  // namespace cordon

#endif  // CORDON_SANDBOX_SANDBOX_H_
