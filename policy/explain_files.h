// SPDX-License-Identifier: Apache-2.0
// The files of a plan in words. Entry point: ExplainFiles.
#ifndef CORDON_POLICY_EXPLAIN_FILES_H_
#define CORDON_POLICY_EXPLAIN_FILES_H_

#include "policy/normalize.h"
#include "policy/proto/explain.pb.h"
#include "policy/proto/plan.pb.h"

namespace cordon {

// Adds the section "files": a row for each path that exists in the sandbox.
void ExplainFiles(const NormalPolicy& policy, const v1::Plan& plan, v1::Explanation* explanation);

}  // namespace cordon

#endif  // CORDON_POLICY_EXPLAIN_FILES_H_
