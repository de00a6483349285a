// SPDX-License-Identifier: Apache-2.0
// CPU time of one process: in user space, in the kernel, in threads. argv[1] is the total.
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include "corpus.h"

static uint64_t Total(int argc, char** argv) { return Argument(argc, argv, 1, 100000000); }

static int Burn(int argc, char** argv) { return Finish(Total(argc, argv)); }

static int Getpid(int argc, char** argv) {
  while (OwnCpu() < Total(argc, argv)) {
    for (int i = 0; i < 200; ++i) syscall(SYS_getppid);
  }
  return Finish(Total(argc, argv));
}

static int ReadZeros(int argc, char** argv) {
  static char bytes[16 * kPage];
  const int zeros = open("/dev/zero", O_RDONLY);
  if (zeros < 0) Cannot("/dev/zero");
  while (OwnCpu() < Total(argc, argv)) {
    if (read(zeros, bytes, sizeof(bytes)) < 0) Cannot("read");
  }
  return Finish(Total(argc, argv));
}

// Maps, touches and unmaps: faults and tear-down, all of it the kernel's work.
static int MapUnmap(int argc, char** argv) {
  const size_t size = 16 * kPage;
  while (OwnCpu() < Total(argc, argv)) {
    char* bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) Cannot("mmap");
    for (size_t at = 0; at < size; at += kPage) bytes[at] = 1;
    munmap(bytes, size);
  }
  return Finish(Total(argc, argv));
}

static void Nothing(int number) { (void)number; }

static int Signals(int argc, char** argv) {
  signal(SIGUSR1, Nothing);
  while (OwnCpu() < Total(argc, argv)) raise(SIGUSR1);
  return Finish(Total(argc, argv));
}

// Interrupted a thousand times a second.
static int Ticks(int argc, char** argv) {
  const struct itimerval often = {{0, 1000}, {0, 1000}};
  const struct itimerval never = {{0, 0}, {0, 0}};
  signal(SIGALRM, Nothing);
  setitimer(ITIMER_REAL, &often, NULL);
  BurnUntil(Total(argc, argv) / 2);
  setitimer(ITIMER_REAL, &never, NULL);
  return Finish(Total(argc, argv));
}

// Works and rests in turn: what rests is not counted.
static int Naps(int argc, char** argv) {
  for (uint64_t part = 1; part <= 10; ++part) {
    BurnUntil(Total(argc, argv) / 10 * part);
    Nap(2000000);
  }
  return Finish(Total(argc, argv));
}

// Goes from processor to processor.
static int Hops(int argc, char** argv) {
  for (int hop = 0; OwnCpu() < Total(argc, argv); ++hop) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(hop % 2, &one);
    sched_setaffinity(0, sizeof(one), &one);  // refused where there is only one
    BurnUntil(OwnCpu() + 2000000);
  }
  return Finish(Total(argc, argv));
}

static int Disguised(int argc, char** argv) {
  prctl(PR_SET_NAME, "cordon-init", 0, 0, 0);
  kill(1, SIGKILL);
  kill(1, SIGSTOP);
  return Finish(Total(argc, argv));
}

// Deaf to all that can be refused.
static int Deaf(int argc, char** argv) {
  sigset_t all;
  sigfillset(&all);
  for (int number = 1; number < 65; ++number) signal(number, SIG_IGN);
  sigprocmask(SIG_BLOCK, &all, NULL);
  return Finish(Total(argc, argv));
}

// Says every millisecond what it has used: what a program that is killed can still tell.
static int Telling(int argc, char** argv) {
  for (uint64_t next = 0; OwnCpu() < Total(argc, argv); next += 1000000) {
    BurnUntil(next);
    dprintf(1, "cpu_ns %llu\n", (unsigned long long)OwnCpu());
  }
  return 0;
}

