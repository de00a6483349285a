// SPDX-License-Identifier: Apache-2.0
// Bytes of the status pipe -> events. The peer is untrusted after the gate: every frame is checked,
// and a malformed one is an error, never a verdict.
#ifndef CORDON_SANDBOX_LAUNCH_STATUS_PIPE_H_
#define CORDON_SANDBOX_LAUNCH_STATUS_PIPE_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sandbox/child/wire.h"
#include "sandbox/os/unique_fd.h"
#include "sandbox/program/program.h"

namespace cordon {

// Exactly one frame.
absl::StatusOr<child::StatusFrame> DecodeFrame(absl::string_view bytes);

// Reads one frame; nullopt at EOF. Waits at most `timeout_ms` (-1: for ever, 0: does not wait and
// gives UNAVAILABLE when nothing is there); DEADLINE_EXCEEDED when it passes.
// With `passed`, `fd` is a passing pipe (os/seccomp_listener.h), and a descriptor that comes with
// the frame is put there.
absl::StatusOr<std::optional<child::StatusFrame>> ReadFrame(int fd, int timeout_ms,
                                                            UniqueFd* passed = nullptr);

// The error that a kStepFailed or kExecFailed frame reports: step, call, object, errno, what to do.
// `job` is the name of the job's program, the object of a failed exec.
absl::Status StepError(const child::StatusFrame& frame, const SetupProgram& program,
                       absl::string_view job = "");

// The error of a child that ended without a frame: it names the step that had not ended. Stage
// "prepare" before the gate, "launch" behind it, "run" when the job's program may have begun.
absl::Status SilentDeathError(const child::SharedRegion& region, const SetupProgram& program);

}  // namespace cordon

#endif  // CORDON_SANDBOX_LAUNCH_STATUS_PIPE_H_
