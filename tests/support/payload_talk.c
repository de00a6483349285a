// SPDX-License-Identifier: Apache-2.0
// Programs that talk to another sandbox over stdin and stdout: polite ones, and those that wait in
// every way there is, which a detector of deadlocks must tell apart.
#define _GNU_SOURCE
#include "payload_talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kLong = 1000000 };  // seconds

static void Ignore(int number) { (void)number; }

static void Abort(int number) {
  (void)number;
  abort();
}

// To the end of the input.
static int Drain(void) {
  char block[4096];
  for (;;) {
    const ssize_t got = read(0, block, sizeof(block));
    if (got == 0) return 0;
    if (got < 0 && errno != EINTR) return 4;
  }
}

static void* DrainInThread(void* unused) {
  (void)unused;
  Drain();
  return NULL;
}

static void Pause(void) {
  const struct timespec time = {kLong, 0};
  nanosleep(&time, NULL);
}

static int WaitWithTimer(const char* how) {
  const struct itimerspec late = {{0, 0}, {kLong, 0}};
  if (strcmp(how, "alarm_handled") == 0) {
    const struct sigaction action = {.sa_handler = Ignore};
    sigaction(SIGALRM, &action, NULL);
    alarm(kLong);
  } else if (strcmp(how, "timer") == 0) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return 3;
    timer_settime(timer, 0, &late, NULL);
  } else {  // timerfd
    const int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct pollfd both[2] = {{0, POLLIN, 0}, {fd, POLLIN, 0}};
    if (fd < 0) return 3;
    timerfd_settime(fd, 0, &late, NULL);
    poll(both, 2, -1);
  }
  return Drain();
}

static int WaitInPoll(const char* how) {
  struct pollfd one = {0, POLLIN, 0};
  if (strcmp(how, "poll") == 0) {
    poll(&one, 1, -1);
  } else if (strcmp(how, "poll_timeout") == 0) {
    poll(&one, 1, kLong * 1000);
  } else if (strcmp(how, "select") == 0) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(0, &set);
    select(1, &set, NULL, NULL, NULL);
  } else {  // epoll
    struct epoll_event event = {.events = EPOLLIN};
    const int epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    epoll_wait(epoll, &event, 1, -1);
    close(epoll);
  }
  return Drain();
}

static int WaitForOther(const char* how) {
  if (strcmp(how, "thread") == 0) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, DrainInThread, NULL) != 0) return 3;
    pthread_join(thread, NULL);
    return 0;
  }
  if (strcmp(how, "later_child") == 0) {  // behind the first byte of the input
    char byte;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);  // where Yama is: not only its ancestors
    if (read(0, &byte, 1) != 1) return 3;
  }
  const pid_t pid = fork();
  if (pid < 0) return 3;
  if (pid == 0) {
    if (strcmp(how, "sleeping_child") == 0 || strcmp(how, "later_child") == 0) Pause();
    if (strcmp(how, "spinning_child") == 0) {
      for (volatile int on = 1; on;) continue;
    }
    _exit(Drain());
  }
  if (strcmp(how, "child") == 0) waitpid(pid, NULL, 0);
  return Drain();
}

// Waits for its input in the way that argv[2] names; exit code 0 at the end of the input.
int TalkWait(char** argv) {
  const char* how = argv[2];
  static const char* const kPolls[] = {"poll", "poll_timeout", "select", "epoll"};
  static const char* const kTimers[] = {"alarm_handled", "timer", "timerfd"};
  static const char* const kOthers[] = {"thread", "child", "sleeping_child", "spinning_child",
                                        "later_child"};
  for (size_t i = 0; i < 5; ++i) {
    if (strcmp(how, kOthers[i]) == 0) return WaitForOther(how);
    if (i < 4 && strcmp(how, kPolls[i]) == 0) return WaitInPoll(how);
    if (i < 3 && strcmp(how, kTimers[i]) == 0) return WaitWithTimer(how);
  }
  if (strcmp(how, "sleep") == 0) Pause();
  if (strcmp(how, "stop") == 0) raise(SIGSTOP);
  if (strcmp(how, "spin") == 0) {
    for (volatile int on = 1; on;) continue;
  }
  if (strcmp(how, "pause") == 0) pause();
  if (strcmp(how, "alarm") == 0) alarm(kLong);  // without a handler: it would only kill
  if (strcmp(how, "fifo") == 0) {               // in a folder where others could write to it
    const int fd = mkfifo(argv[3], 0600) == 0 ? open(argv[3], O_RDWR) : -1;
    char byte;
    if (fd < 0 || read(fd, &byte, 1) < 0) return 3;
  }
  if (strcmp(how, "sockets") == 0) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 3;
  }
  return Drain();
}

// argv[2] times: a byte out, a byte in. 5 when the other one is gone before.
int TalkAsk(char** argv) {
  char byte = 'x';
  signal(SIGPIPE, SIG_IGN);
  for (long left = atol(argv[2]); left > 0; --left) {
    if (write(1, &byte, 1) != 1) return 5;
    if (read(0, &byte, 1) != 1) return 5;
  }
  return 0;
}

// Closes the descriptor argv[2]; then, with argv[3] "read", reads to the end; with "write", writes
// until it fails; else sleeps so many milliseconds. Ends with argv[4].
int TalkClose(char** argv) {
  const char* then = argv[3];
  const char block[512] = {0};
  signal(SIGPIPE, SIG_IGN);
  close(atoi(argv[2]));
  if (strcmp(then, "read") == 0) Drain();
  if (strcmp(then, "write") == 0) {
    while (write(1, block, sizeof(block)) > 0) continue;
  }
  const long milliseconds = atol(then);
  const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
  return argv[4] != NULL ? atoi(argv[4]) : 0;
}

// Writes argv[2] blocks of 4 KiB (0: without end), and dies of SIGPIPE when nobody reads; with
// argv[3] "abort" of SIGABRT then.
int TalkFlood(char** argv) {
  static char block[4096];
  if (argv[3] != NULL && strcmp(argv[3], "abort") == 0) signal(SIGPIPE, Abort);
  for (long i = 0, count = atol(argv[2]); count == 0 || i < count; ++i) {
    if (write(1, block, sizeof(block)) < 0) return 3;
  }
  return 0;
}

// Leaves a process that holds all ends of its stdio, and ends itself. With argv[2] "read" that one
// reads its input.
int TalkHold(char** argv) {
  if (fork() == 0) {
    setsid();
    if (argv[2] != NULL && strcmp(argv[2], "read") == 0) _exit(Drain());
    for (;;) Pause();
  }
  return 0;
}

// A byte each argv[3] milliseconds, argv[2] of them; what comes in is left alone.
int TalkSlow(char** argv) {
  const long milliseconds = atol(argv[3]);
  const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  for (long left = atol(argv[2]); left > 0; --left) {
    nanosleep(&time, NULL);
    if (write(1, "x", 1) != 1) return 6;
  }
  return 0;
}

// Ends with argv[2] as soon as a byte has come.
int TalkHear(char** argv) {
  char byte;
  return read(0, &byte, 1) == 1 ? atoi(argv[2]) : 5;
}

static void* PauseInThread(void* unused) {
  for (;;) Pause();
  return unused;
}

// The first thread leaves, another one stays.
int LeaveThread(char** argv) {
  pthread_t thread;
  (void)argv;
  if (pthread_create(&thread, NULL, PauseInThread, NULL) != 0) return 3;
  pthread_exit(NULL);
}
