// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "payload_usage.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long Argument(char** argv, int index, long otherwise) {
  for (int i = 0; i <= index; ++i) {
    if (argv[i] == NULL) return otherwise;
  }
  return atol(argv[index]);
}

static void UseCpu(clockid_t clock, long milliseconds) {
  struct timespec used;
  do {
    clock_gettime(clock, &used);
  } while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < milliseconds);
}

static void Pause(long milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&left, NULL);
}

int Burn(char** argv) {
  UseCpu(CLOCK_PROCESS_CPUTIME_ID, Argument(argv, 2, 100));
  return 0;
}

static void* BurnInThread(void* milliseconds) {
  UseCpu(CLOCK_THREAD_CPUTIME_ID, *(const long*)milliseconds);
  return NULL;
}

static int BurnThreads(long count, long milliseconds) {
  pthread_t threads[16];
  if (count > 16) return 2;
  for (long i = 0; i < count; ++i) {
    if (pthread_create(&threads[i], NULL, BurnInThread, &milliseconds) != 0) return 3;
  }
  for (long i = 0; i < count; ++i) pthread_join(threads[i], NULL);
  return 0;
}

// One of the tree. `done` is closed by its end, or told when it has to be killed first.
static void BurnAsChild(const char* kind, long milliseconds, int done) {
  if (strcmp(kind, "orphans") == 0 || strcmp(kind, "daemons") == 0) {
    if (strcmp(kind, "daemons") == 0) {
      setsid();
      for (int fd = 0; fd <= 2; ++fd) close(fd);
    }
    if (fork() != 0) _exit(0);
  }
  UseCpu(CLOCK_PROCESS_CPUTIME_ID, milliseconds);
  if (strcmp(kind, "killed") == 0) {
    if (write(done, "k", 1) != 1) _exit(3);
    for (;;) Pause(1000000);
  }
  _exit(0);
}

int BurnTree(char** argv) {
  const char* kind = argv[2];
  const long count = Argument(argv, 3, 2);
  const long milliseconds = Argument(argv, 4, 50);
  if (strcmp(kind, "threads") == 0) return BurnThreads(count, milliseconds);
  int done[2];
  pid_t children[16];
  char told;
  if (count > 16 || pipe(done) != 0) return 2;
  if (strcmp(kind, "ignored") == 0) signal(SIGCHLD, SIG_IGN);
  for (long i = 0; i < count; ++i) {
    children[i] = fork();
    if (children[i] < 0) return 3;
    if (children[i] == 0) {
      close(done[0]);
      BurnAsChild(kind, milliseconds, done[1]);
    }
  }
  close(done[1]);
  if (strcmp(kind, "killed") == 0) {
    for (long i = 0; i < count; ++i) {
      if (read(done[0], &told, 1) != 1) return 4;
    }
    for (long i = 0; i < count; ++i) kill(children[i], SIGKILL);
  }
  // The end of the pipe is the end of the last of them, whoever its parent is.
  if (read(done[0], &told, 1) != 0) return 5;
  if (strcmp(kind, "waited") == 0 || strcmp(kind, "killed") == 0) {
    while (wait(NULL) > 0) continue;
  }
  return 0;
}

int Hold(char** argv) {
  const size_t size = (size_t)Argument(argv, 3, 1) << 20;
  char* bytes = NULL;
  if (strcmp(argv[2], "anon") == 0) {
    bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  } else {
    const int fd = open("/work/held", O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) return 3;
    bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (bytes == MAP_FAILED) return 4;
  memset(bytes, 'h', size);
  for (volatile int on = 1; on;) continue;
  return 0;
}

int Raise(char** argv) {
  raise((int)Argument(argv, 2, SIGTERM));
  return 0;
}

int SeekBeyond(char** argv) {
  const int fd = open(argv[2], O_WRONLY | O_CREAT, 0600);
  return pwrite(fd, "x", 1, (off_t)Argument(argv, 3, 0)) == 1 ? 0 : 3;
}

int Metronome(char** argv) {
  for (long i = 0; i < Argument(argv, 3, 10); ++i) {
    if (write(1, ".", 1) != 1) return 3;
    Pause(Argument(argv, 2, 100));
  }
  return 0;
}

int Trickle(char** argv) {
  const long step = Argument(argv, 2, 100);
  for (long i = 1; i <= Argument(argv, 3, 10); ++i) {
    UseCpu(CLOCK_PROCESS_CPUTIME_ID, i * step / 5);
    Pause(step - step / 5);
  }
  return 0;
}

int WaitInVfork(char** argv) {
  (void)argv;
  const pid_t child = vfork();
  if (child == 0) {
    for (;;) Pause(1000000);
  }
  return 3;
}

int Switches(char** argv) {
  for (long i = 0; i < Argument(argv, 2, 100); ++i) Pause(1);
  return 0;
}
