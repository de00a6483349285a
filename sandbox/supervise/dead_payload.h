// SPDX-License-Identifier: Apache-2.0
// What the kernel still says of a main process that is dead and not reaped yet. Entry point:
// BytesWritten.
#ifndef CORDON_SANDBOX_SUPERVISE_DEAD_PAYLOAD_H_
#define CORDON_SANDBOX_SUPERVISE_DEAD_PAYLOAD_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace cordon {

// How many bytes the child of `init` that has the id `inside` in its own pid namespace has written
// in its life, to whatever file ("wchar" of its io file, proc_pid_io(5)). Nothing when there is no
// such child or the kernel does not say.
std::optional<uint64_t> BytesWritten(pid_t init, uint64_t inside);

}  // namespace cordon

#endif  // CORDON_SANDBOX_SUPERVISE_DEAD_PAYLOAD_H_
