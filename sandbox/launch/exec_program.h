// SPDX-License-Identifier: Apache-2.0
// LaunchPlan -> the shared region that init reads after the gate: argv, environment, paths and
// working directory as offsets, no pointers.
#ifndef CORDON_SANDBOX_LAUNCH_EXEC_PROGRAM_H_
#define CORDON_SANDBOX_LAUNCH_EXEC_PROGRAM_H_

#include <string>

#include "absl/status/status.h"
#include "policy/proto/plan.pb.h"
#include "sandbox/child/wire.h"

namespace cordon {

// RESOURCE_EXHAUSTED when arguments and environment do not fit (1 MiB).
absl::Status WriteExecProgram(const v1::LaunchPlan& launch, child::SharedRegion* region);

// The working directory alone, which the twin of the payload starts in before there is a launch
// program.
absl::Status WriteWorkingDirectory(const std::string& path, child::SharedRegion* region);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAUNCH_EXEC_PROGRAM_H_
