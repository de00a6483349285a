// SPDX-License-Identifier: Apache-2.0
// Sends SIGKILL to everything it can name, then looks whether it still runs.
#include <signal.h>
#include <unistd.h>

int main(void) {
  kill(-1, SIGKILL);
  for (pid_t pid = 1; pid < 5000; ++pid) {
    if (pid != getpid()) kill(pid, SIGKILL);
  }
  kill(getppid(), SIGKILL);
  return 0;
}
