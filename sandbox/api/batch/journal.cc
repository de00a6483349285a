// SPDX-License-Identifier: Apache-2.0
#include "sandbox/api/batch/journal.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/batch/jobs.h"
#include "sandbox/api/json_text.h"
#include "sandbox/os/file.h"

namespace cordon {
namespace {

constexpr char kKind[] = "cordon batch";
constexpr size_t kPiece = size_t{1} << 20;

absl::Status Broken(const std::string& path, size_t line, absl::string_view why) {
  return Error(absl::StatusCode::kInvalidArgument, why)
      .Stage("journal")
      .Source(absl::StrCat(path, ":", line))
      .Hint("name another file for --journal, or remove this one to run every job again");
}

bool Read(absl::string_view line, google::protobuf::Message* message) {
  return google::protobuf::util::JsonStringToMessage(
             google::protobuf::StringPiece(line.data(), line.size()), message)
      .ok();
}

}  // namespace

absl::StatusOr<BatchJournal> BatchJournal::Open(const std::string& path,
                                                const v1::JournalHead& head) {
  BatchJournal journal;
  journal.path_ = path;
  journal.head_ = head;
  journal.head_.set_journal(kKind);
  CORDON_ASSIGN_OR_RETURN(journal.file_, OpenAt(kCwd, path, O_RDWR | O_CREAT | O_APPEND, 0644));
  CORDON_ASSIGN_OR_RETURN(const FileInfo info, StatFd(journal.file_.get()));
  if (!info.IsRegular()) {
    return Error(absl::StatusCode::kInvalidArgument, "this is not a regular file")
        .Stage("journal")
        .Source(path);
  }
  if (!TryLock(journal.file_.get()).ok()) {
    return Error(absl::StatusCode::kFailedPrecondition, "another batch is using this journal")
        .Stage("journal")
        .Source(path);
  }
  // Everything up to the last newline was written whole.
  uint64_t end = 0;
  CORDON_RETURN_IF_ERROR(journal.TakeUp(&end));
  CORDON_RETURN_IF_ERROR(Truncate(journal.file_.get(), path, end));
  if (end == 0) {
    CORDON_RETURN_IF_ERROR(WriteAll(journal.file_.get(), path, JsonLine(journal.head_)));
  }
  return journal;
}

absl::Status BatchJournal::TakeUp(uint64_t* end) {
  std::string rest;  // of a line that has begun
  size_t number = 0;
  for (;;) {
    CORDON_ASSIGN_OR_RETURN(const std::string piece,
                            ReadFrom(file_.get(), path_, *end + rest.size(), kPiece));
    if (piece.empty()) return absl::OkStatus();
    rest += piece;
    size_t at = 0;
    for (size_t newline = rest.find('\n'); newline != std::string::npos;
         newline = rest.find('\n', at)) {
      const absl::string_view line = absl::string_view(rest).substr(at, newline - at);
      CORDON_RETURN_IF_ERROR(TakeLine(line, ++number, *end + at));
      at = newline + 1;
    }
    rest.erase(0, at);
    *end += at;
  }
}

absl::Status BatchJournal::TakeLine(absl::string_view line, size_t number, uint64_t offset) {
  if (number == 1) {
    v1::JournalHead head;
    if (!Read(line, &head) || head.journal() != kKind) {
      return Broken(path_, number, "this is not a journal of a batch");
    }
    if (head.stream() != head_.stream()) {
      return Broken(path_, number,
                    head.stream() ? "this journal is about jobs that came as a stream"
                                  : "this journal is about a list of jobs, not about a stream");
    }
    if (head.digest() != head_.digest()) {
      return Broken(path_, number, "this journal is about other jobs, or policies have changed");
    }
    return absl::OkStatus();
  }
  v1::JobResult result;
  if (!Read(line, &result) || result.name().empty()) {
    return Broken(path_, number, "this line is not a result");
  }
  places_[result.name()] = {offset, line.size(), result.digest()};
  return absl::OkStatus();
}

bool BatchJournal::HasOther(const CheckedTask& task) const {
  const auto found = places_.find(task.task.job.name());
  return head_.stream() && found != places_.end() && found->second.digest != task.digest;
}

absl::StatusOr<std::optional<v1::JobResult>> BatchJournal::Find(const CheckedTask& task) const {
  const auto found = places_.find(task.task.job.name());
  if (found == places_.end()) return std::optional<v1::JobResult>();
  CORDON_ASSIGN_OR_RETURN(const std::string line,
                          ReadFrom(file_.get(), path_, found->second.offset, found->second.bytes));
  v1::JobResult result;
  if (!Read(line, &result)) {
    return Error(absl::StatusCode::kAborted, "the journal has changed while it was in use")
        .Stage("journal")
        .Source(path_);
  }
  result.clear_digest();
  return std::optional(std::move(result));
}

absl::Status BatchJournal::Add(const CheckedTask& task, v1::JobResult result) {
  if (head_.stream()) result.set_digest(task.digest);
  return WriteAll(file_.get(), path_, JsonLine(result));
}

}  // namespace cordon
