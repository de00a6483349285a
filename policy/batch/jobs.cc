// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/jobs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "policy/base/field_path.h"
#include "policy/base/hard_limits.h"
#include "policy/base/path.h"
#include "policy/base/status.h"
#include "policy/batch/artifacts.h"
#include "policy/batch/matrix.h"
#include "policy/batch/schedule.h"
#include "policy/batch/talk.h"
#include "policy/job_files.h"
#include "policy/job_watch.h"
#include "policy/parse_message.h"
#include "policy/violations.h"

namespace cordon {
namespace {

constexpr char kDefaultPolicy[] = "base/strict";
constexpr size_t kMaxName = 200;

void FillPolicy(v1::BatchJob* job) {
  if (job->policy().empty()) job->set_policy(kDefaultPolicy);
}

void CheckExpectation(const v1::Expectation& expect, absl::string_view path,
                      Violations* violations) {
  if (expect.verdict() != v1::EXITED && expect.has_exit_code()) {
    violations->Add(ChildField(path, "exit_code"), "only a job that EXITED has an exit code");
  }
  if (expect.exit_code() < 0 || expect.exit_code() > 255) {
    violations->Add(ChildField(path, "exit_code"), "is not between 0 and 255");
  }
}

void CheckBindArtifacts(const v1::BatchJob& job, absl::string_view path, Violations* violations) {
  for (int i = 0; i < job.bind_artifact_size(); ++i) {
    const std::string at = IndexedField(ChildField(path, "bind_artifact"), static_cast<size_t>(i));
    const v1::BindArtifact& entry = job.bind_artifact(i);
    violations->AddIfError(ChildField(at, "artifact"),
                           ParseArtifactName(entry.artifact()).status());
    violations->AddIfError(ChildField(at, "target"),
                           CanonicalAbsolutePath(entry.target()).status());
  }
}

// What has rules that are the same for a job and for one sandbox of several: files, and what is
// asked of the supervisor.
void CheckPart(const v1::BatchJob& job, absl::string_view path, Violations* violations) {
  CheckCopyIns(job.copy_in(), ChildField(path, "copy_in"), violations);
  CheckCopyOuts(job.copy_out(), ChildField(path, "copy_out"), violations);
  CheckBindArtifacts(job, path, violations);
  v1::JobSpec watch;
  CopyWatch(job, &watch);
  CheckWatch(watch, path, violations);
}

// The artifacts of all sandboxes are the job's.
void CheckPartsOfTalk(const v1::BatchJob& job, absl::string_view path, Violations* violations) {
  std::map<std::string, int> makers;
  for (int i = 0; i < job.sandbox_size() && !violations->full(); ++i) {
    const v1::BatchJob& one = job.sandbox(i);
    const std::string at = IndexedField(ChildField(path, "sandbox"), static_cast<size_t>(i));
    CheckPart(one, at, violations);
    for (int k = 0; k < one.copy_out_size(); ++k) {
      const std::string& artifact = one.copy_out(k).artifact();
      if (artifact.empty() || makers.emplace(artifact, i).first->second == i) continue;
      const std::string entry = IndexedField(ChildField(at, "copy_out"), static_cast<size_t>(k));
      violations->Add(ChildField(entry, "artifact"), absl::StrCat("\"", EscapeForPeople(artifact),
                                                                  "\" is another sandbox's, too"));
    }
  }
}

// One entry as it was written: its matrix filled in, to at most `ceiling` jobs, its fields checked,
// its tasks appended.
void AddEntry(const v1::BatchJob& entry, absl::string_view path, const SourceMap& places,
              size_t ceiling, Violations* violations, std::vector<BatchTask>* tasks) {
  std::vector<v1::BatchJob> jobs;
  FillMatrix(entry, path, ceiling, violations, &jobs);
  for (v1::BatchJob& job : jobs) {
    if (violations->full()) return;
    if (!IsJobName(job.name())) {
      violations->Add(ChildField(path, "name"), NotAJobName(job.name()));
    }
    if (IsTalk(job)) {
      CheckTalk(job, path, violations);
      CheckPartsOfTalk(job, path, violations);
      for (v1::BatchJob& one : *job.mutable_sandbox()) FillPolicy(&one);
    } else {
      if (job.argv_size() == 0 || job.argv(0).empty()) {
        violations->Add(ChildField(path, "argv"), "there is no program to run");
      }
      FillPolicy(&job);
    }
    if (job.expect().verdict() == v1::VERDICT_UNSPECIFIED) {
      job.mutable_expect()->set_verdict(v1::EXITED);
    }
    CheckExpectation(job.expect(), ChildField(path, "expect"), violations);
    CheckPart(job, path, violations);
    tasks->push_back({std::move(job), places.Find(path), {}});
  }
}

absl::Status ReadList(absl::string_view bytes, PolicyForm form, absl::string_view name,
                      std::vector<BatchTask>* tasks) {
  v1::Batch batch;
  CORDON_ASSIGN_OR_RETURN(const SourceMap places, ParseMessage(bytes, form, name, &batch));
  Violations violations(places);
  for (int i = 0; i < batch.job_size() && !violations.full(); ++i) {
    AddEntry(batch.job(i), IndexedField("job", static_cast<size_t>(i)), places,
             kMaxJobs - tasks->size(), &violations, tasks);
  }
  return violations.ToStatus();
}

void MoveDetails(const absl::Status& status, std::vector<v1::ErrorDetail>* errors) {
  for (v1::ErrorDetail& detail : DetailsOf(status)) errors->push_back(std::move(detail));
}

absl::Status ReadLines(absl::string_view bytes, absl::string_view name,
                       std::vector<BatchTask>* tasks) {
  std::vector<v1::ErrorDetail> errors;
  int number = 0;
  while (!bytes.empty() && errors.size() < kMaxErrors) {
    const size_t end = bytes.find('\n');
    const absl::string_view line = bytes.substr(0, end);
    bytes = end == absl::string_view::npos ? absl::string_view() : bytes.substr(end + 1);
    ++number;
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    absl::StatusOr<std::vector<BatchTask>> jobs =
        ReadJobLine(line, name, number, kMaxJobs - tasks->size());
    if (!jobs.ok()) {
      MoveDetails(jobs.status(), &errors);
      continue;
    }
    for (BatchTask& job : *jobs) tasks->push_back(std::move(job));
  }
  if (errors.empty()) return absl::OkStatus();
  return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors);
}

// Names to positions; every `after` resolved.
void Connect(std::vector<BatchTask>* tasks, std::vector<v1::ErrorDetail>* errors) {
  std::map<absl::string_view, size_t> positions;
  for (size_t i = 0; i < tasks->size(); ++i) {
    const auto [found, fresh] = positions.emplace((*tasks)[i].job.name(), i);
    if (!fresh) {
      errors->push_back(
          JobComplaint((*tasks)[i], "name",
                       absl::StrCat("\"", found->first, "\" is the name of the job at ",
                                    (*tasks)[found->second].place, ", too")));
    }
  }
  for (BatchTask& task : *tasks) {
    for (const std::string& name : task.job.after()) {
      const auto found = positions.find(name);
      if (found != positions.end()) {
        task.after.push_back(found->second);
      } else {
        errors->push_back(JobComplaint(
            task, "after", absl::StrCat("there is no job \"", EscapeForPeople(name), "\"")));
      }
    }
  }
}

// A job that never starts although all others end well is in a circle, or comes after one.
void FindCircle(const std::vector<BatchTask>& tasks, std::vector<v1::ErrorDetail>* errors) {
  Schedule schedule(tasks);
  std::vector<bool> started(tasks.size());
  while (const std::optional<size_t> next = schedule.Next()) {
    started[*next] = true;
    schedule.Ended(*next, true);
  }
  const auto stuck = std::find(started.begin(), started.end(), false);
  if (stuck == started.end()) return;
  const BatchTask& task = tasks[static_cast<size_t>(stuck - started.begin())];
  errors->push_back(JobComplaint(
      task, "after",
      absl::StrCat("the job \"", task.job.name(), "\" comes after itself, or after such a job")));
}

}  // namespace

