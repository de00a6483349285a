// SPDX-License-Identifier: Apache-2.0
// Programs that wait for ever and use nothing.
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

#include "corpus.h"

static int Sleep(int argc, char** argv) {
  Nap(Argument(argc, argv, 1, 60000000000u));
  return 0;
}

static int Pause(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (;;) pause();
  return kCannot;
}

static int DeafPause(int argc, char** argv) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  return Pause(argc, argv);
}

// Takes a lock that it holds.
static int Deadlock(int argc, char** argv) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  (void)argc;
  (void)argv;
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&mutex);
  return kCannot;
}

static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t both;

static void* TakeInOrder(void* first) {
  const size_t index = (size_t)(uintptr_t)first;
  pthread_mutex_lock(&locks[index]);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&locks[1 - index]);
  return NULL;
}

// Two threads, two locks, each in another order.
static int CrossedLocks(int argc, char** argv) {
  pthread_t thread;
  (void)argc;
  (void)argv;
  pthread_barrier_init(&both, NULL, 2);
  if (pthread_create(&thread, NULL, TakeInOrder, (void*)1) != 0) Cannot("pthread_create");
  TakeInOrder((void*)0);
  return kCannot;
}

static int ReadOwnPipe(int argc, char** argv) {
  const struct Gathering gathering = Gather();
  char byte;
  (void)argc;
  (void)argv;
  return read(gathering.fd[0], &byte, 1) == 0 ? kCannot : kCannot + 1;
}

static int FillOwnPipe(int argc, char** argv) {
  static char bytes[kPage];
  const struct Gathering gathering = Gather();
  (void)argc;
  (void)argv;
  while (write(gathering.fd[1], bytes, sizeof(bytes)) > 0) continue;
  return kCannot;
}

// Reads its input to the end and says how much there was.
static int CountInput(int argc, char** argv) {
  static char bytes[16 * kPage];
  uint64_t count = 0;
  for (;;) {
    const ssize_t got = read(0, bytes, sizeof(bytes));
    if (got < 0) Cannot("read");
    if (got == 0) break;
    count += (uint64_t)got;
  }
  return count == Argument(argc, argv, 1, 0) ? 0 : kCannot;
}

static int Poll(int argc, char** argv) {
  const struct Gathering gathering = Gather();
  struct pollfd wanted = {gathering.fd[0], POLLIN, 0};
  (void)argc;
  (void)argv;
  return poll(&wanted, 1, -1) == 1 ? kCannot : kCannot + 1;
}

static int Epoll(int argc, char** argv) {
  struct epoll_event event;
  const int epoll = epoll_create1(0);
  (void)argc;
  (void)argv;
  return epoll_wait(epoll, &event, 1, -1) == 1 ? kCannot : kCannot + 1;
}

// Waits for a child that waits.
static int WaitForChild(int argc, char** argv) {
  for (uint64_t i = Argument(argc, argv, 1, 1); i > 0; --i) {
    if (Fork() == 0) Pause(argc, argv);
  }
  while (wait(NULL) > 0) continue;
  return kCannot;
}

static void* PauseThread(void* unused) {
  (void)unused;
  for (;;) pause();
  return NULL;
}

static int JoinThreads(int argc, char** argv) {
  pthread_t thread;
  for (uint64_t i = Argument(argc, argv, 1, 4); i > 0; --i) {
    if (pthread_create(&thread, NULL, PauseThread, NULL) != 0) Cannot("pthread_create");
  }
  pthread_join(thread, NULL);
  return kCannot;
}

// Works a little, then waits.
static int BurnAndPause(int argc, char** argv) {
  BurnUntil(Argument(argc, argv, 1, 0));
  return Pause(argc, argv);
}

const struct Case kWaitCases[] = {
    {"sleep", Sleep},
    {"pause", Pause},
    {"deaf-pause", DeafPause},
    {"deadlock", Deadlock},
    {"crossed-locks", CrossedLocks},
    {"read-own-pipe", ReadOwnPipe},
    {"fill-own-pipe", FillOwnPipe},
    {"count-input", CountInput},
    {"poll", Poll},
    {"epoll", Epoll},
    {"wait-for-child", WaitForChild},
    {"join-threads", JoinThreads},
    {"burn-and-pause", BurnAndPause},
    {NULL, NULL},
};
