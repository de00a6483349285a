// SPDX-License-Identifier: Apache-2.0
// `cordon run`: from flags to a report. Exactly one report is written, whatever happens.
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "google/protobuf/util/message_differencer.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/ceiling.h"
#include "policy/compile.h"
#include "policy/layers/layer.h"
#include "policy/normalize.h"
#include "policy/plan_file.h"
#include "sandbox/host/probe.h"
#include "sandbox/host/scope.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/sandbox.h"
#include "sandbox/supervise/supervisor.h"
#include "tools/cordon/commands.h"
#include "tools/cordon/policy_source.h"
#include "tools/cordon/program_path.h"
#include "tools/cordon/report_writer.h"
#include "tools/cordon/stdio_files.h"

namespace cordon::cli {
namespace {

Error Usage(absl::string_view message) {
  Error error(absl::StatusCode::kInvalidArgument, message);
  error.Stage("parse");
  return error;
}

absl::Status AddBind(const std::string& text, v1::JobSpec* job) {
  std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || parts[1].empty() ||
      (parts.size() == 3 && parts[2] != "ro" && parts[2] != "rw")) {
    return Usage(absl::StrCat("--bind \"", EscapeForPeople(text), "\" is not SRC:DST[:ro|rw]"))
        .Hint("a path with a colon can be bound by a policy file");
  }
  v1::Bind* bind = job->add_extra_bind();
  bind->set_source(LexicalJoin(CurrentDirectory(), parts[0]));
  bind->set_target(parts[1]);
  bind->set_read_only(parts.size() < 3 || parts[2] == "ro");
  return absl::OkStatus();
}

absl::Status AddVariable(const std::string& text, v1::JobSpec* job) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return Usage(absl::StrCat("--env \"", EscapeForPeople(text), "\" is not NAME=VALUE"));
  }
  v1::Variable* variable = job->add_environment();
  variable->set_name(text.substr(0, equals));
  variable->set_value(text.substr(equals + 1));
  return absl::OkStatus();
}

absl::StatusOr<v1::JobSpec> JobOf(const RunOptions& options) {
  v1::JobSpec job;
  if (options.command.empty()) {
    return Usage("no command is given").Hint("cordon run [OPTIONS] -- COMMAND [ARGS...]");
  }
  for (const std::string& word : options.command) job.add_argv(word);
  for (const std::string& bind : options.binds) CORDON_RETURN_IF_ERROR(AddBind(bind, &job));
  for (const std::string& each : options.environment) {
    CORDON_RETURN_IF_ERROR(AddVariable(each, &job));
  }
  job.set_working_directory(options.working_directory);
  v1::Limits* limits = job.mutable_limits();
  if (!options.cpu_time.empty()) limits->set_cpu_time(options.cpu_time);
  if (!options.wall_time.empty()) limits->set_wall_time(options.wall_time);
  if (!options.memory.empty()) limits->set_memory(options.memory);
  if (!options.output_limit.empty()) limits->set_output(options.output_limit);
  if (!options.processes.empty()) {
    uint32_t processes = 0;
    if (!absl::SimpleAtoi(options.processes, &processes)) {
      return Usage(
          absl::StrCat("--pids \"", EscapeForPeople(options.processes), "\" is not a number"));
    }
    limits->set_processes(processes);
  }
  return job;
}

// The policy of a run, and its plan when a file has it.
struct Source {
  NormalPolicy policy;
  absl::optional<CompiledPlan> plan;
};

absl::StatusOr<Source> SourceOf(const RunOptions& options, ProfileSource& profiles,
                                const v1::HostFacts& facts) {
  if (options.plan.empty()) {
    CORDON_ASSIGN_OR_RETURN(NormalPolicy policy, LoadPolicy(options.policy, profiles));
    return Source{std::move(policy), absl::nullopt};
  }
  CORDON_ASSIGN_OR_RETURN(const std::string bytes, ReadRegularFile(options.plan, kMaxPlanBytes));
  CORDON_ASSIGN_OR_RETURN(const v1::PlanFile file,
                          DecodePlanFile(bytes, FormOfPlanFile(options.plan), options.plan));
  CORDON_ASSIGN_OR_RETURN(PlanFromFile made, CompilePlanFile(file, facts, options.plan));
  CORDON_RETURN_IF_ERROR(HoldCeilings(made.policy, profiles));
  return Source{std::move(made.policy), std::move(made.plan)};
}

// A plan of a file serves as it is when the job changes nothing, and its filter does in any case:
// a job has no say in system calls.
absl::StatusOr<CompiledPlan> PlanFor(const Source& source, const JobPolicy& job,
                                     const v1::HostFacts& facts) {
  if (!source.plan.has_value()) return CompiledPlan::Make(job.policy, facts);
  using google::protobuf::util::MessageDifferencer;
  if (MessageDifferencer::Equals(source.policy.proto(), job.policy.proto())) return *source.plan;
  return CompiledPlan::Make(job.policy, facts, source.plan->proto().seccomp().filter());
}

