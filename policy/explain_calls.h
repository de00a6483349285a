// SPDX-License-Identifier: Apache-2.0
// The system calls of a plan in words. Entry point: ExplainCalls.
#ifndef CORDON_POLICY_EXPLAIN_CALLS_H_
#define CORDON_POLICY_EXPLAIN_CALLS_H_

#include "policy/normalize.h"
#include "policy/proto/explain.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Adds the section "calls": groups in the order of risk, rules in that of the policy, the rest.
void ExplainCalls(const NormalPolicy& policy, const v1::Plan& plan, v1::Explanation* explanation);

}  // namespace cordon

#endif  // CORDON_POLICY_EXPLAIN_CALLS_H_
