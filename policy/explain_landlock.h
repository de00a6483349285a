// SPDX-License-Identifier: Apache-2.0
// What Landlock adds to the mounts, in words. Entry point: ExplainLandlock.
#ifndef CORDON_POLICY_EXPLAIN_LANDLOCK_H_
#define CORDON_POLICY_EXPLAIN_LANDLOCK_H_

#include "policy/explain_section.h"
#include "policy/normalize.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Rows of the section "walls": the layer, then each file rule.
void ExplainLandlock(const NormalPolicy& policy, const v1::LandlockPlan& plan,
                     SectionWriter* writer);

}  // namespace cordon

#endif  // CORDON_POLICY_EXPLAIN_LANDLOCK_H_
