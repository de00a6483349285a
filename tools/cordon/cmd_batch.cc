// SPDX-License-Identifier: Apache-2.0
// `cordon batch`: from the options to the list or the stream of jobs, and from their results to
// the files that were asked for and the exit status.
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/batch/html_report.h"
#include "policy/batch/jobs.h"
#include "policy/batch/junit.h"
#include "policy/batch/schedule.h"
#include "sandbox/api/batch/check.h"
#include "sandbox/api/batch/input.h"
#include "sandbox/api/batch/run.h"
#include "sandbox/api/policy_source.h"
#include "sandbox/api/run_job.h"
#include "sandbox/os/event.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"
#include "sandbox/os/worker.h"
#include "tools/cordon/batch_output.h"
#include "tools/cordon/commands.h"
#include "tools/cordon/report_writer.h"

namespace cordon::cli {
namespace {

absl::StatusOr<std::vector<BatchTask>> LoadTasks(const BatchOptions& options) {
  if (options.jobs.empty()) {
    CORDON_ASSIGN_OR_RETURN(const std::string bytes, ReadAll(0, kStandardInput, kMaxJobsBytes));
    return ReadJobs(bytes, JobsForm::kJsonLines, kStandardInput);
  }
  CORDON_ASSIGN_OR_RETURN(const std::string bytes, ReadRegularFile(options.jobs, kMaxJobsBytes));
  return ReadJobs(bytes, FormOfJobs(options.jobs), options.jobs);
}

// --dry-run of a stream: how many jobs it has until its end.
absl::StatusOr<size_t> CheckStream(BatchInput input, BatchCheck check) {
  size_t jobs = 0;
  for (;;) {
    CORDON_ASSIGN_OR_RETURN(std::optional<std::vector<BatchTask>> line, input.Next());
    if (line.has_value()) {
      jobs += line->size();
      CORDON_RETURN_IF_ERROR(check.Add(*std::move(line)).status());
    } else if (input.may_come()) {
      CORDON_RETURN_IF_ERROR(AwaitReadable(input.fd(), -1).status());
      CORDON_RETURN_IF_ERROR(input.Read());
    } else {
      return jobs;
    }
  }
}

// The paths are absolute: host paths of jobs are relative to the folder of the list, or to the
// current one when the jobs come from standard input.
absl::StatusOr<std::vector<CheckedTask>> CheckList(const BatchOptions& options, BatchCheck* check) {
  CORDON_ASSIGN_OR_RETURN(std::vector<BatchTask> tasks, LoadTasks(options));
  tasks = ShardOf(std::move(tasks), options.shard, options.shard_count);
  if (!options.jobs.empty()) {
    CORDON_RETURN_IF_ERROR(ChangeDirectory(std::string(ParentPath(options.jobs))));
  }
  return check->Add(std::move(tasks));
}

absl::StatusOr<int> RunBatch(const BatchOptions& options) {
  std::optional<BatchInput> input;
  if (options.jobs.empty()) {
    CORDON_ASSIGN_OR_RETURN(input, BatchInput::Take(options.shard, options.shard_count));
  }
  BatchCheck check;
  std::vector<CheckedTask> tasks;
  if (!input.has_value()) {
    CORDON_ASSIGN_OR_RETURN(tasks, CheckList(options, &check));
  }
  if (options.dry_run) {
    size_t jobs = tasks.size();
    if (input.has_value()) {
      CORDON_ASSIGN_OR_RETURN(jobs, CheckStream(*std::move(input), std::move(check)));
    }
    if (!options.quiet) std::fprintf(stderr, "%zu jobs, no error\n", jobs);
    return 0;
  }
  // What cannot be written is known before anything runs.
  CORDON_ASSIGN_OR_RETURN(ReportWriter whole, ReportWriter::Open(options.report, -1));
  CORDON_ASSIGN_OR_RETURN(ReportWriter junit, ReportWriter::Open(options.junit, -1));
  CORDON_ASSIGN_OR_RETURN(ReportWriter html, ReportWriter::Open(options.html, -1));
  CORDON_ASSIGN_OR_RETURN(v1::HostFacts facts, ReadyHost());  // each job says why there is no group
  // Who writes lines waits for an answer to each, whichever run has found it.
  BatchProgress progress(options.json, options.quiet, input.has_value());
  const bool keep = !options.report.empty() || !options.junit.empty() || !options.html.empty();
  BatchRun batch({options.at_once, options.journal, options.store, keep}, std::move(check),
                 std::move(facts), std::move(input), &progress);
  CORDON_RETURN_IF_ERROR(batch.Open(std::move(tasks)));
  CORDON_RETURN_IF_ERROR(batch.Run());
  const v1::BatchReport& report = batch.Finish();
  const absl::Status written = progress.End(report);
  CORDON_RETURN_IF_ERROR(whole.Write(report));
  CORDON_RETURN_IF_ERROR(junit.Write(JUnitXml(report)));
  const std::string title(LastComponent(options.jobs));
  CORDON_RETURN_IF_ERROR(html.Write(HtmlReport(report, title)));
  CORDON_RETURN_IF_ERROR(written);
  if (batch.input_failed()) return kExitCordon;
  if (batch.stopped()) return kExitStopped;
  return report.good() == report.jobs() ? 0 : kExitNotAllGood;
}

// "2/5": the second of five.
absl::Status ReadShard(const std::string& text, BatchOptions* options) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  if (parts.size() == 2 && absl::SimpleAtoi(parts[0], &options->shard) &&
      absl::SimpleAtoi(parts[1], &options->shard_count) && options->shard >= 1 &&
      options->shard <= options->shard_count) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("--shard \"", EscapeForPeople(text), "\" is not I/N with 1 <= I <= N"))
      .Stage("parse");
}

}  // namespace

int RunBatchCommand(BatchOptions options) {
  const std::string here = CurrentDirectory();
  if (options.jobs == "-") options.jobs.clear();
  for (std::string* path : {&options.jobs, &options.journal, &options.report, &options.junit,
                            &options.html, &options.store}) {
    if (!path->empty()) *path = LexicalJoin(here, *path);
  }
  absl::Status status;
  if (!options.shard_text.empty()) status = ReadShard(options.shard_text, &options);
  absl::StatusOr<int> code = status.ok() ? RunBatch(options) : absl::StatusOr<int>(status);
  if (code.ok()) return *code;
  PrintErrors(code.status());
  return kExitCordon;
}

}  // namespace cordon::cli
