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
    CORDON_ASSIGN_OR_RETURN(const CompiledPlan compiled, PlanOf(WithoutListener(job)));
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
               plan.process().working_directory()};
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
    CORDON_RETURN_IF_ERROR(EnterGroup(child, group));
    return ReadAtGate(child, *checked, plan, 30000);
  }

  absl::StatusOr<std::vector<v1::LayerReport>> Confirm(const AtGate& at_gate) {
    return ConfirmLayers(
        {plan, sources, at_gate.back, at_gate.twin, child.ids, facts.privileged(), lease.get()});
  }

  Ran Run(const std::vector<std::string>& arguments) {
    Ran ran;
    v1::LaunchPlan launch;
    launch.add_argv("/payload/payload");
    for (const std::string& word : arguments) launch.add_argv(word);
    launch.add_exec_path("/payload/payload");
    launch.set_working_directory("/");
    if (!OpenGate(child, *checked, launch).ok()) return ran;
    for (;;) {
      const auto frame = ReadFrame(child.status.get(), 30000);
      if (!frame.ok() || !frame->has_value()) return ran;
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
  bool enter_group = true;
  std::unique_ptr<CgroupLease> lease;  // outlives the child
  std::unique_ptr<CheckedProgram> checked;
  Child child;
};

}  // namespace cordon

#endif  // CORDON_TESTS_SUPPORT_SANDBOX_PARTS_H_
