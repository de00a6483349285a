// SPDX-License-Identifier: Apache-2.0
// `cordon run`: from flags to a report. Exactly one report is written, whatever happens.
#include <csignal>
#include <cstdio>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "sandbox/api/policy_source.h"
#include "sandbox/api/run_job.h"
#include "sandbox/api/stdio_files.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "tools/cordon/commands.h"
#include "tools/cordon/report_writer.h"

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

absl::Status AddCopyIn(const std::string& text, v1::JobSpec* job) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || parts[1].empty()) {
    return Usage(absl::StrCat("--copy-in \"", EscapeForPeople(text), "\" is not SRC:DST[:MODE]"))
        .Hint("a path with a colon can be named in the list of a batch");
  }
  v1::CopyIn* copy = job->add_copy_in();
  copy->set_file(parts[0]);
  copy->set_target(parts[1]);
  if (parts.size() == 3) copy->set_mode(parts[2]);
  return absl::OkStatus();
}

absl::Status AddCopyOut(const std::string& text, v1::JobSpec* job) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || parts[1].empty() ||
      (parts.size() == 3 && parts[2] != "optional")) {
    return Usage(
               absl::StrCat("--copy-out \"", EscapeForPeople(text), "\" is not SRC:DST[:optional]"))
        .Hint("a path with a colon can be named in the list of a batch");
  }
  v1::CopyOut* copy = job->add_copy_out();
  copy->set_path(parts[0]);
  copy->set_to(parts[1]);
  copy->set_optional(parts.size() == 3);
  return absl::OkStatus();
}

absl::Status AddHealthCheck(const RunOptions& options, v1::JobSpec* job) {
  if (options.health_command.empty()) {
    for (const std::string* each : {&options.health_interval, &options.health_timeout,
                                    &options.health_retries, &options.health_start_period}) {
      if (!each->empty()) return Usage("a flag of a health check, and no --health-cmd");
    }
    return absl::OkStatus();
  }
  v1::HealthCheck* health = job->mutable_health_check();
  for (const std::string& word : options.health_command) health->add_argv(word);
  if (!options.health_interval.empty()) health->set_interval(options.health_interval);
  if (!options.health_timeout.empty()) health->set_timeout(options.health_timeout);
  if (!options.health_start_period.empty()) health->set_start_period(options.health_start_period);
  if (options.health_retries.empty()) return absl::OkStatus();
  uint32_t retries = 0;
  if (!absl::SimpleAtoi(options.health_retries, &retries)) {
    return Usage(absl::StrCat("--health-retries \"", EscapeForPeople(options.health_retries),
                              "\" is not a number"));
  }
  health->set_retries(retries);
  return absl::OkStatus();
}

absl::StatusOr<v1::JobSpec> JobOf(const RunOptions& options) {
  v1::JobSpec job;
  if (options.command.empty()) {
    return Usage("no command is given").Hint(kRunUsage);
  }
  for (const std::string& word : options.command) job.add_argv(word);
  for (const std::string& bind : options.binds) CORDON_RETURN_IF_ERROR(AddBind(bind, &job));
  for (const std::string& each : options.environment) {
    CORDON_RETURN_IF_ERROR(AddVariable(each, &job));
  }
  for (const std::string& each : options.copy_in) CORDON_RETURN_IF_ERROR(AddCopyIn(each, &job));
  for (const std::string& each : options.copy_out) CORDON_RETURN_IF_ERROR(AddCopyOut(each, &job));
  job.set_working_directory(options.working_directory);
  job.set_timeline(options.timeline);
  if (!options.cancel_grace.empty()) job.mutable_cancel()->set_grace(options.cancel_grace);
  if (!options.cancel_signal.empty()) job.mutable_cancel()->set_signal(options.cancel_signal);
  CORDON_RETURN_IF_ERROR(AddHealthCheck(options, &job));
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

int ExitCodeOfFailure(const v1::ErrorDetail& error) {
  if (error.step() != "Exec") return kExitCordon;
  const std::string& name = error.errno_name();
  if (name == "ENOENT" || name == "ENOTDIR") return kExitNotFound;
  return kExitNotExecutable;
}

}  // namespace

int ExitCodeOf(const v1::Report& report) {
  switch (report.verdict()) {
    case v1::SETUP_FAILED:
      return ExitCodeOfFailure(report.error());
    case v1::CPU_LIMIT:
    case v1::WALL_LIMIT:
    case v1::IDLE_LIMIT:
      return kExitTimeLimit;
    case v1::SYSCALL_VIOLATION:
      return 128 + SIGSYS;
    case v1::EXITED:
      return report.exit_code() == 0 && report.outputs_missing() ? kExitOutputs
                                                                 : report.exit_code();
    default:
      break;
  }
  if (report.has_signal()) return 128 + report.signal();
  // A limit ended the job, but its main process called exit first: never 0.
  return report.exit_code() != 0 ? report.exit_code() : 128 + SIGKILL;
}

// Which call it was, and what the policy would have to say for it to pass. The job chose the call
// and its numbers and nothing else of this text.
void DescribeViolation(const v1::CallViolation& violation) {
  std::string text = absl::StrCat("cordon: killed for ", violation.words(), " by thread ",
                                  violation.thread(), ", by ", violation.decided_by(), "\n");
  if (!violation.allow_with().empty()) {
    absl::StrAppend(&text, "  to allow it: ", violation.allow_with(), "\n");
  }
  if (!violation.allow_group().empty()) {
    absl::StrAppend(&text, "  a group that has it: seccomp { allow: \"", violation.allow_group(),
                    "\" }\n");
  }
  for (const std::string& note : violation.allow_note()) {
    absl::StrAppend(&text, "  note: ", note, "\n");
  }
  std::fputs(text.c_str(), stderr);
}

