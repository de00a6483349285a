// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon/report_writer.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "sandbox/api/json_text.h"
#include "sandbox/os/file.h"
#include "sandbox/os/process.h"

namespace cordon::cli {
namespace {

// A report that could not be written must be known before the job runs.
absl::Status CheckRoom() {
  constexpr uint64_t kEnough = 1 << 20;
  CORDON_ASSIGN_OR_RETURN(const Rlimit limit, GetRlimit(RLIMIT_FSIZE));
  if (limit.soft >= kEnough) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               absl::StrCat("files may have ", limit.soft, " bytes, too few for a report"))
      .Stage("parse")
      .Hint("raise the caller's limit on the size of files (ulimit -f), or take --report-fd");
}

absl::Status NoPlace(const std::string& path, const absl::Status& why) {
  v1::ErrorDetail detail = DetailsOf(why)[0];
  detail.set_stage("parse");
  detail.set_message(absl::StrCat(path, " cannot be written"));
  detail.set_hint(detail.errno_value() == ENOENT ? "its folder does not exist; mkdir -p makes one"
                                                 : "take a folder in which you may make files");
  return ErrorFromDetails(why.code(), {detail});
}

}  // namespace

absl::StatusOr<ReportWriter> ReportWriter::Open(const std::string& path, int fd) {
  ReportWriter writer;
  if (fd >= 0) {
    CORDON_RETURN_IF_ERROR(CheckDescriptor(fd, "--report-fd"));
    writer.fd_ = fd;
  }
  if (path.empty()) return writer;
  // A device or FIFO cannot be replaced by a file: written directly.
  const absl::StatusOr<FileInfo> existing = StatPath(path);
  if (existing.ok() && !existing->IsRegular()) {
    CORDON_ASSIGN_OR_RETURN(writer.file_, OpenAt(kCwd, path, O_WRONLY | O_NOCTTY));
    return writer;
  }
  CORDON_RETURN_IF_ERROR(CheckRoom());
  const std::string temporary = absl::StrCat(path, ".", CurrentPid(), ".tmp");
  absl::StatusOr<UniqueFd> file =
      OpenAt(kCwd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  if (!file.ok()) return NoPlace(path, file.status());
  writer.file_ = *std::move(file);
  writer.path_ = path;
  writer.temporary_ = temporary;
  return writer;
}

ReportWriter::~ReportWriter() {
  if (!temporary_.empty()) RemoveFile(temporary_);
}

absl::Status ReportWriter::Write(const v1::Report& report) { return Write(ReportJson(report)); }

absl::Status ReportWriter::Write(const v1::BatchReport& report) {
  if (!wanted()) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(
      WriteJsonText(report, [this](absl::string_view text) { return Append(text); }));
  return Finish();
}

absl::Status ReportWriter::Write(const std::string& text) {
  CORDON_RETURN_IF_ERROR(Append(text));
  return Finish();
}

absl::Status ReportWriter::Append(absl::string_view text) {
  if (fd_ >= 0) CORDON_RETURN_IF_ERROR(WriteAll(fd_, "--report-fd", text));
  return file_.valid() ? WriteAll(file_.get(), path_, text) : absl::OkStatus();
}

absl::Status ReportWriter::Finish() {
  if (temporary_.empty()) return absl::OkStatus();
  CORDON_RETURN_IF_ERROR(RenameFile(temporary_, path_));
  temporary_.clear();
  return absl::OkStatus();
}

std::string ReportJson(const v1::Report& report) {
  std::string json = JsonText(report);
  if (!json.empty()) return json;
  return "{\"verdict\": \"SETUP_FAILED\", \"error\": {\"message\": \"report is not JSON\"}}\n";
}

}  // namespace cordon::cli
