// SPDX-License-Identifier: Apache-2.0
// The payload's ways of being watched over time: asked to end, sampled, checked for its health, and
// what it does against that.
#define _GNU_SOURCE
#include "payload_watch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void Nap(long milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0) continue;
}

// Says "ready", waits for signal argv[2], says which it was, and ends with 7. A child of it waits
// for ever: nobody asks it.
int EndOnSignal(char** argv) {
  sigset_t set;
  int number = 0;
  char line[32];
  sigemptyset(&set);
  sigaddset(&set, atoi(argv[2]));
  sigprocmask(SIG_BLOCK, &set, NULL);
  // Said first: who sees the child knows that it was said.
  if (write(1, "ready\n", 6) != 6) return 3;
  if (fork() == 0) Nap(1000000000);
  if (sigwait(&set, &number) != 0) return 3;
  const int size = snprintf(line, sizeof(line), "got %d\n", number);
  return write(1, line, (size_t)size) == size ? 7 : 3;
}

// Touches argv[2] MiB, burns argv[3] ms of CPU time, has argv[4] children, and is so for argv[5]
// ms.
int UseAndSleep(char** argv) {
  const size_t size = (size_t)atol(argv[2]) << 20;
  const long burn = atol(argv[3]);
  struct timespec used = {0, 0};
  void* block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return 3;
  memset(block, 'm', size);
  while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < burn) {
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  }
  for (int i = 0; i < atoi(argv[4]); ++i) {
    if (fork() == 0) {
      Nap(1000000000);
      _exit(0);
    }
  }
  Nap(atol(argv[5]));
  return 0;
}

// The file argv[2] is there from argv[3] ms on until argv[4] ms; ends after argv[5] ms.
int ReadyBetween(char** argv) {
  Nap(atol(argv[3]));
  const int fd = open(argv[2], O_WRONLY | O_CREAT, 0600);
  if (fd < 0) return 3;
  close(fd);
  Nap(atol(argv[4]) - atol(argv[3]));
  unlink(argv[2]);
  Nap(atol(argv[5]) - atol(argv[4]));
  return 0;
}

// Sends signal argv[2] to everything that it may, again and again, for argv[3] ms.
int KillAll(char** argv) {
  for (long left = atol(argv[3]); left > 0; left -= 10) {
    kill(-1, atoi(argv[2]));
    Nap(10);
  }
  return 0;
}

// A frame that says: check 77 has passed (sandbox/child/wire.h).
struct Frame {
  uint8_t version;
  uint8_t kind;
  uint16_t op_index;
  uint16_t opcode;
  uint16_t call;
  int32_t error;
  uint32_t aux;
  uint64_t aux64;
  uint64_t monotonic_ns;
};

static int WriteTo(int fd, const struct Frame* frame) {
  if (fd < 0) return 0;
  const int written = write(fd, frame, sizeof(*frame)) == (ssize_t)sizeof(*frame);
  close(fd);
  return written;
}

// Bits: a descriptor of another process was written to, it was traced, its memory was opened.
static int ForgeAt(pid_t pid, const struct Frame* frame) {
  char path[64];
  char byte = 0;
  int done = 0;
  struct iovec here = {&byte, 1};
  struct iovec there = {NULL, 1};
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  for (int fd = 0; fd < 12; ++fd) {
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
    done |= WriteTo(open(path, O_WRONLY | O_NONBLOCK), frame);
    if (pidfd >= 0) done |= WriteTo((int)syscall(SYS_pidfd_getfd, pidfd, fd, 0), frame);
  }
  if (pidfd >= 0) close(pidfd);
  if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0) {
    done |= 2;
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
  }
  snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
  const int memory = open(path, O_RDWR);
  if (memory >= 0) {
    done |= 4;
    close(memory);
  }
  if (process_vm_writev(pid, &here, 1, &there, 1, 0) == 1) done |= 4;
  return done;
}

// Tries to say in the name of others that the job is healthy, for argv[2] ms. The exit code tells
// what could be done to one of them.
int ForgeHealth(char** argv) {
  const struct Frame frame = {1, 16, 0, 0, 0, 0, CLD_EXITED, (uint64_t)77 << 32, 0};
  int done = 0;
  for (long left = atol(argv[2]); left > 0; left -= 10) {
    for (pid_t pid = 1; pid < 24; ++pid) {
      if (pid != getpid()) done |= ForgeAt(pid, &frame);
    }
    Nap(10);
  }
  return done;
}

// Takes descriptors, memory and processes from everybody that it may, for argv[2] ms.
int LowerLimits(char** argv) {
  const int what[] = {RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_AS, RLIMIT_DATA};
  const struct rlimit nothing = {0, 0};
  for (long left = atol(argv[2]); left > 0; left -= 10) {
    for (pid_t pid = 1; pid < 24; ++pid) {
      for (size_t i = 0; pid != getpid() && i < sizeof(what) / sizeof(what[0]); ++i) {
        prlimit(pid, what[i], &nothing, NULL);
      }
    }
    Nap(10);
  }
  return 0;
}

void WriteCanary(const char* path) {
  const int fd = open(path, O_WRONLY | O_CREAT, 0666);
  if (fd >= 0) {
    if (write(fd, "alive\n", 6) < 0) _exit(1);
    close(fd);
  }
}

int Canary(char** argv) {
  WriteCanary(argv[2]);
  return 0;
}

// Not before another file is there; a third one says that it waits.
int CanaryAfter(char** argv) {
  if (argv[4] != NULL) WriteCanary(argv[4]);
  while (access(argv[2], F_OK) != 0) usleep(1000);
  WriteCanary(argv[3]);
  return 0;
}
