// SPDX-License-Identifier: Apache-2.0
// `cordon talk`: one job of several sandboxes out of a list of jobs. Exactly one report is written,
// whatever happens once the list is read.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/batch/jobs.h"
#include "policy/batch/talk.h"
#include "sandbox/api/batch/job_request.h"
#include "sandbox/api/batch/talk_job.h"
#include "sandbox/api/policy_source.h"
#include "sandbox/os/file.h"
#include "sandbox/os/worker.h"
#include "tools/cordon/commands.h"

namespace cordon::cli {
namespace {

Error NotOne(const TalkOptions& options, absl::string_view message) {
  Error error(absl::StatusCode::kInvalidArgument, message);
  error.Stage("parse").Source(options.jobs);
  return error;
}

absl::StatusOr<v1::BatchJob> JobOf(const TalkOptions& options) {
  CORDON_ASSIGN_OR_RETURN(const std::string bytes, ReadRegularFile(options.jobs, kMaxJobsBytes));
  CORDON_ASSIGN_OR_RETURN(std::vector<BatchTask> tasks,
                          ReadJobs(bytes, FormOfJobs(options.jobs), options.jobs));
  if (options.name.empty() && tasks.size() > 1) {
    return NotOne(options, absl::StrCat("there are ", tasks.size(), " jobs"))
        .Hint("name one of them with --job");
  }
  for (BatchTask& task : tasks) {
    if (!options.name.empty() && task.job.name() != options.name) continue;
    if (!IsTalk(task.job)) {
      return NotOne(options, "this job has one sandbox only").Hint("cordon batch runs it");
    }
    return std::move(task.job);
  }
  return NotOne(options, absl::StrCat("there is no job \"", EscapeForPeople(options.name), "\""));
}

}  // namespace

int RunTalkCommand(TalkOptions options) {
  const std::string here = CurrentDirectory();
  for (std::string* path : {&options.jobs, &options.report}) {
    if (!path->empty()) *path = LexicalJoin(here, *path);
  }
  PolicySource profiles;
  const auto run = [&](absl::Status* failure) -> absl::StatusOr<v1::Report> {
    CORDON_ASSIGN_OR_RETURN(const v1::BatchJob job, JobOf(options));
    // Host paths are relative to the folder of the list.
    CORDON_RETURN_IF_ERROR(ChangeDirectory(std::string(ParentPath(options.jobs))));
    const absl::StatusOr<v1::HostFacts> facts = ReadyHost();
    return ReportOfTalkJob(job, RequestsOf(job), facts.status(), facts.value_or(v1::HostFacts()),
                           profiles, TalkDefaults(), failure);
  };
  return RunAndConclude({options.report, options.report_fd}, options.quiet, run);
}

}  // namespace cordon::cli
