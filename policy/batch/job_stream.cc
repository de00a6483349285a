// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/job_stream.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "policy/base/hard_limits.h"
#include "policy/base/status.h"
#include "policy/batch/artifacts.h"

namespace cordon {

JobStream::JobStream(std::string name, size_t index, size_t count)
    : name_(std::move(name)), index_(index - 1), count_(count) {}

void JobStream::Add(absl::string_view bytes) {
  bytes_.erase(0, at_);
  searched_ -= at_;
  at_ = 0;
  absl::StrAppend(&bytes_, bytes);
}

absl::StatusOr<std::optional<std::vector<BatchTask>>> JobStream::Next() {
  std::string line;
  while (!broken_ && TakeLine(&line)) {
    const bool short_enough = line.size() <= kMaxPolicyBytes;  // else its end may not be there
    if (short_enough && absl::StripAsciiWhitespace(line).empty()) continue;
    absl::StatusOr<std::vector<BatchTask>> tasks = ReadLine(line);
    broken_ = !tasks.ok();
    CORDON_RETURN_IF_ERROR(tasks.status());
    if (!tasks->empty()) return std::optional(*std::move(tasks));
  }
  if (end_ && !broken_ && known_.empty()) {
    broken_ = true;
    return Error(absl::StatusCode::kInvalidArgument, "there is no job")
        .Stage("parse")
        .Source(name_);
  }
  return std::optional<std::vector<BatchTask>>();
}

// One that is longer than any that is right is taken before its end is there.
bool JobStream::TakeLine(std::string* line) {
  const size_t newline = bytes_.find('\n', searched_);
  searched_ = newline == std::string::npos ? bytes_.size() : newline + 1;
  const bool whole = newline != std::string::npos || (end_ && at_ < bytes_.size());
  if (!whole && bytes_.size() - at_ <= kMaxPolicyBytes) return false;
  *line = bytes_.substr(at_, newline == std::string::npos ? newline : newline - at_);
  at_ = searched_;
  ++lines_;
  return true;
}

absl::StatusOr<std::vector<BatchTask>> JobStream::ReadLine(absl::string_view line) {
  CORDON_ASSIGN_OR_RETURN(std::vector<BatchTask> tasks, ReadJobLine(line, name_, lines_, kMaxJobs));
  std::vector<v1::ErrorDetail> errors;
  std::vector<BatchTask> mine;
  for (BatchTask& task : tasks) {
    if (errors.size() >= kMaxErrors) break;
    Connect(&task, &errors);
    if (known_[task.job.name()].shard == index_) mine.push_back(std::move(task));
  }
  if (!errors.empty()) return ErrorFromDetails(absl::StatusCode::kInvalidArgument, errors);
  return mine;
}

void JobStream::Connect(BatchTask* task, std::vector<v1::ErrorDetail>* errors) {
  const v1::BatchJob& job = task->job;
  std::vector<const Known*> before;
  for (const std::string& name : job.after()) {
    const auto found = known_.find(name);
    if (found == known_.end()) {
      errors->push_back(JobComplaint(*task, "after",
                                     absl::StrCat("there is no job \"", EscapeForPeople(name),
                                                  "\" before this one in the stream")));
      continue;
    }
    if (!before.empty() && found->second.shard != before[0]->shard) {
      errors->push_back(JobComplaint(*task, "after",
                                     "these jobs are in different shards: in a stream each is in "
                                     "one before it is known what comes after it"));
    }
    before.push_back(&found->second);
    task->after.push_back(found->second.position);
  }
  Known known;
  known.shard = before.empty() ? dealt_++ % count_ : before[0]->shard;
  known.line = lines_;
  known.artifacts = ArtifactsOf(job);
  const bool mine = known.shard == index_;
  if (mine) known.position = given_++;
  const auto [found, fresh] = known_.emplace(job.name(), std::move(known));
  if (!fresh) {
    errors->push_back(JobComplaint(*task, "name",
                                   absl::StrCat("\"", job.name(), "\" is the name of the job at ",
                                                name_, ":", found->second.line, ":1, too")));
  }
  if (!errors->empty()) return;
  CheckArtifacts(
      *task, [&](size_t n) { return before[n]->artifacts; }, errors);
}

}  // namespace cordon
