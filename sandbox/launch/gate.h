// SPDX-License-Identifier: Apache-2.0
// Brings a started child to the gate and reads it and its twin on the way, each at the moment at
// which it holds still. Entry point: ReadAtGate. Compares nothing.
#ifndef CORDON_SANDBOX_LAUNCH_GATE_H_
#define CORDON_SANDBOX_LAUNCH_GATE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "sandbox/launch/launcher.h"
#include "sandbox/layers/read_back.h"
#include "sandbox/layers/twin_back.h"

namespace cordon {

struct AtGate {
  ReadBack back;
  TwinBack twin;
  uint64_t reading_ns = 0;  // what the supervisor spent on reading
};

// The plan says where to look: the mount points and the working directory.
absl::StatusOr<AtGate> ReadAtGate(const Child& child, const CheckedProgram& program,
                                  const v1::Plan& plan, int timeout_ms);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAUNCH_GATE_H_