absl::StatusOr<v1::Report> RunUnder(const RunOptions& options, ProfileSource& profiles,
                                    const StdioFiles& files, v1::Report* partial) {
  CORDON_ASSIGN_OR_RETURN(v1::JobSpec job, JobOf(options));
  const absl::Status scope = EnterOwnScope();
  CORDON_ASSIGN_OR_RETURN(v1::HostFacts facts, ProbeHost());
  ExplainScope(scope, &facts);
  partial->set_kernel_release(facts.kernel_release());
  CORDON_ASSIGN_OR_RETURN(const Source source, SourceOf(options, profiles, facts));
  partial->set_policy(options.plan.empty() ? options.policy : source.policy.name());
  std::string exec_path;
  CORDON_RETURN_IF_ERROR(PlaceProgram(source.policy.proto(), &job, &exec_path));
  CORDON_ASSIGN_OR_RETURN(const JobPolicy job_policy, ApplyJob(source.policy, job));
  for (const std::string& each : job_policy.widened) partial->add_widened(each);
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, PlanFor(source, job_policy, facts));
  CORDON_ASSIGN_OR_RETURN(v1::LaunchPlan launch, CompileLaunch(job, plan));
  if (!exec_path.empty()) {
    launch.clear_exec_path();
    launch.add_exec_path(exec_path);
  }
  absl::StatusOr<std::unique_ptr<Sandbox>> sandbox = Sandbox::Prepare(plan, facts);
  // The sandbox knows fields; where they were written is known here.
  if (!sandbox.ok()) return WithPlaces(job_policy.policy, sandbox.status());
  return RunJob(**sandbox, launch, files.streams());
}

// The job never ran: its report says why.
void FillFailure(const absl::Status& status, v1::Report* report) {
  report->set_verdict(v1::SETUP_FAILED);
  const std::vector<v1::ErrorDetail> details = DetailsOf(status);
  // Stage "run" is after the job's start: it ran, but no verdict could be reached.
  report->set_setup_only(details[0].stage() != "run");
  *report->mutable_error() = details[0];
  for (size_t i = 1; i < details.size(); ++i) *report->add_more_errors() = details[i];
}

int ExitCodeOfFailure(const v1::ErrorDetail& error) {
  if (error.step() != "Exec") return kExitCordon;
  const std::string& name = error.errno_name();
  if (name == "ENOENT" || name == "ENOTDIR") return kExitNotFound;
  return kExitNotExecutable;
}

int ExitCodeOf(const v1::Report& report) {
  switch (report.verdict()) {
    case v1::SETUP_FAILED:
      return ExitCodeOfFailure(report.error());
    case v1::CPU_LIMIT:
    case v1::WALL_LIMIT:
      return kExitTimeLimit;
    case v1::EXITED:
      return report.exit_code();
    default:
      break;
  }
  if (report.has_signal()) return 128 + report.signal();
  // A limit ended the job, but its main process called exit first: never 0.
  return report.exit_code() != 0 ? report.exit_code() : 128 + SIGKILL;
}

void Describe(const v1::Report& report) {
  if (report.verdict() == v1::EXITED) return;
  std::string line = absl::StrCat("cordon: ", v1::Verdict_Name(report.verdict()));
  const char* separator = ": ";
  for (const v1::Evidence& evidence : report.evidence()) {
    absl::StrAppend(&line, separator, evidence.name(), " ", evidence.observed());
    if (!evidence.limit().empty()) absl::StrAppend(&line, " of ", evidence.limit());
    separator = ", ";
  }
  std::fprintf(stderr, "%s\n", line.c_str());
}

v1::Report ReportOf(const RunOptions& options, ProfileSource& profiles,
                    absl::StatusOr<StdioFiles> files, absl::Status* failure) {
  v1::Report report;
  report.set_policy(options.policy);
  report.set_cordon_version(CORDON_VERSION);
  const absl::StatusOr<v1::Report> ran =
      files.ok() ? RunUnder(options, profiles, *files, &report) : files.status();
  *failure = ran.status();
  if (ran.ok()) {
    report.MergeFrom(*ran);
  } else {
    FillFailure(ran.status(), &report);
  }
  return report;
}

}  // namespace

v1::Report RunForReport(const RunOptions& options, ProfileSource& source) {
  absl::Status failure;
  return ReportOf(options, source, StdioFiles::Open(options), &failure);
}

int Run(const RunOptions& options) {
  // A signal that comes during the set-up waits for the watcher: cut off there, a run would leave
  // its group and no report.
  const absl::StatusOr<SignalFd> hold = SignalFd::Make();
  if (!hold.ok()) {
    PrintErrors(hold.status());
    return kExitCordon;
  }
  absl::StatusOr<ReportWriter> writer = ReportWriter::Open(options.report, options.report_fd);
  if (!writer.ok()) {
    PrintErrors(writer.status());
    return kExitCordon;
  }
  PolicySource profiles;
  absl::Status failure;
  const v1::Report report = ReportOf(options, profiles, StdioFiles::Open(options), &failure);
  if (!failure.ok()) {
    PrintErrors(failure);
  } else if (!options.quiet) {
    Describe(report);
  }
  if (const absl::Status written = writer->Write(report); !written.ok()) {
    PrintErrors(written);
    return kExitCordon;
  }
  return ExitCodeOf(report);
}

}  // namespace cordon::cli
