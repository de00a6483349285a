// SPDX-License-Identifier: Apache-2.0
// The child: one loop over a table of operations, from clone3's return to the payload's exec. It
// calls the kernel directly, allocates nothing and uses no libc (tools/lint/symbols.py proves it).
#ifndef CORDON_SANDBOX_CHILD_INTERPRETER_H_
#define CORDON_SANDBOX_CHILD_INTERPRETER_H_

#include "sandbox/child/wire.h"

namespace cordon::child {

// Runs the program in the child of clone3; never returns. On a failed step one kStepFailed frame
// goes to the status pipe and the process exits, which ends the pid namespace and all in it.
// `fd_status_before` is the status pipe until AdoptFds has moved it to kFdStatus.
[[noreturn]] void RunProgram(const ProgramView& program, SharedRegion* shared,
                             int fd_status_before);

}  // namespace cordon::child

#endif  // CORDON_SANDBOX_CHILD_INTERPRETER_H_
