// SPDX-License-Identifier: Apache-2.0
// What the check of a lint sees and where it puts its findings; the tables of the subjects.
#ifndef CORDON_POLICY_LINT_CONTEXT_H_
#define CORDON_POLICY_LINT_CONTEXT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "policy/lint/filter_view.h"
#include "policy/lint/lint.h"
#include "policy/normalize.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

struct LintContext {
  const NormalPolicy& normal;
  const v1::Plan& plan;
  // nullptr when the policy turns seccomp off: then there is one finding for all calls.
  FilterView* filter;

  const v1::Policy& policy() const { return normal.proto(); }
};

class LintSink {
 public:
  LintSink(const Lint& lint, const SourceMap& places) : lint_(lint), places_(places) {}

  // `message` continues the name of the field: "mounts.bind[2]: can be written by the job".
  void Add(absl::string_view field, absl::string_view message);
  // The lint cannot be decided.
  void Fail(const absl::Status& status) { status_.Update(status); }

  const std::vector<v1::LintFinding>& findings() const { return findings_; }
  const absl::Status& status() const { return status_; }

 private:
  const Lint& lint_;
  const SourceMap& places_;
  std::vector<v1::LintFinding> findings_;
  absl::Status status_;
};

absl::Span<const Lint> CallLints();
absl::Span<const Lint> MountLints();
absl::Span<const Lint> LimitLints();
absl::Span<const Lint> LayerLints();

}  // namespace cordon

#endif  // CORDON_POLICY_LINT_CONTEXT_H_
