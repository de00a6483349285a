// SPDX-License-Identifier: Apache-2.0
// `cordon report`: results that batches have written (reports, journals, lines of JSON), of one
// batch or of its shards, as one page, JUnit XML or report. Runs nothing.
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "policy/base/status.h"
#include "policy/batch/html_report.h"
#include "policy/batch/junit.h"
#include "sandbox/api/policy_source.h"
#include "tools/cordon/batch_output.h"
#include "tools/cordon/commands.h"
#include "tools/cordon/report_writer.h"

namespace cordon::cli {
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;

absl::Status ReadJson(absl::string_view text, google::protobuf::Message* message) {
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(text.data(), text.size()), message);
  if (status.ok()) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, std::string(status.message())).Stage("parse");
}

// A journal begins with its head; without one, the lines are those of `--format json`. What stands
// behind the last newline was cut off while it was written.
absl::StatusOr<v1::BatchReport> ReadLines(absl::string_view bytes, const std::string& path) {
  v1::BatchReport report;
  size_t number = 0;
  for (size_t end = bytes.find('\n'); end != absl::string_view::npos; end = bytes.find('\n')) {
    const absl::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    ++number;
    v1::JournalHead head;
    if (number == 1 && ReadJson(line, &head).ok()) {
      report.set_digest(head.digest());
      report.set_jobs(head.jobs());
      continue;
    }
    const absl::Status status = ReadJson(line, report.add_result());
    if (!status.ok()) return WithSource(status, absl::StrCat(path, ":", number));
  }
  return report;
}

absl::StatusOr<v1::BatchReport> ReadResults(const std::string& path) {
  CORDON_ASSIGN_OR_RETURN(const std::string bytes, ReadRegularFile(path, kMostBytes));
  v1::BatchReport report;
  if (ReadJson(bytes, &report).ok()) return report;
  return ReadLines(bytes, path);
}

// Shards have jobs of their own: a job that is in two files is a mistake.
absl::Status Append(const std::string& path, v1::BatchReport part,
                    std::map<std::string, std::string>* files, v1::BatchReport* whole) {
  whole->set_digest(files->empty() ? part.digest() : "");
  const auto given = static_cast<uint32_t>(part.result_size());
  const uint32_t known = whole->jobs() + std::max(part.jobs(), given);
  for (v1::JobResult& result : *part.mutable_result()) {
    if (result.name().empty()) {
      return Error(absl::StatusCode::kInvalidArgument, "a result has no name")
          .Stage("parse")
          .Source(path);
    }
    const auto [found, fresh] = files->emplace(result.name(), path);
    if (!fresh) {
      return Error(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("the job \"", EscapeForPeople(result.name()), "\" is in ",
                                found->second, ", too"))
          .Stage("parse")
          .Source(path);
    }
    *whole->add_result() = std::move(result);
  }
  whole->set_jobs(known);
  return absl::OkStatus();
}

absl::Status WriteReports(const ReportOptions& options) {
  CORDON_ASSIGN_OR_RETURN(ReportWriter html, ReportWriter::Open(options.html, -1));
  CORDON_ASSIGN_OR_RETURN(ReportWriter junit, ReportWriter::Open(options.junit, -1));
  CORDON_ASSIGN_OR_RETURN(ReportWriter json, ReportWriter::Open(options.report, -1));
  v1::BatchReport whole;
  std::map<std::string, std::string> files;
  for (const std::string& path : options.results) {
    CORDON_ASSIGN_OR_RETURN(v1::BatchReport part, ReadResults(path));
    CORDON_RETURN_IF_ERROR(Append(path, std::move(part), &files, &whole));
  }
  CountOutcomes(&whole);
  CORDON_RETURN_IF_ERROR(html.Write(HtmlReport(whole, options.title)));
  CORDON_RETURN_IF_ERROR(junit.Write(JUnitXml(whole)));
  return json.Write(whole);
}

}  // namespace

int WriteReport(const ReportOptions& options) {
  const absl::Status status = WriteReports(options);
  if (status.ok()) return 0;
  PrintErrors(status);
  return kExitCordon;
}

}  // namespace cordon::cli
