// SPDX-License-Identifier: Apache-2.0
// System calls by chance: any number with any arguments, from several processes at once. What the
// seed is decides the calls, not their order among processes.
#include "attack.h"

static uint64_t state;

// splitmix64: every seed is a good one.
static uint64_t Next(void) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Mostly what gets past the first check of a call: descriptors, sizes, pointers, paths, flags.
static long Argument(void) {
  static const char* const kPaths[] = {"/",         "/proc/self/mem", "/tmp/x", "/dev/null", ".",
                                       "/usr/bin/", "/proc/1/root",   WORK,     ""};
  const uint64_t chance = Next();
  switch (chance % 8) {
    case 0:
      return (long)(chance >> 32) % 8;
    case 1:
      return (long)(uintptr_t)(scratch + (chance >> 32) % sizeof(scratch));
    case 2:
      return (long)(uintptr_t)kPaths[(chance >> 32) % (sizeof(kPaths) / sizeof(kPaths[0]))];
    case 3:
      return 1L << ((chance >> 32) % 63);
    case 4:
      return -(long)((chance >> 32) % 200);
    case 5:
      return (long)((chance >> 32) % 65536);
    case 6:
      return (long)(uintptr_t)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                   -1, 0);
    default:
      return (long)Next();
  }
}

// What all count in a file, so that it is seen from outside even when they end each other.
struct Counts {
  long made;
  long allowed;
  long refused;
  long killed;
};

static void Calls(struct Counts* counts) {
  for (int i = 0; i < 64; ++i) {
    const long number = (long)(Next() % 470);
    __atomic_add_fetch(&counts->made, 1, __ATOMIC_RELAXED);
    const long result =
        syscall(number, Argument(), Argument(), Argument(), Argument(), Argument(), Argument());
    __atomic_add_fetch(result < 0 ? &counts->refused : &counts->allowed, 1, __ATOMIC_RELAXED);
  }
}

// A child for each few calls: most end it, by death or by waiting for ever.
static void Worker(struct Counts* counts, uint64_t seed) {
  for (uint64_t round = 0;; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      state = seed + (round << 20);
      setpgid(0, 0);
      alarm(1);
      Calls(counts);
      _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) continue;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
      __atomic_add_fetch(&counts->killed, 1, __ATOMIC_RELAXED);
    }
  }
}

// random-calls FILE SEED MILLISECONDS
static int RandomCalls(int argc, char** argv) {
  if (argc < 4) return 98;
  const uint64_t seed = strtoull(argv[2], NULL, 10);
  const int fd = open(argv[1], O_RDWR | O_CLOEXEC);
  if (fd < 0) return 3;
  // Far from all other memory, so that a call that writes too much does not reach it.
  void* const apart = (void*)(uintptr_t)0x100000000000;
  struct Counts* counts = mmap(apart, sizeof(struct Counts), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
  if (counts == MAP_FAILED) return 3;
  close(fd);
  for (uint64_t i = 0; i < 8; ++i) {
    if (fork() == 0) Worker(counts, seed + (i << 48));
  }
  Nap(atol(argv[3]));
  return 0;
}

const struct Attack kRandomAttacks[] = {
    {"random-calls", RandomCalls},
    {NULL, NULL},
};
