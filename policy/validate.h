// SPDX-License-Identifier: Apache-2.0
// Semantic checks of a resolved policy: a list of check functions, every violation is returned.
#ifndef CORDON_POLICY_VALIDATE_H_
#define CORDON_POLICY_VALIDATE_H_

#include <vector>

#include "absl/status/status.h"
#include "policy/parse.h"
#include "policy/proto/error.pb.h"

namespace cordon {

// OK, or INVALID_ARGUMENT with one ErrorDetail per violation (field path, source place, the value,
// what is allowed).
// When there is one, what compiling would say of the seccomp block is listed, too, unless that
// block has violations of its own: all errors at once.
absl::Status ValidatePolicy(const ParsedPolicy& policy);

// What compiling says of the seccomp block: unknown calls, groups and constants, types of
// arguments, rules that contradict each other. Takes a block without violations.
std::vector<v1::ErrorDetail> RuleErrors(const ParsedPolicy& policy);

}  // namespace cordon

#endif  // CORDON_POLICY_VALIDATE_H_
