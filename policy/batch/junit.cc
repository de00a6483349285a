// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/junit.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "policy/base/status.h"

namespace cordon {
namespace {

// EscapeForPeople leaves no control byte and nothing that is not UTF-8.
std::string Xml(absl::string_view text) {
  std::string out;
  for (const char c : EscapeForPeople(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

double Seconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + duration.nanos() / 1e9;
}

std::string Evidence(const v1::Report& report) {
  std::string text;
  for (const v1::Evidence& each : report.evidence()) {
    absl::StrAppend(&text, Xml(each.name()), " ", Xml(each.observed()));
    if (!each.limit().empty()) absl::StrAppend(&text, " of ", Xml(each.limit()));
    absl::StrAppend(&text, " (", Xml(each.source()), ")\n");
  }
  return text;
}

}  // namespace

std::string JUnitXml(const v1::BatchReport& report) {
  double total = 0;
  std::string cases;
  for (const v1::JobResult& result : report.result()) {
    const double wall = Seconds(result.report().usage().wall_time());
    total += wall;
    absl::StrAppend(&cases, "  <testcase classname=\"", Xml(result.report().policy()), "\" name=\"",
                    Xml(result.name()), absl::StrFormat("\" time=\"%.3f\"", wall));
    switch (result.outcome()) {
      case v1::JobResult::GOOD:
        cases += "/>\n";
        break;
      case v1::JobResult::SKIPPED:
        absl::StrAppend(&cases, "><skipped message=\"", Xml(result.why()), "\"/></testcase>\n");
        break;
      case v1::JobResult::BAD:
        absl::StrAppend(&cases, "><failure type=\"", v1::Verdict_Name(result.report().verdict()),
                        "\" message=\"", Xml(result.why()), "\">", Evidence(result.report()),
                        "</failure></testcase>\n");
        break;
      default:
        absl::StrAppend(&cases, "><error message=\"the batch was stopped before\"/></testcase>\n");
    }
  }
  return absl::StrCat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"cordon batch\" tests=\"",
      report.jobs(), "\" failures=\"", report.bad(), "\" skipped=\"", report.skipped(),
      "\" errors=\"", report.not_run(), absl::StrFormat("\" time=\"%.3f\">\n", total), cases,
      "</testsuite>\n");
}

}  // namespace cordon
