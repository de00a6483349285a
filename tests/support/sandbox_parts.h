// SPDX-License-Identifier: Apache-2.0
// What Sandbox::Prepare does, in parts that a test can put a program or an option of its own
// between: build, start and read at the gate, confirm, run.
#ifndef CORDON_TESTS_SUPPORT_SANDBOX_PARTS_H_
#define CORDON_TESTS_SUPPORT_SANDBOX_PARTS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "policy/base/status.h"
#include "sandbox/launch/gate.h"
#include "sandbox/launch/status_pipe.h"
#include "sandbox/layers/apparmor.h"
#include "sandbox/layers/layer.h"
#include "sandbox/os/event.h"
#include "sandbox/os/unique_fd.h"
#include "sandbox/program/build.h"
#include "sandbox/program/init_filter.h"
#include "tests/support/job.h"
#include "tests/support/unchecked_program.h"

namespace cordon {

// What the init reported after the gate was opened.
struct Ran {
  bool executed = false;
  int exit_code = -1;
  uint64_t user_us = 0;
  uint64_t system_us = 0;
};

class SandboxParts {
 public:
  absl::Status Build(const JobOptions& job) {
    IgnoreSigpipe();
    facts = HostFactsOfTest();
    CORDON_ASSIGN_OR_RETURN(const CompiledPlan compiled,
                            PlanOf(listens ? job : WithoutListener(job)));
    plan = compiled.proto();
    if (plan.apparmor().enabled()) {
      CORDON_ASSIGN_OR_RETURN(profile_use, EnsureAppArmorProfile(plan.apparmor()));
    }
    CORDON_ASSIGN_OR_RETURN(sources, ResolveSources(plan.mount(), facts.privileged()));
    CORDON_ASSIGN_OR_RETURN(const CheckedProgram program,
                            BuildProgram({plan, sources, facts.privileged()}, InitFilter()));
    good = program.program();
    checked = std::make_unique<CheckedProgram>(program);
    options = {facts.privileged(),
               plan.net().own_namespace(),
               plan.userns().uid(),
               plan.userns().gid(),
               sources.has_owner,
               sources.owner,
               plan.process().working_directory(),
               ListensToFilter(plan)};
    if (plan.cgroup().enabled()) {
      CORDON_ASSIGN_OR_RETURN(lease, CreateCgroup(plan.cgroup(), facts));
    }
    return absl::OkStatus();
  }

  // To the gate, by a program that need not be in order.
  absl::StatusOr<AtGate> Start(const SetupProgram& program) {
    checked = std::make_unique<CheckedProgram>(Unchecked(*checked, program));
    CgroupLease* const group = enter_group ? lease.get() : nullptr;
    CORDON_ASSIGN_OR_RETURN(child, StartChild(*checked, options, group));
    const absl::Status entered = EnterGroup(child, group);
    absl::StatusOr<AtGate> at_gate = ReadAtGate(child, *checked, plan, entered.ok() ? 30000 : 0);
    // As Sandbox does: a child that failed a step says more than its broken pipe.
    if (!entered.ok() && (at_gate.ok() || absl::IsUnavailable(at_gate.status()))) return entered;
    return at_gate;
  }

  absl::StatusOr<std::vector<v1::LayerReport>> Confirm(const AtGate& at_gate) {
    return ConfirmLayers({plan, sources, at_gate.back, at_gate.twin, child.ids, facts.privileged(),
                          lease.get(), profile_use.compared});
  }

  Ran Run(const std::vector<std::string>& arguments) {
    Ran ran;
    v1::LaunchPlan launch;
    launch.add_argv("/payload/payload");
    for (const std::string& word : arguments) launch.add_argv(word);
    launch.add_exec_path("/payload/payload");
    launch.set_working_directory("/");
    if (!OpenGate(child, *checked, launch).ok()) return ran;
    UniqueFd listener;  // while it is open a call that the filter asks about waits
    for (;;) {
      const auto frame =
          ReadFrame(child.status.get(), 30000, options.passes_listener ? &listener : nullptr);
      if (!frame.ok() || !frame->has_value()) return ran;
      if ((*frame)->kind == child::FrameKind::kListener && !ConfirmListener(child).ok()) return ran;
      if ((*frame)->kind == child::FrameKind::kExecDone) ran.executed = true;
      if ((*frame)->kind == child::FrameKind::kWaitStatus) {
        ran.exit_code = static_cast<int>((*frame)->aux64);
      }
      if ((*frame)->kind == child::FrameKind::kUsage) {
        ran.user_us = (*frame)->aux64 >> 32;
        ran.system_us = (*frame)->aux64 & 0xffffffffu;
      }
    }
  }

  AppArmorUse profile_use;  // while it is held nobody unloads the profile
  v1::HostFacts facts;
  v1::Plan plan;
  ResolvedSources sources;
  SetupProgram good;
  StartOptions options;
  // As by default, the filter asks the supervisor where it kills.
  bool listens = false;
  bool enter_group = true;
  std::unique_ptr<CgroupLease> lease;  // outlives the child
  std::unique_ptr<CheckedProgram> checked;
  Child child;
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_SANDBOX_PARTS_H_
