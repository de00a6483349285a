// SPDX-License-Identifier: Apache-2.0
// Runs the table, lays acceptances over the findings, sorts.
#include "policy/lint/lint.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "policy/base/field_path.h"
#include "policy/base/status.h"
#include "policy/bpf/suggest.h"
#include "policy/compile.h"
#include "policy/lint/context.h"

namespace cordon {
namespace {

// Position in "the policy, its base, the base of that ..."; behind all of them for a place that is
// in no file, such as one of a binary policy that was renamed.
size_t LevelOf(const NormalPolicy& policy, absl::string_view place) {
  const absl::string_view file = FileOfPlace(place);
  if (file == policy.name()) return 0;
  const std::vector<std::string>& bases = policy.parsed().bases;
  const auto found = std::find(bases.begin(), bases.end(), file);
  return static_cast<size_t>(found - bases.begin()) + 1;
}

void Accept(const NormalPolicy& policy, std::vector<v1::LintFinding>* findings) {
  const auto& accepted = policy.proto().accept_lint();
  for (int i = 0; i < accepted.size(); ++i) {
    const std::string field = IndexedField("accept_lint", static_cast<size_t>(i));
    const std::string place = policy.places().Find(field);
    const size_t level = LevelOf(policy, place);
    bool used = false;
    for (v1::LintFinding& finding : *findings) {
      if (finding.id() != accepted[i].id() || LevelOf(policy, finding.place()) < level) continue;
      finding.set_accepted(accepted[i].reason());
      used = true;
    }
    // An inherited one may have become needless by what this policy says.
    if (used || level > 0) continue;
    const absl::StatusOr<const Lint*> lint = FindLint("unused-acceptance");
    if (!lint.ok()) continue;
    LintSink sink(**lint, policy.places());
    sink.Add(field, absl::StrCat("accepts \"", accepted[i].id(), "\", which finds nothing"));
    findings->insert(findings->end(), sink.findings().begin(), sink.findings().end());
  }
}

}  // namespace

void LintSink::Add(absl::string_view field, absl::string_view message) {
  v1::LintFinding& finding = findings_.emplace_back();
  finding.set_id(std::string(lint_.id));
  finding.set_severity(lint_.severity);
  finding.set_field(std::string(field));
  finding.set_place(places_.Find(field));
  finding.set_message(std::string(message));
  finding.set_reason(std::string(lint_.reason));
  finding.set_fix(std::string(lint_.fix));
}

const std::vector<Lint>& Lints() {
  static const auto* const lints = [] {
    auto* all = new std::vector<Lint>;
    for (const absl::Span<const Lint> subject :
         {CallLints(), MountLints(), LimitLints(), LayerLints()}) {
      all->insert(all->end(), subject.begin(), subject.end());
    }
    return all;
  }();
  return *lints;
}

absl::StatusOr<const Lint*> FindLint(absl::string_view id) {
  std::vector<absl::string_view> ids;
  for (const Lint& lint : Lints()) {
    if (lint.id == id) return &lint;
    ids.push_back(lint.id);
  }
  return Error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("\"", EscapeForPeople(id), "\" is not the id of a lint"))
      .Hint(DidYouMean(id, ids));
}

absl::StatusOr<std::vector<v1::LintFinding>> LintPolicy(const NormalPolicy& policy,
                                                        const CompiledPlan& plan,
                                                        Architecture architecture) {
  absl::optional<FilterView> filter;
  if (plan.proto().seccomp().enforcement() != v1::OFF) {
    filter.emplace(plan.proto().seccomp().rules(), architecture);
  }
  const LintContext context{policy, plan.proto(), filter.has_value() ? &*filter : nullptr};
  std::vector<v1::LintFinding> findings;
  for (const Lint& lint : Lints()) {
    LintSink sink(lint, policy.places());
    lint.check(lint, context, &sink);
    CORDON_RETURN_IF_ERROR(sink.status());
    findings.insert(findings.end(), sink.findings().begin(), sink.findings().end());
  }
  Accept(policy, &findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const v1::LintFinding& a, const v1::LintFinding& b) {
                     return a.severity() > b.severity();
                   });
  return findings;
}

absl::string_view SeverityName(v1::LintSeverity severity) {
  switch (severity) {
    case v1::DANGER:
      return "danger";
    case v1::WARNING:
      return "warning";
    default:
      return "note";
  }
}

}  // namespace cordon