// What a security module refused, whatever became of the job: it may have gone on without. Names of
// files and processes are the job's, and escaped in the report already.
void DescribeDenials(const v1::Report& report, const std::string& sandbox) {
  if (report.denial().empty()) return;
  std::string text = absl::StrCat("cordon: denied", sandbox.empty() ? "" : " in ", sandbox, ":\n");
  for (const v1::Denial& denial : report.denial()) {
    absl::StrAppend(&text, "  ", denial.layer(), ": ", denial.operation(), " ", denial.object());
    if (!denial.requested().empty()) absl::StrAppend(&text, " (", denial.requested(), ")");
    if (!denial.process().empty()) absl::StrAppend(&text, " by ", denial.process());
    if (denial.count() > 1) absl::StrAppend(&text, ", ", denial.count(), " times");
    if (!denial.decided_by().empty()) absl::StrAppend(&text, ", by ", denial.decided_by());
    absl::StrAppend(&text, "\n");
    if (!denial.allow_with().empty()) {
      absl::StrAppend(&text, "    to allow it: ", denial.allow_with(), "\n");
    }
    for (const std::string& note : denial.allow_note()) {
      absl::StrAppend(&text, "    note: ", note, "\n");
    }
  }
  if (report.denials_more() > 0) {
    absl::StrAppend(&text, "  and ", report.denials_more(), " more\n");
  }
  for (const std::string& why : report.denials_unknown()) {
    absl::StrAppend(&text, "  not all is known: ", why, "\n");
  }
  std::fputs(text.c_str(), stderr);
}

void Describe(const v1::Report& report) {
  DescribeDenials(report, "");
  for (const v1::SandboxReport& each : report.sandbox()) {
    DescribeDenials(each.report(), each.name());
  }
  for (const v1::NotCollected& each : report.not_collected()) {
    std::fprintf(stderr, "cordon: --copy-out %s: %s\n", each.path().c_str(), each.why().c_str());
  }
  if (report.not_collected_more() > 0) {
    std::fprintf(stderr, "cordon: --copy-out: %llu more were not taken\n",
                 static_cast<unsigned long long>(report.not_collected_more()));
  }
  if (report.verdict() == v1::EXITED) return;
  std::string line = absl::StrCat("cordon: ", v1::Verdict_Name(report.verdict()));
  if (!report.decided_by().empty()) absl::StrAppend(&line, " of ", report.decided_by());
  const char* separator = ": ";
  for (const v1::Evidence& evidence : report.evidence()) {
    absl::StrAppend(&line, separator, evidence.name(), " ", evidence.observed());
    if (!evidence.limit().empty()) absl::StrAppend(&line, " of ", evidence.limit());
    separator = ", ";
  }
  std::fprintf(stderr, "%s\n", line.c_str());
  if (report.has_violation()) DescribeViolation(report.violation());
}

namespace {

v1::Report ReportOf(const RunOptions& options, ProfileSource& profiles, absl::Status* failure) {
  const absl::StatusOr<StdioFiles> files = StdioFiles::Open({options.in, options.out, options.err});
  RunRequest request = {options.policy, options.plan, {}};
  const absl::StatusOr<v1::JobSpec> job = JobOf(options);
  if (job.ok()) request.job = *job;
  return ReportOfJob(request, profiles, files.ok() ? job.status() : files.status(),
                     files.ok() ? files->streams() : Streams(), failure);
}

}  // namespace

v1::Report RunForReport(const RunOptions& options, ProfileSource& source) {
  absl::Status failure;
  return ReportOf(options, source, &failure);
}

namespace {

struct Ran {
  v1::Report report;
  absl::Status failure;
  absl::Status written;
};

absl::StatusOr<Ran> RunHeld(const ReportPlaces& places, const HeldRun& run) {
  // Before anything of ours is opened, which could be what the number means then.
  if (places.fd >= 0) CORDON_RETURN_IF_ERROR(CheckDescriptor(places.fd, "--report-fd"));
  // A signal that comes during the set-up waits for the watcher: cut off there, a run would leave
  // its group and no report. What is said behind the report can be cut off: a terminal may be
  // stuck.
  CORDON_ASSIGN_OR_RETURN(const SignalFd hold, SignalFd::Make());
  CORDON_ASSIGN_OR_RETURN(ReportWriter writer, ReportWriter::Open(places.path, places.fd));
  Ran ran;
  CORDON_ASSIGN_OR_RETURN(ran.report, run(&ran.failure));
  ran.written = writer.Write(ran.report);
  return ran;
}

}  // namespace

int RunAndConclude(const ReportPlaces& places, bool quiet, const HeldRun& run) {
  const absl::StatusOr<Ran> ran = RunHeld(places, run);
  if (!ran.ok()) {
    PrintErrors(ran.status());
    return kExitCordon;
  }
  if (!ran->failure.ok()) {
    PrintErrors(ran->failure);
  } else if (!quiet) {
    Describe(ran->report);
  }
  if (ran->written.ok()) return ExitCodeOf(ran->report);
  PrintErrors(ran->written);
  return kExitCordon;
}

int Run(const RunOptions& options) {
  PolicySource profiles;
  return RunAndConclude(
      {options.report, options.report_fd}, options.quiet,
      [&](absl::Status* failure) { return ReportOf(options, profiles, failure); });
}

}  // namespace cordon::cli