v1::ErrorDetail JobComplaint(const BatchTask& task, absl::string_view field, std::string message) {
  const Error error = Error(absl::StatusCode::kInvalidArgument, message)
                          .Stage("parse")
                          .Field(field)
                          .Source(task.place);
  return DetailsOf(error)[0];
}

absl::StatusOr<std::vector<BatchTask>> ReadJobLine(absl::string_view line, absl::string_view name,
                                                   int number, size_t ceiling) {
  if (line.size() > kMaxPolicyBytes) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("the line is longer than the ", kMaxPolicyBytes,
                              " bytes that a job may have"))
        .Stage("parse")
        .Source(absl::StrCat(name, ":", number, ":1"));
  }
  v1::BatchJob job;
  CORDON_ASSIGN_OR_RETURN(const SourceMap places,
                          ParseMessage(line, PolicyForm::kJson, name, &job, number));
  SourceMap in_line(absl::StrCat(name, ":", number, ":1"));  // of the job itself
  for (const auto& [field, place] : places.entries()) in_line.SetFrom(field, places, field);
  Violations violations(in_line);
  std::vector<BatchTask> tasks;
  AddEntry(job, "", in_line, ceiling, &violations, &tasks);
  CORDON_RETURN_IF_ERROR(violations.ToStatus());
  return tasks;
}

