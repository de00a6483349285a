// SPDX-License-Identifier: Apache-2.0
// Writes the one report of a run. Files are opened before the job starts, so that a report that
// cannot be written is known while there is nothing to lose.
#ifndef CORDON_TOOLS_CORDON_REPORT_WRITER_H_
#define CORDON_TOOLS_CORDON_REPORT_WRITER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/proto/batch_result.pb.h"
#include "policy/proto/report.pb.h"
#include "sandbox/os/unique_fd.h"

namespace cordon::cli {

class ReportWriter {
 public:
  // `path` empty and `fd` -1: no report. A file appears whole or not at all: it is written beside
  // its place and renamed.
  static absl::StatusOr<ReportWriter> Open(const std::string& path, int fd);
  ReportWriter(ReportWriter&& other) noexcept = default;
  ReportWriter& operator=(ReportWriter&& other) noexcept = default;
  ~ReportWriter();

  absl::Status Write(const v1::Report& report);
  absl::Status Write(const v1::BatchReport& report);
  absl::Status Write(const std::string& text);

 private:
  ReportWriter() = default;
  bool wanted() const { return fd_ >= 0 || file_.valid(); }
  absl::Status Append(absl::string_view text);
  absl::Status Finish();
  std::string path_;
  std::string temporary_;
  UniqueFd file_;
  int fd_ = -1;
};

// JSON with the proto's field names, ends with a newline.
std::string ReportJson(const v1::Report& report);

}  // namespace cordon::cli

#endif  // CORDON_TOOLS_CORDON_REPORT_WRITER_H_
