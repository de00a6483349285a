// SPDX-License-Identifier: Apache-2.0
// A job that computes for ever and leaves behind how long it did: FILE THREADS. Each thread writes
// both clocks to its slot of the file, which is mapped: the last values are from just before it was
// killed, and nobody has to be asked for them. Slot 0 is the time at which main began.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct Slot {
  volatile int64_t monotonic_ns;
  volatile int64_t process_cpu_ns;
};

static int64_t Now(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void* Spin(void* slot) {
  struct Slot* own = slot;
  for (;;) {
    own->process_cpu_ns = Now(CLOCK_PROCESS_CPUTIME_ID);
    own->monotonic_ns = Now(CLOCK_MONOTONIC);
  }
  return NULL;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int fd = open(argv[1], O_RDWR);
  if (fd < 0) return 3;
  struct Slot* slots = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (slots == MAP_FAILED) return 4;
  slots[0].monotonic_ns = Now(CLOCK_MONOTONIC);
  for (int i = 2; i <= atoi(argv[2]) && i < 255; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, Spin, &slots[i]) != 0) return 5;
  }
  Spin(&slots[1]);
  return 0;
}
