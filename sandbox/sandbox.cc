// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox.h"

#include <algorithm>
#include <utility>

#include "policy/base/status.h"
#include "sandbox/launch/gate.h"
#include "sandbox/layers/apparmor.h"
#include "sandbox/layers/layer.h"
#include "sandbox/os/process.h"
#include "sandbox/program/build.h"
#include "sandbox/program/init_filter.h"

namespace cordon {
namespace {

// A set-up takes milliseconds; this bounds one that hangs on a dead network file system.
constexpr int kSetupTimeoutMs = 30000;

// Steps of the supervisor, in errors and in the report's times.
constexpr char kLower[] = "lower";
constexpr char kProfile[] = "load profile";
constexpr char kMakeGroup[] = "create cgroup";
constexpr char kClone[] = "clone and map ids";
constexpr char kEnterGroup[] = "enter cgroup";
constexpr char kReachGate[] = "reach the gate";
constexpr char kVerify[] = "verify";
constexpr char kFiles[] = "verify: files copied in";
constexpr char kOpenGate[] = "open the gate";

// Says which step of the supervisor an error is of, where nothing below has said more.
absl::Status Of(absl::string_view step, absl::string_view layer, const absl::Status& status) {
  return WithStep(WithLayer(status, layer), step);
}
template <typename T>
absl::StatusOr<T> Of(absl::string_view step, absl::string_view layer, absl::StatusOr<T> value) {
  if (!value.ok()) return Of(step, layer, value.status());
  return value;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Sandbox>> Sandbox::Prepare(const CompiledPlan& plan,
                                                          const v1::HostFacts& facts,
                                                          const SandboxFiles& files) {
  std::unique_ptr<Sandbox> sandbox(new Sandbox(plan.proto()));
  const absl::Status built = sandbox->Build(facts, files);
  if (!built.ok()) return WithStage(built, "prepare");
  return sandbox;
}

absl::Status Sandbox::Build(const v1::HostFacts& facts, const SandboxFiles& files) {
  started_ns_ = MonotonicNs();
  uint64_t mark = started_ns_;
  CORDON_ASSIGN_OR_RETURN(const ResolvedSources sources,
                          Of(kLower, "mount", ResolveSources(plan_.mount(), facts.privileged())));
  skipped_ = sources.skipped;
  CORDON_RETURN_IF_ERROR(Of(kProfile, "apparmor", ReadyAppArmor()));
  CORDON_ASSIGN_OR_RETURN(
      CheckedProgram program,
      Of(kLower, "process",
         BuildProgram({plan_, sources, facts.privileged(), files.copy_in}, InitFilter())));
  program_ = std::make_unique<CheckedProgram>(std::move(program));
  AddStep(kLower, mark);
  AddTime("verify: the caller's mounts", sources.mounts_ns);
  mark = MonotonicNs();
  if (plan_.cgroup().enabled()) {
    CORDON_ASSIGN_OR_RETURN(lease_, Of(kMakeGroup, "cgroup", CreateCgroup(plan_.cgroup(), facts)));
    AddStep(kMakeGroup, mark);
    mark = MonotonicNs();
  }
  const StartOptions options = {facts.privileged(),
                                plan_.net().own_namespace(),
                                plan_.userns().uid(),
                                plan_.userns().gid(),
                                sources.has_owner,
                                sources.owner,
                                plan_.process().working_directory(),
                                ListensToFilter(plan_),
                                files.copy_in != nullptr ? files.copy_in->contents() : -1};
  CORDON_ASSIGN_OR_RETURN(child_,
                          Of(kClone, "process", StartChild(*program_, options, lease_.get())));
  AddStep(kClone, mark);
  mark = MonotonicNs();
  absl::Status entered = Of(kEnterGroup, "cgroup", EnterGroup(child_, lease_.get()));
  // A child that failed a step explains itself better than the broken pipe that it left. One that
  // still waits for its group will never be told.
  const absl::StatusOr<AtGate> at_gate =
      ReadAtGate(child_, *program_, plan_, entered.ok() ? kSetupTimeoutMs : 0);
  if (!entered.ok() && (at_gate.ok() || absl::IsUnavailable(at_gate.status()))) return entered;
  CORDON_RETURN_IF_ERROR(Of(kReachGate, "process", at_gate.status()));
  AddStep(kReachGate, mark);
  AddTime("verify: reading", at_gate->reading_ns);
  mark = MonotonicNs();
  CORDON_ASSIGN_OR_RETURN(
      layers_, Of(kVerify, "process",
                  ConfirmLayers({plan_, sources, at_gate->back, at_gate->twin, child_.ids,
                                 facts.privileged(), lease_.get(), profile_use_.compared})));
  payload_look_ = LookOf(at_gate->twin);
  AddStep(kVerify, mark);
  return CheckFiles(files, at_gate->back);
}

// Order: behind ConfirmLayers, which has compared the mounts; init stands at the gate.
absl::Status Sandbox::CheckFiles(const SandboxFiles& files, const ReadBack& back) {
  const bool copies = files.copy_in != nullptr && !files.copy_in->empty();
  if (!copies && !files.leaves) return absl::OkStatus();
  const uint64_t mark = MonotonicNs();
  absl::StatusOr<WritablePlaces> places = WritablePlaces::Hold(plan_.mount(), back);
  if (!places.ok()) return Of(kFiles, "mount", CauseOf(child_, *program_, places.status()));
  places_ = *std::move(places);
  if (copies) {
    CORDON_RETURN_IF_ERROR(Of(kFiles, "mount", VerifyCopyIn(*files.copy_in, places_, child_.ids)));
  }
  AddStep(kFiles, mark);
  return absl::OkStatus();
}

// The profile is there before anything is cloned. IF_AVAILABLE goes on without, and the report's
// row has the reason.
absl::Status Sandbox::ReadyAppArmor() {
  v1::AppArmorPlan& plan = *plan_.mutable_apparmor();
  if (!plan.enabled()) return absl::OkStatus();
  const uint64_t mark = MonotonicNs();
  absl::StatusOr<AppArmorUse> use = EnsureAppArmorProfile(plan);
  AddStep(kProfile, mark);
  if (use.ok()) {
    profile_use_ = *std::move(use);
    return absl::OkStatus();
  }
  if (plan.enforcement() != v1::IF_AVAILABLE) return use.status();
  plan.set_enabled(false);
  plan.set_unavailable_why(RenderError(DetailsOf(use.status()).front()));
  return absl::OkStatus();
}

void Sandbox::AddStep(const char* name, uint64_t since_ns) {
  AddTime(name, MonotonicNs() - since_ns);
}

void Sandbox::AddTime(const char* name, uint64_t ns) {
  v1::Step step;
  step.set_name(name);
  step.set_duration_ns(ns);
  steps_.push_back(std::move(step));
}

absl::Status Sandbox::Launch(const v1::LaunchPlan& launch) {
  if (state_ != State::kVerified) {
    return Error(absl::StatusCode::kFailedPrecondition, "a sandbox runs one job only");
  }
  state_ = State::kLaunched;
  if (lease_ != nullptr && launch.has_health()) {
    CORDON_RETURN_IF_ERROR(Of(kOpenGate, "cgroup", lease_->AddProcess()));  // the checker
  }
  if (lease_ != nullptr) {
    CORDON_ASSIGN_OR_RETURN(cpu_baseline_ns_, Of(kOpenGate, "cgroup", lease_->CpuNs()));
  }
  launched_ns_ = MonotonicNs();
  return WithStage(Of(kOpenGate, "process", OpenGate(child_, *program_, launch)), "launch");
}

absl::Status Sandbox::Kill() {
  absl::Status status;
  if (!child_.reaped) status = KillChild(child_.pidfd.get(), child_.pid);
  // Both ways: a frozen group or a refused signal must not keep the job alive.
  if (lease_ != nullptr) status.Update(lease_->Kill());
  return status;
}

absl::Status Sandbox::Collect() {
  state_ = State::kCollected;
  if (lease_ != nullptr) CORDON_RETURN_IF_ERROR(lease_->Remove());
  // The kernel lets the init of a pid namespace end when everybody else in it has.
  dead_ = child_.reaped;
  return absl::OkStatus();
}

absl::StatusOr<const WritablePlaces*> Sandbox::LeftBehind() const {
  if (!dead_) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "files are taken when nothing of the job is alive, and that is not proven");
  }
  return &places_;
}

uint64_t Sandbox::ExecTime(uint64_t told_ns) const {
  const size_t exec = program_->program().ops.size() - 1;
  const uint64_t called = child_.region()->op_done_ns[exec];
  return called == 0 ? told_ns : std::min(called, told_ns);
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
