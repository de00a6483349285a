// SPDX-License-Identifier: Apache-2.0
#include "policy/lint/lint_text.h"

#include "absl/strings/str_cat.h"
#include "policy/base/columns.h"
#include "policy/base/status.h"
#include "policy/lint/lint.h"

namespace cordon {
namespace {

void AppendNote(absl::string_view name, absl::string_view text, std::string* out) {
  const std::string first = absl::StrCat("  ", name, ": ");
  const std::string rest(first.size(), ' ');
  bool is_first = true;
  for (const std::string& line : WrapText(text, kColumns - first.size())) {
    absl::StrAppend(out, is_first ? first : rest, line, "\n");
    is_first = false;
  }
}

}  // namespace

std::string RenderLint(const v1::LintFinding& finding) {
  std::string out =
      absl::StrCat(EscapeForPeople(finding.place()), ": ", SeverityName(finding.severity()), ": ",
                   finding.field(), " ", finding.message(),
                   finding.accepted().empty() ? "" : " (accepted)", " [", finding.id(), "]\n");
  return out + RenderLintNotes(finding);
}

std::string RenderLintNotes(const v1::LintFinding& finding) {
  std::string out;
  AppendNote("why", finding.reason(), &out);
  if (finding.accepted().empty()) {
    AppendNote("fix", finding.fix(), &out);
  } else {
    AppendNote("accepted", EscapeForPeople(finding.accepted()), &out);
  }
  return out;
}

}  // namespace cordon
