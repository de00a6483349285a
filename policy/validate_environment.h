// SPDX-License-Identifier: Apache-2.0
// Checks of a list of environment variables, of a policy or of a job.
#ifndef CORDON_POLICY_VALIDATE_ENVIRONMENT_H_
#define CORDON_POLICY_VALIDATE_ENVIRONMENT_H_

#include <google/protobuf/repeated_field.h>

#include "absl/strings/string_view.h"
#include "policy/proto/policy.pb.h"
#include "policy/violations.h"

namespace cordon {

// Names are [A-Za-z_][A-Za-z0-9_]*, each at most once. What a variable does is the author's
// matter: LD_PRELOAD reaches only the job itself. `path` is that of the list.
void CheckEnvironment(const google::protobuf::RepeatedPtrField<v1::Variable>& variables,
                      absl::string_view path, Violations* violations);

}  // namespace cordon

#endif  // CORDON_POLICY_VALIDATE_ENVIRONMENT_H_
