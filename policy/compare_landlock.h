// SPDX-License-Identifier: Apache-2.0
// What the file rules of one plan take away from its mounts, and another gives. Entry point:
// FileRulesWidened.
#ifndef CORDON_POLICY_COMPARE_LANDLOCK_H_
#define CORDON_POLICY_COMPARE_LANDLOCK_H_

#include <vector>

#include "policy/compare.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Rights on files that both plans show and that the mounts of `before` would give too: those that
// only Landlock withholds there. All else is told by MountsWidened (compare_mounts.h).
std::vector<Widening> FileRulesWidened(const v1::Plan& before, const v1::Plan& after);

}  // namespace cordon

#endif  // CORDON_POLICY_COMPARE_LANDLOCK_H_
