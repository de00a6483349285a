// SPDX-License-Identifier: Apache-2.0
// Leaves a process behind that writes to /canary when the job is long over. /canary/started
// proves that the folder can be written at all.
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static void touch(const char* path) {
  int fd = open(path, O_WRONLY | O_CREAT, 0666);
  if (fd >= 0) close(fd);
}

static void wait_ms(long ms) {
  struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&pause, 0);
}

int main(void) {
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    setsid();
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    if (fork() != 0) _exit(0);
    for (int fd = 0; fd < 3; ++fd) close(fd);
    touch("/canary/started");
    wait_ms(600);
    touch("/canary/alive");
    for (;;) pause();
  }
  wait_ms(200);
  return 0;
}
