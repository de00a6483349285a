// SPDX-License-Identifier: Apache-2.0
// `cordon check`: errors of policies to stderr, what may be wrong with them to stdout.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/base/status.h"
#include "policy/lint/lint.h"
#include "policy/lint/lint_text.h"
#include "policy/proto/lint.pb.h"
#include "sandbox/api/json_text.h"
#include "sandbox/api/policy_source.h"
#include "tools/cordon/commands.h"

namespace cordon::cli {
namespace {

absl::StatusOr<std::vector<v1::LintFinding>> Findings(const std::string& reference) {
  CORDON_ASSIGN_OR_RETURN(const NormalPolicy policy, LoadPolicy(reference));
  CORDON_ASSIGN_OR_RETURN(const CompiledPlan plan, CompileForAnyHost(policy));
  return LintPolicy(policy, plan, NativeArchitecture());
}

bool IsShown(const v1::LintFinding& finding, const std::string& lint) {
  return lint == "all" || (lint == "open" && finding.accepted().empty());
}

v1::PolicyCheck CheckOne(const std::string& reference, const std::string& lint) {
  v1::PolicyCheck check;
  check.set_policy(reference);
  const auto findings = Findings(reference);
  if (!findings.ok()) {
    for (const v1::ErrorDetail& detail : DetailsOf(findings.status())) *check.add_error() = detail;
    return check;
  }
  for (const v1::LintFinding& finding : *findings) {
    if (IsShown(finding, lint)) *check.add_lint() = finding;
  }
  return check;
}

// "ok", "1 danger, 2 warnings".
std::string Summary(const v1::PolicyCheck& check) {
  std::string text;
  for (const v1::LintSeverity severity : {v1::DANGER, v1::WARNING, v1::NOTE}) {
    const auto count = std::count_if(
        check.lint().begin(), check.lint().end(),
        [&](const v1::LintFinding& f) { return f.severity() == severity && f.accepted().empty(); });
    if (count == 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", count, " ", SeverityName(severity),
                    count == 1 ? "" : "s");
  }
  return text.empty() ? "ok" : text;
}

void Print(const v1::PolicyCheck& check) {
  for (const v1::ErrorDetail& error : check.error()) {
    std::fprintf(stderr, "cordon: %s\n", RenderError(error).c_str());
  }
  if (check.error_size() > 0) return;
  for (const v1::LintFinding& finding : check.lint()) {
    std::printf("%s", RenderLint(finding).c_str());
  }
  std::printf("%s: %s\n", EscapeForPeople(check.policy()).c_str(), Summary(check).c_str());
}

// Above every severity for "never".
int Threshold(const std::string& fail_on) {
  for (const v1::LintSeverity severity : {v1::NOTE, v1::WARNING, v1::DANGER}) {
    if (fail_on == SeverityName(severity)) return severity;
  }
  return v1::LintSeverity_MAX + 1;
}

int ListLints() {
  for (const Lint& lint : Lints()) {
    v1::LintFinding row;
    row.set_id(std::string(lint.id));
    row.set_reason(std::string(lint.reason));
    row.set_fix(std::string(lint.fix));
    std::printf("%s (%s)\n%s", row.id().c_str(), std::string(SeverityName(lint.severity)).c_str(),
                RenderLintNotes(row).c_str());
  }
  return 0;
}

}  // namespace

int Check(const CheckOptions& options) {
  if (options.list) return ListLints();
  if (options.policies.empty()) {
    std::fprintf(stderr, "cordon: `cordon check` wants at least one POLICY\n");
    return kExitCordon;
  }
  v1::CheckReport report;
  int code = 0;
  for (const std::string& policy : options.policies) {
    const v1::PolicyCheck check = CheckOne(policy, options.lint);
    if (check.error_size() > 0) code = kExitCordon;
    for (const v1::LintFinding& finding : check.lint()) {
      if (!finding.accepted().empty() || finding.severity() < Threshold(options.fail_on)) continue;
      code = std::max(code, kExitLint);
    }
    if (!options.json) Print(check);
    *report.add_policy() = check;
  }
  if (options.json) std::printf("%s", JsonText(report).c_str());
  return code;
}

}  // namespace cordon::cli
