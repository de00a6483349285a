// SPDX-License-Identifier: Apache-2.0
// A plan as text for people.
#ifndef CORDON_POLICY_EXPLAIN_H_
#define CORDON_POLICY_EXPLAIN_H_

#include <string>

#include "policy/compile.h"

namespace cordon {

// What the job may do, layer by layer, in words and numbers; ends with a newline. At most 100
// columns, every byte from the policy escaped.
std::string ExplainPlan(const NormalPolicy& policy, const CompiledPlan& plan);

}  // namespace cordon

#endif  // CORDON_POLICY_EXPLAIN_H_
