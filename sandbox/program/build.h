// SPDX-License-Identifier: Apache-2.0
// Strings the layers' operations together: the one place that decides the order of a set-up, which
// check.h then proves. Entry point: BuildProgram.
#ifndef CORDON_SANDBOX_PROGRAM_BUILD_H_
#define CORDON_SANDBOX_PROGRAM_BUILD_H_

#include "absl/status/statusor.h"
#include "sandbox/layers/layer.h"
#include "sandbox/program/check.h"

namespace cordon {

// `init_filter` is the seccomp filter of the sandbox's own init (struct sock_filter array).
absl::StatusOr<CheckedProgram> BuildProgram(const LowerInput& input, absl::string_view init_filter);

}  // namespace cordon

#endif  // CORDON_SANDBOX_PROGRAM_BUILD_H_
