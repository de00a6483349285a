// SPDX-License-Identifier: Apache-2.0
// The way to a systemd manager, and whether it is one that can be told a process id.
#ifndef CORDON_TOOLS_CORDON_SCOPE_CONNECT_H_
#define CORDON_TOOLS_CORDON_SCOPE_CONNECT_H_

#include <systemd/sd-bus.h>

namespace cordon::scope {

// The manager's own socket, which needs no message bus; otherwise the bus. Below 0: -errno.
int Connect(bool user, sd_bus** bus);

// Whether the manager reads a process id as we do: it does in its own PID namespace.
bool CountsProcessesAsWeDo(sd_bus* bus);

}  // namespace cordon::scope

#endif  // CORDON_TOOLS_CORDON_SCOPE_CONNECT_H_
