// SPDX-License-Identifier: Apache-2.0
// The files that a mount plan shows, compared with those of another. Entry point: MountsWidened.
#ifndef CORDON_POLICY_COMPARE_MOUNTS_H_
#define CORDON_POLICY_COMPARE_MOUNTS_H_

#include <vector>

#include "policy/compare.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Where and under which name a file of the host appears is no permission, but what may be done with
// it is: every bind of `after` is looked for in all binds of `before` that show the same file.
std::vector<Widening> MountsWidened(const v1::MountPlan& before, const v1::MountPlan& after);

}  // namespace cordon

#endif  // CORDON_POLICY_COMPARE_MOUNTS_H_
