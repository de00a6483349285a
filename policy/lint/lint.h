// SPDX-License-Identifier: Apache-2.0
// Lints: what a valid policy says that has gone wrong for others before. Entry points: LintPolicy,
// Lints (the table). A lint looks at what the plan means, not at how the policy spells it: whether
// a call passes is asked of the rules for all of its arguments.
//
// Adding one: a row in the table of its subject (call_lints, mount_lints, limit_lints,
// layer_lints), and its pair of policies in the test beside it, which fails without.
#ifndef CORDON_POLICY_LINT_LINT_H_
#define CORDON_POLICY_LINT_LINT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "policy/bpf/syscall_table.h"
#include "policy/proto/lint.pb.h"

namespace cordon {

class CompiledPlan;
class LintSink;
class NormalPolicy;
struct LintContext;

// Calls of the kernel: `calls` are names separated by spaces, `when` is as in ParseConditions
// (bpf/condition.h); "" means whatever the arguments.
struct CallQuestion {
  absl::string_view calls;
  absl::string_view when;
};

struct Lint {
  absl::string_view id;  // stable: policies accept a lint by it
  v1::LintSeverity severity;
  absl::string_view reason;  // one sentence, with the CVE or the manual page that it comes from
  absl::string_view fix;
  void (*check)(const Lint& lint, const LintContext& context, LintSink* sink);
  absl::Span<const CallQuestion> questions = {};  // for the checks that ask about calls
};

// Every lint once.
const std::vector<Lint>& Lints();

// INVALID_ARGUMENT with the nearest id as hint when there is no such lint.
absl::StatusOr<const Lint*> FindLint(absl::string_view id);

// All findings, gravest first, each with the place of its field. One that the policy accepts
// (accept_lint) has the reason in `accepted`. An acceptance covers what its own file and the bases
// of that file wrote; one in the policy itself that covers nothing is a finding, too. `plan` is
// that of `policy` for a host of `architecture`. Not OK when a filter is beyond what can be decided
// (bpf/decision_graph.h).
absl::StatusOr<std::vector<v1::LintFinding>> LintPolicy(const NormalPolicy& policy,
                                                        const CompiledPlan& plan,
                                                        Architecture architecture);

// "note", "warning", "danger".
absl::string_view SeverityName(v1::LintSeverity severity);

}  // namespace cordon

#endif  // CORDON_POLICY_LINT_LINT_H_