bool IsJobName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
        absl::string_view("._-/+=").find(c) == absl::string_view::npos) {
      return false;
    }
  }
  return true;
}

std::string NotAJobName(absl::string_view name) {
  return absl::StrCat("\"", EscapeForPeople(name),
                      "\" is not a name of letters, digits and . _ - / + =, of 1 to ", kMaxName,
                      " bytes");
}

JobsForm FormOfJobs(absl::string_view file_name) {
  if (absl::EndsWith(file_name, ".json")) return JobsForm::kJson;
  return absl::EndsWith(file_name, ".jsonl") ? JobsForm::kJsonLines : JobsForm::kText;
}

absl::StatusOr<std::vector<BatchTask>> ReadJobs(absl::string_view bytes, JobsForm form,
                                                absl::string_view name) {
  std::vector<BatchTask> tasks;
  if (form == JobsForm::kJsonLines) {
    if (bytes.size() > kMaxJobsBytes) {
      return Error(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("the jobs are ", bytes.size(), " bytes long; at most ",
                                kMaxJobsBytes, " are allowed"))
          .Stage("parse")
          .Source(name);
    }
    CORDON_RETURN_IF_ERROR(ReadLines(bytes, name, &tasks));
  } else {
    CORDON_RETURN_IF_ERROR(ReadList(
        bytes, form == JobsForm::kJson ? PolicyForm::kJson : PolicyForm::kText, name, &tasks));
  }
  std::vector<v1::ErrorDetail> errors;
  if (tasks.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "there is no job").Stage("parse").Source(name);
  }
  Connect(&tasks, &errors);
  if (errors.empty()) {
    for (const BatchTask& task : tasks) {
      const auto left_by = [&](size_t n) { return ArtifactsOf(tasks[task.after[n]].job); };
      CheckArtifacts(task, left_by, &errors);
    }
  }
  if (errors.empty()) FindCircle(tasks, &errors);
  if (errors.size() > kMaxErrors) errors.resize(kMaxErrors);
  if (!errors.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors);
  return tasks;
}

std::string WhyNotExpected(const v1::BatchJob& job, const v1::Report& report) {
  const v1::Expectation& expect = job.expect();
  const std::string found = v1::Verdict_Name(report.verdict());
  if (report.verdict() == v1::SETUP_FAILED) return RenderError(report.error());
  if (report.verdict() != expect.verdict()) {
    std::string why = absl::StrCat(found, ", expected ", v1::Verdict_Name(expect.verdict()));
    if (report.verdict() == v1::EXITED) absl::StrAppend(&why, "; exit code ", report.exit_code());
    for (const v1::Evidence& each : report.evidence()) {
      absl::StrAppend(&why, "; ", each.name(), " ", each.observed());
      if (!each.limit().empty()) absl::StrAppend(&why, " of ", each.limit());
    }
    return why;
  }
  if (report.verdict() == v1::EXITED && report.exit_code() != expect.exit_code()) {
    return absl::StrCat("exit code ", report.exit_code(), ", expected ", expect.exit_code());
  }
  if (report.outputs_missing()) {
    for (const v1::NotCollected& each : report.not_collected()) {
      if (!each.optional()) return absl::StrCat("copy_out ", each.path(), ": ", each.why());
    }
    return "not all of copy_out is there";
  }
  return "";
}

}  // namespace cordon
