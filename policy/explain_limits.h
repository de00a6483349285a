// SPDX-License-Identifier: Apache-2.0
// The limits of a plan in words. Entry point: ExplainLimits.
#ifndef CORDON_POLICY_EXPLAIN_LIMITS_H_
#define CORDON_POLICY_EXPLAIN_LIMITS_H_

#include "policy/normalize.h"
#include "policy/proto/explain.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Adds the section "limits": what each limit counts, what happens at it, and the verdict.
void ExplainLimits(const NormalPolicy& policy, const v1::Plan& plan, v1::Explanation* explanation);

}  // namespace cordon

#endif  // CORDON_POLICY_EXPLAIN_LIMITS_H_
