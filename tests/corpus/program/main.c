// SPDX-License-Identifier: Apache-2.0
// Finds the program by name; what all of them share.
#include "corpus.h"

#include <sys/prctl.h>

static const struct Case* const kFamilies[] = {kEndCases,    kCpuCases,    kTreeCases,   kWaitCases,
                                               kMemoryCases, kOutputCases, kWitnessCases};

static uint64_t* shared_cpu;

void Cannot(const char* what) {
  const char* error = strerrorname_np(errno);
  dprintf(2, "corpus: %s: %s\n", what, error != NULL ? error : "?");
  _exit(kCannot);
}

uint64_t Number(const char* word) {
  char* end;
  const uint64_t value = strtoull(word, &end, 10);
  return strcmp(end, "ms") == 0 ? value * 1000000 : value;
}

uint64_t Argument(int argc, char** argv, int index, uint64_t otherwise) {
  return index < argc ? Number(argv[index]) : otherwise;
}

uint64_t Clock(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) Cannot("clock_gettime");
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t OwnCpu(void) { return Clock(CLOCK_PROCESS_CPUTIME_ID); }

// Some work between two looks at the clock, so that most of it is user time.
static void Work(void) {
  for (volatile int i = 0; i < 2000; ++i) continue;
}

void BurnUntil(uint64_t own_cpu) {
  while (OwnCpu() < own_cpu) Work();
}

void BurnThread(uint64_t more) {
  const uint64_t until = Clock(CLOCK_THREAD_CPUTIME_ID) + more;
  while (Clock(CLOCK_THREAD_CPUTIME_ID) < until) Work();
}

void Nap(uint64_t nanoseconds) {
  struct timespec left = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

static uint64_t Nanoseconds(struct timeval time) {
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

uint64_t UsedByAll(void) {
  struct rusage waited;
  if (getrusage(RUSAGE_CHILDREN, &waited) != 0) Cannot("getrusage");
  return OwnCpu() + Nanoseconds(waited.ru_utime) + Nanoseconds(waited.ru_stime) +
         __atomic_load_n(shared_cpu, __ATOMIC_ACQUIRE);
}

int Finish(uint64_t total) {
  while (UsedByAll() < total) Work();
  dprintf(1, "cpu_ns %llu\n", (unsigned long long)UsedByAll());
  return 0;
}

void AddToShared(uint64_t used) { __atomic_add_fetch(shared_cpu, used, __ATOMIC_ACQ_REL); }

void Unwaited(uint64_t burn) {
  BurnUntil(burn);
  AddToShared(OwnCpu());
  _exit(0);
}

struct Gathering Gather(void) {
  struct Gathering gathering;
  if (pipe(gathering.fd) != 0) Cannot("pipe");
  return gathering;
}

void AwaitAll(struct Gathering gathering) {
  char byte;
  close(gathering.fd[1]);
  while (read(gathering.fd[0], &byte, 1) < 0 && errno == EINTR) continue;
  close(gathering.fd[0]);
}

pid_t Fork(void) {
  const pid_t child = fork();
  if (child < 0) Cannot("fork");
  return child;
}

void ExitThread(void) {
  for (;;) syscall(SYS_exit, 0);
}

int main(int argc, char** argv) {
  if (argc < 2) return kNoCase;
  // Huge pages would give more than is touched.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  shared_cpu = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared_cpu == MAP_FAILED) Cannot("mmap");
  for (size_t i = 0; i < sizeof(kFamilies) / sizeof(kFamilies[0]); ++i) {
    for (const struct Case* each = kFamilies[i]; each->name != NULL; ++each) {
      if (strcmp(argv[1], each->name) == 0) return each->run(argc - 1, argv + 1);
    }
  }
  return kNoCase;
}
