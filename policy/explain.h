// SPDX-License-Identifier: Apache-2.0
// A plan in words, for people who never saw a filter or a control group: what the job may do, layer
// by layer, what each limit means and which verdict it leads to, and which line of which policy
// says so. Entry points: ExplainPlan; ExplanationText (explain_text.h) prints it.
#ifndef CORDON_POLICY_EXPLAIN_H_
#define CORDON_POLICY_EXPLAIN_H_

#include "policy/compile.h"
#include "policy/proto/explain.pb.h"

namespace cordon {

// `plan` is that of `policy`. Every byte that comes from the policy is escaped. A new layer adds
// its rows to a section here or a section of its own.
v1::Explanation ExplainPlan(const NormalPolicy& policy, const CompiledPlan& plan);

}  // namespace cordon

#endif  // CORDON_POLICY_EXPLAIN_H_
