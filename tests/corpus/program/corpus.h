// SPDX-License-Identifier: Apache-2.0
// Programs that are built to use exactly so much, one static binary: `corpus NAME ARGS...`. Times
// are measured by the kernel's own clocks of CPU time, so a program uses what it was built to use
// on any machine, however slow or loaded. Each family below is one file.
#ifndef CORDON_TESTS_CORPUS_PROGRAM_CORPUS_H_
#define CORDON_TESTS_CORPUS_PROGRAM_CORPUS_H_

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct Case {
  const char* name;
  int (*run)(int argc, char** argv);
};

// Tables end with an entry without a name.
extern const struct Case kEndCases[];
extern const struct Case kCpuCases[];
extern const struct Case kTreeCases[];
extern const struct Case kWaitCases[];
extern const struct Case kMemoryCases[];
extern const struct Case kOutputCases[];
extern const struct Case kWitnessCases[];

enum { kPage = 4096, kMib = 1 << 20 };

// What a program exits with when it could not do what it was built for.
enum { kCannot = 90, kNoCase = 99 };
void Cannot(const char* what) __attribute__((noreturn));

// "100ms" in nanoseconds; a plain number as it is.
uint64_t Number(const char* word);
// The number in argv[index], or `otherwise`.
uint64_t Argument(int argc, char** argv, int index, uint64_t otherwise);

uint64_t Clock(clockid_t clock);
// CPU time of this process, all its threads, since it was forked.
uint64_t OwnCpu(void);
void BurnUntil(uint64_t own_cpu);
void BurnThread(uint64_t more);
void Nap(uint64_t nanoseconds);

// CPU time of this process, of the children it has waited for, and of those of which it can know
// only what they said (Unwaited).
uint64_t UsedByAll(void);
// Burns what is missing of `total`, says what was used, and returns 0 for main.
int Finish(uint64_t total);
// For a process that nobody waits for: burns, adds its own clock to the sum in shared memory.
void Unwaited(uint64_t burn) __attribute__((noreturn));
void AddToShared(uint64_t used);

// A pipe that ends when all processes that were forked since are gone: each of them holds its
// writing end. AwaitAll is for who made it.
struct Gathering {
  int fd[2];
};
struct Gathering Gather(void);
void AwaitAll(struct Gathering gathering);

pid_t Fork(void);
// Ends this thread and nothing else. pthread_exit would look for a library to unwind with.
void ExitThread(void) __attribute__((noreturn));

#endif  // CORDON_TESTS_CORPUS_PROGRAM_CORPUS_H_
