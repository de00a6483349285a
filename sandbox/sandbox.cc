// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox.h"

#include <utility>

#include "policy/base/status.h"
#include "sandbox/layers/apparmor.h"
#include "sandbox/layers/layer.h"
#include "sandbox/layers/read_back.h"
#include "sandbox/os/process.h"
#include "sandbox/program/build.h"
#include "sandbox/program/init_filter.h"

namespace cordon {
namespace {

// A set-up takes milliseconds; this bounds one that hangs on a dead network file system.
constexpr int kSetupTimeoutMs = 30000;

v1::LayerReport RowOf(const LayerRuntime& layer, const v1::Plan& plan, const CgroupLease* lease) {
  v1::LayerReport row;
  row.set_layer(std::string(layer.name));
  if (layer.enabled(plan)) {
    row.set_state(layer.confirmed_state);
    row.set_confirmed_by(std::string(layer.confirmed_by));
  } else if (layer.enforcement(plan) == v1::OFF) {
    row.set_state(v1::LAYER_OFF);
    row.set_detail("the policy says OFF");
    return row;
  } else {
    row.set_state(v1::UNAVAILABLE);
  }
  if (layer.detail != nullptr) row.set_detail(layer.detail(plan, lease));
  return row;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Sandbox>> Sandbox::Prepare(const CompiledPlan& plan,
                                                          const v1::HostFacts& facts) {
  std::unique_ptr<Sandbox> sandbox(new Sandbox(plan.proto()));
  const absl::Status built = sandbox->Build(facts);
  if (!built.ok()) return WithStage(built, "prepare");
  return sandbox;
}

absl::Status Sandbox::Build(const v1::HostFacts& facts) {
  started_ns_ = MonotonicNs();
  uint64_t mark = started_ns_;
  CORDON_ASSIGN_OR_RETURN(const ResolvedSources sources,
                          ResolveSources(plan_.mount(), facts.privileged()));
  skipped_ = sources.skipped;
  CORDON_RETURN_IF_ERROR(ReadyAppArmor());
  CORDON_ASSIGN_OR_RETURN(CheckedProgram program,
                          BuildProgram({plan_, sources, facts.privileged()}, InitFilter()));
  program_ = std::make_unique<CheckedProgram>(std::move(program));
  AddStep("lower", mark);
  mark = MonotonicNs();
  if (plan_.cgroup().enabled()) {
    CORDON_ASSIGN_OR_RETURN(lease_, CreateCgroup(plan_.cgroup(), facts));
    AddStep("create cgroup", mark);
    mark = MonotonicNs();
  }
  const StartOptions options = {facts.privileged(),   plan_.net().own_namespace(),
                                plan_.userns().uid(), plan_.userns().gid(),
                                sources.has_owner,    sources.owner};
  CORDON_ASSIGN_OR_RETURN(child_, StartChild(*program_, options, lease_.get()));
  AddStep("clone and map ids", mark);
  mark = MonotonicNs();
  const absl::Status entered = EnterGroup(child_, lease_.get());
  // A child that failed a step explains itself better than the broken pipe that it left.
  const absl::Status at_gate = AwaitGate(child_, *program_, kSetupTimeoutMs);
  CORDON_RETURN_IF_ERROR(at_gate);
  CORDON_RETURN_IF_ERROR(entered);
  AddStep("reach the gate", mark);
  mark = MonotonicNs();
  CORDON_RETURN_IF_ERROR(Verify(sources, facts.privileged()));
  AddStep("verify", mark);
  return absl::OkStatus();
}

// The profile is there before anything is cloned. IF_AVAILABLE goes on without, and the report's
// row has the reason.
absl::Status Sandbox::ReadyAppArmor() {
  v1::AppArmorPlan& plan = *plan_.mutable_apparmor();
  if (!plan.enabled()) return absl::OkStatus();
  const uint64_t mark = MonotonicNs();
  const absl::Status ready = EnsureAppArmorProfile(plan);
  AddStep("load profile", mark);
  if (ready.ok() || plan.enforcement() != v1::IF_AVAILABLE) return ready;
  plan.set_enabled(false);
  plan.set_unavailable_why(RenderError(DetailsOf(ready).front()));
  return absl::OkStatus();
}

absl::Status Sandbox::Verify(const ResolvedSources& sources, bool privileged) {
  CORDON_ASSIGN_OR_RETURN(const ReadBack back, TakeReadBack(child_.pid));
  const VerifyInput input = {plan_, sources, back, child_.ids, privileged, lease_.get()};
  for (const LayerRuntime& layer : RuntimeLayers()) {
    const absl::Status verified = layer.verify(input);
    if (!verified.ok()) return WithLayer(WithStage(verified, "verify"), layer.name);
    layers_.push_back(RowOf(layer, plan_, lease_.get()));
  }
  return absl::OkStatus();
}

void Sandbox::AddStep(const char* name, uint64_t since_ns) {
  v1::Step step;
  step.set_name(name);
  step.set_duration_ns(MonotonicNs() - since_ns);
  steps_.push_back(std::move(step));
}

absl::Status Sandbox::Launch(const v1::LaunchPlan& launch) {
  if (state_ != State::kVerified) {
    return Error(absl::StatusCode::kFailedPrecondition, "a sandbox runs one job only");
  }
  state_ = State::kLaunched;
  if (lease_ != nullptr) {
    CORDON_ASSIGN_OR_RETURN(cpu_baseline_ns_, lease_->CpuNs());
  }
  launched_ns_ = MonotonicNs();
  return WithStage(OpenGate(child_, launch), "launch");
}

absl::Status Sandbox::Kill() {
  absl::Status status = KillPidfd(child_.pidfd.get());
  // Both ways: a frozen group or a refused signal must not keep the job alive.
  if (lease_ != nullptr) status.Update(lease_->Kill());
  return status;
}

absl::Status Sandbox::Collect() {
  state_ = State::kCollected;
  if (lease_ == nullptr) return absl::OkStatus();
  return lease_->Remove();
}

std::vector<v1::Step> Sandbox::Steps() const {
  std::vector<v1::Step> steps = steps_;
  const child::SharedRegion* region = child_.region();
  const std::vector<child::Op>& ops = program_->program().ops;
  uint64_t previous = 0;
  for (size_t i = 0; i < ops.size(); ++i) {
    const uint64_t done = region->op_done_ns[i];
    if (done == 0) continue;
    v1::Step step;
    step.set_name(std::string(OpcodeName(ops[i].code)));
    if (previous != 0 && done >= previous) step.set_duration_ns(done - previous);
    steps.push_back(std::move(step));
    previous = done;
  }
  return steps;
}

}  // namespace cordon
