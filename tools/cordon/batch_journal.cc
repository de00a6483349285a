// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/batch_journal.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/batch/jobs.h"
#include "sandbox/os/file.h"
#include "tools/cordon/json_text.h"

namespace cordon::cli {
namespace {

constexpr char kKind[] = "cordon batch";
constexpr size_t kMaxJournal = size_t{4} << 30;

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

absl::StatusOr<BatchJournal> BatchJournal::Open(const std::string& path, const std::string& digest,
                                                uint32_t jobs) {
  BatchJournal journal;
  journal.path_ = path;
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
  CORDON_ASSIGN_OR_RETURN(const std::string content,
                          ReadAll(journal.file_.get(), path, kMaxJournal));
  // Everything up to the last newline was written whole.
  const size_t whole = content.rfind('\n') + 1;
  if (whole != 0) {
    CORDON_RETURN_IF_ERROR(journal.TakeUp(content.substr(0, whole), digest));
  }
  if (whole != content.size()) CORDON_RETURN_IF_ERROR(Truncate(journal.file_.get(), path, whole));
  if (whole == 0) {
    v1::JournalHead head;
    head.set_journal(kKind);
    head.set_digest(digest);
    head.set_jobs(jobs);
    CORDON_RETURN_IF_ERROR(WriteAll(journal.file_.get(), path, JsonLine(head)));
  }
  return journal;
}

absl::Status BatchJournal::TakeUp(const std::string& content, const std::string& digest) {
  size_t number = 0;
  for (size_t at = 0; at < content.size();) {
    const size_t end = content.find('\n', at);
    const absl::string_view line = absl::string_view(content).substr(at, end - at);
    at = end + 1;
    if (++number == 1) {
      v1::JournalHead head;
      if (!Read(line, &head) || head.journal() != kKind) {
        return Broken(path_, number, "this is not a journal of a batch");
      }
      if (head.digest() != digest) {
        return Broken(path_, number, "this journal is about other jobs, or policies have changed");
      }
      continue;
    }
    v1::JobResult result;
    if (!Read(line, &result) || result.name().empty()) {
      return Broken(path_, number, "this line is not a result");
    }
    results_[result.name()] = std::move(result);
  }
  return absl::OkStatus();
}

absl::Status BatchJournal::Add(const v1::JobResult& result) {
  return WriteAll(file_.get(), path_, JsonLine(result));
}

}  // namespace cordon::cli