// Itself again and again; a process keeps its clock over exec.
static int ExecChain(int argc, char** argv) {
  const uint64_t left = Argument(argc, argv, 2, 4);
  char less[24];
  if (left == 0) return Finish(Total(argc, argv));
  BurnUntil(Total(argc, argv) / 8 * (5 - left % 5));
  snprintf(less, sizeof(less), "%llu", (unsigned long long)left - 1);
  execl("/proc/self/exe", "corpus", "exec-chain", argv[1], less, NULL);
  Cannot("exec");
}

static int ExecForever(int argc, char** argv) {
  (void)argc;
  (void)argv;
  BurnThread(1000000);
  execl("/proc/self/exe", "corpus", "exec-forever", NULL);
  Cannot("exec");
}

static void* BurnShare(void* share) {
  BurnThread((uint64_t)(uintptr_t)share);
  return NULL;
}

static pthread_t Start(void* (*run)(void*), uint64_t share) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, (void*)(uintptr_t)share) != 0) Cannot("pthread_create");
  return thread;
}

static int Threads(int argc, char** argv) {
  pthread_t threads[16];
  const uint64_t count = Argument(argc, argv, 2, 4);
  for (uint64_t i = 0; i < count; ++i) {
    threads[i] = Start(BurnShare, Total(argc, argv) / (count + 1));
  }
  for (uint64_t i = 0; i < count; ++i) pthread_join(threads[i], NULL);
  return Finish(Total(argc, argv));
}

// Many threads, one after the other, each short.
static int ThreadStorm(int argc, char** argv) {
  const uint64_t share = Total(argc, argv) / 100;
  for (int i = 0; i < 50; ++i) pthread_join(Start(BurnShare, share), NULL);
  return Finish(Total(argc, argv));
}

static int shares_done;

static void* BurnAndStay(void* share) {
  BurnThread((uint64_t)(uintptr_t)share);
  __atomic_add_fetch(&shares_done, 1, __ATOMIC_ACQ_REL);
  for (;;) pause();
  return NULL;
}

// Exits while its threads are there.
static int ThreadsStay(int argc, char** argv) {
  for (int i = 0; i < 3; ++i) Start(BurnAndStay, Total(argc, argv) / 4);
  while (__atomic_load_n(&shares_done, __ATOMIC_ACQUIRE) < 3) Nap(1000000);
  return Finish(Total(argc, argv));
}

static void* FinishLater(void* total) {
  Nap(5000000);
  exit(Finish((uint64_t)(uintptr_t)total));
}

// The first thread burns and leaves; what it used stays in the process's account.
static int LeaderBurns(int argc, char** argv) {
  Start(FinishLater, Total(argc, argv));
  BurnThread(Total(argc, argv) / 2);
  ExitThread();
}

static void* BurnForever(void* unused) {
  (void)unused;
  for (;;) BurnThread(1000000000);
  return NULL;
}

// The first thread sleeps while another one works.
static int SleepingLeader(int argc, char** argv) {
  (void)argc;
  (void)argv;
  Start(BurnForever, 0);
  for (;;) pause();
  return kCannot;
}

static void InHandler(int number) {
  (void)number;
  for (;;) continue;
}

static int BurnInHandler(int argc, char** argv) {
  (void)argc;
  (void)argv;
  signal(SIGUSR1, InHandler);
  raise(SIGUSR1);
  return kCannot;
}

const struct Case kCpuCases[] = {
    {"burn", Burn},
    {"getpid", Getpid},
    {"read-zeros", ReadZeros},
    {"map-unmap", MapUnmap},
    {"signals", Signals},
    {"ticks", Ticks},
    {"naps", Naps},
    {"hops", Hops},
    {"disguised", Disguised},
    {"deaf", Deaf},
    {"telling", Telling},
    {"exec-chain", ExecChain},
    {"exec-forever", ExecForever},
    {"threads", Threads},
    {"thread-storm", ThreadStorm},
    {"threads-stay", ThreadsStay},
    {"leader-burns", LeaderBurns},
    {"sleeping-leader", SleepingLeader},
    {"burn-in-handler", BurnInHandler},
    {NULL, NULL},
};
