// SPDX-License-Identifier: Apache-2.0
// Walks the table of layers, and turns a job into what exec gets.
#include "policy/compile.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/status.h"
#include "policy/job_watch.h"
#include "policy/layers/landlock.h"
#include "policy/layers/layer.h"

namespace cordon {
namespace {

constexpr absl::string_view kStage = "compile";

Error LaunchError(absl::string_view field, absl::string_view message) {
  Error error(absl::StatusCode::kInvalidArgument, message);
  error.Stage(kStage).Layer("process").Field(field);
  return error;
}

// The policy's variables, then the job's, which replace those of the same name.
std::vector<v1::Variable> MergeEnvironment(const v1::JobSpec& job, const v1::Plan& plan) {
  std::vector<v1::Variable> merged;
  const auto put = [&](const v1::Variable& variable) {
    for (v1::Variable& present : merged) {
      if (present.name() != variable.name()) continue;
      present.set_value(variable.value());
      return;
    }
    merged.push_back(variable);
  };
  for (const v1::Variable& variable : plan.process().environment()) put(variable);
  for (const v1::Variable& variable : job.environment()) put(variable);
  return merged;
}

// With a slash as it is; otherwise as execvp(3): an empty element of PATH is the working directory.
absl::Status AddExecPaths(const std::string& program, const std::vector<v1::Variable>& environment,
                          google::protobuf::RepeatedPtrField<std::string>* paths) {
  if (absl::StrContains(program, '/')) {
    *paths->Add() = program;
    return absl::OkStatus();
  }
  const v1::Variable* path = nullptr;
  for (const v1::Variable& variable : environment) {
    if (variable.name() == "PATH") path = &variable;
  }
  if (path == nullptr || path->value().empty()) {
    return static_cast<absl::Status>(
        LaunchError("environment", absl::StrCat("\"", EscapeForPeople(program),
                                                "\" is looked for in PATH, which the job's "
                                                "environment does not have"))
            .Hint("give the program with a path, or set PATH in the policy"));
  }
  for (absl::string_view directory : absl::StrSplit(path->value(), ':')) {
    *paths->Add() =
        directory.empty() ? absl::StrCat("./", program) : absl::StrCat(directory, "/", program);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CompiledPlan> CompiledPlan::Make(const NormalPolicy& policy,
                                                const v1::HostFacts& facts,
                                                absl::string_view candidate) {
  v1::Plan plan;
  if (policy.proto().seccomp().enforcement() != v1::OFF) {
    plan.mutable_seccomp()->set_filter(std::string(candidate));
  }
  plan.set_policy_name(policy.name());
  std::vector<v1::ErrorDetail> errors;
  absl::StatusCode code = absl::StatusCode::kOk;
  for (const LayerCompiler& layer : LayerTable()) {
    absl::Status status = layer.compile(policy, facts, &plan);
    if (status.ok()) continue;
    if (code == absl::StatusCode::kOk) code = status.code();
    status = WithStage(WithLayer(status, layer.name), kStage);
    for (v1::ErrorDetail& detail : DetailsOf(status)) errors.push_back(std::move(detail));
  }
  if (!errors.empty()) return ErrorFromDetails(code, errors);
  const absl::Status held = CheckAbstractSockets(policy, facts, plan);
  if (!held.ok()) return WithStage(WithLayer(held, LayerName(LayerId::kLandlock)), kStage);
  return CompiledPlan(std::move(plan));
}

absl::StatusOr<v1::LaunchPlan> CompileLaunch(const v1::JobSpec& job, const CompiledPlan& plan) {
  if (job.argv().empty()) return LaunchError("argv", "no program is given");
  const std::string& program = job.argv(0);
  if (program.empty()) return LaunchError("argv[0]", "the name of the program is empty");
  v1::LaunchPlan launch;
  *launch.mutable_argv() = job.argv();
  const std::vector<v1::Variable> environment = MergeEnvironment(job, plan.proto());
  for (const v1::Variable& variable : environment) {
    launch.add_environment(absl::StrCat(variable.name(), "=", variable.value()));
  }
  launch.set_working_directory(job.working_directory().empty()
                                   ? plan.proto().process().working_directory()
                                   : job.working_directory());
  CORDON_RETURN_IF_ERROR(AddExecPaths(program, environment, launch.mutable_exec_path()));
  CompileWatch(job, &launch);
  if (launch.has_health()) {
    v1::HealthPlan* health = launch.mutable_health();
    CORDON_RETURN_IF_ERROR(AddExecPaths(health->argv(0), environment, health->mutable_exec_path()));
  }
  return launch;
}

}  // namespace cordon
