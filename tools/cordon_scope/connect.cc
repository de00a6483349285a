// SPDX-License-Identifier: Apache-2.0
#include "tools/cordon_scope/connect.h"

#include <unistd.h>

#include <string>

namespace cordon::scope {

int Connect(bool user, sd_bus** bus) {
  const std::string folder = user ? "/run/user/" + std::to_string(::geteuid()) : "/run";
  const std::string address = "unix:path=" + folder + "/systemd/private";
  if (sd_bus_new(bus) >= 0 && sd_bus_set_address(*bus, address.c_str()) >= 0 &&
      sd_bus_start(*bus) >= 0) {
    return 0;
  }
  *bus = sd_bus_unref(*bus);
  return user ? sd_bus_open_user(bus) : sd_bus_open_system(bus);
}

// Kernel: the credentials of a peer (SO_PEERCRED) have no process id where our PID namespace does
// not show it. Behind a bus it is the bus, which stands where the manager does.
bool CountsProcessesAsWeDo(sd_bus* bus) {
  sd_bus_creds* peer = nullptr;
  pid_t pid = 0;
  const bool known = sd_bus_get_owner_creds(bus, SD_BUS_CREDS_PID, &peer) >= 0 &&
                     sd_bus_creds_get_pid(peer, &pid) >= 0;
  sd_bus_creds_unref(peer);
  return known && pid > 0;
}

}  // namespace cordon::scope
