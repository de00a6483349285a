// SPDX-License-Identifier: Apache-2.0
// Semantic checks of a resolved policy: a list of check functions, every violation is returned.
#ifndef CORDON_POLICY_VALIDATE_H_
#define CORDON_POLICY_VALIDATE_H_

#include "absl/status/status.h"
#include "policy/parse.h"

namespace cordon {

// OK, or INVALID_ARGUMENT with one ErrorDetail per violation (field path, source place, the value,
// what is allowed).
absl::Status ValidatePolicy(const ParsedPolicy& policy);

}  // namespace cordon

#endif  // CORDON_POLICY_VALIDATE_H_
