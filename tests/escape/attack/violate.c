// SPDX-License-Identifier: Apache-2.0
// Ways to make a call that ends the job, and to keep it from doing so. The call is mkdir below a
// folder of the host, so that everybody can see whether it happened.
#include "attack.h"

#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>

static char folder[4096];

static long Make(const char* name) {
  char path[8192];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  return syscall(SYS_mkdir, path, 0755);
}

static int Plain(void) {
  puts("ready");
  fflush(stdout);
  Nap(300);
  Make("plain");
  return 7;
}

static void* Work(void* unused) {
  (void)unused;
  for (volatile unsigned long i = 0;; ++i) {
    if (i % 1000000 == 0) (void)getppid();
  }
  return NULL;
}

static void* MakeInThread(void* unused) {
  (void)unused;
  Nap(50);
  Make("thread");
  return NULL;
}

static int Threads(void) {
  pthread_t threads[5];
  for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, Work, NULL);
  pthread_create(&threads[4], NULL, MakeInThread, NULL);
  pthread_join(threads[4], NULL);
  return 7;
}

// Fifty at once, each of them again and again.
static int Storm(void) {
  int gate[2];
  if (pipe(gate) != 0) return 4;
  for (int i = 0; i < 50; ++i) {
    if (fork() != 0) continue;
    char byte;
    char name[32];
    close(gate[1]);
    (void)!read(gate[0], &byte, 1);
    for (int k = 0; k < 20; ++k) {
      snprintf(name, sizeof(name), "storm-%d-%d", i, k);
      Make(name);
    }
    _exit(0);
  }
  close(gate[1]);
  close(gate[0]);
  while (wait(NULL) > 0 || errno == EINTR) continue;
  return 7;
}

static int Vfork(void) {
  const pid_t child = vfork();
  if (child == 0) {
    Make("vfork");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return 7;
}

// The child is stopped on its way into the call and out of it, by its own parent, which also sends
// it signals while it waits.
static int Tracee(void) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(5);
    raise(SIGSTOP);
    for (int i = 0; i < 100; ++i) Make("tracee");
    _exit(0);
  }
  int status = 0;
  for (int stops = 0; waitpid(child, &status, 0) == child && WIFSTOPPED(status); ++stops) {
    if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) != 0) return 6;
    Nap(stops < 4 ? 20 : 0);
    kill(child, SIGURG);
  }
  return 7;
}

static void Nothing(int number) { (void)number; }

// A timer interrupts whatever waits, as often as it can; argument "restart" as programs mostly have
// it. Tries until it is stopped from outside, or for two seconds.
static int Signals(int restarts) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = Nothing;
  action.sa_flags = restarts ? SA_RESTART : 0;
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval often = {{0, 30}, {0, 30}};
  setitimer(ITIMER_REAL, &often, NULL);
  const time_t begin = time(NULL);
  long tries = 0;
  while (time(NULL) < begin + 3) {
    if (Make("signals") == 0) break;
    ++tries;
  }
  printf("tries %ld\n", tries);
  return 7;
}

static void* Answer(void* unused) {
  (void)unused;
  for (;;) {
    for (int fd = 0; fd < 64; ++fd) {
      struct seccomp_notif request;
      struct seccomp_notif_resp answer;
      memset(&request, 0, sizeof(request));
      memset(&answer, 0, sizeof(answer));
      if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) continue;
      answer.id = request.id;
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
      ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
  }
  return NULL;
}

// Looks for a listener in each descriptor, in those of init and of its own threads, and answers
// for the supervisor.
static int Steal(void) {
  const long init = syscall(SYS_pidfd_open, 1, 0);
  for (int fd = 0; init >= 0 && fd < 64; ++fd) syscall(SYS_pidfd_getfd, init, fd, 0);
  for (int fd = 0; fd < 64; ++fd) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/1/fd/%d", fd);
    (void)open(path, O_RDWR);
    char leads[256] = "";
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (readlink(path, leads, sizeof(leads) - 1) > 0 && strstr(leads, "seccomp") != NULL) {
      printf("listener %d\n", fd);
    }
  }
  fflush(stdout);
  pthread_t thread;
  pthread_create(&thread, NULL, Answer, NULL);
  Nap(50);
  Make("steal");
  return 7;
}

static int Violate(int argc, char** argv) {
  if (argc < 3) return 98;
  snprintf(folder, sizeof(folder), "%s", argv[2]);
  if (strcmp(argv[1], "plain") == 0) return Plain();
  if (strcmp(argv[1], "threads") == 0) return Threads();
  if (strcmp(argv[1], "storm") == 0) return Storm();
  if (strcmp(argv[1], "vfork") == 0) return Vfork();
  if (strcmp(argv[1], "tracee") == 0) return Tracee();
  if (strcmp(argv[1], "signals") == 0) return Signals(0);
  if (strcmp(argv[1], "signals-restart") == 0) return Signals(1);
  if (strcmp(argv[1], "steal") == 0) return Steal();
  return 98;
}

// loud-name NAME COUNT: refused so often under that name, then killed.
static int LoudName(int argc, char** argv) {
  if (argc < 3) return 98;
  prctl(PR_SET_NAME, argv[1], 0, 0, 0);
  for (long i = atol(argv[2]); i > 0; --i) syscall(SYS_socket, 1, 1, 0);
  syscall(SYS_bpf, 0, scratch, 0);
  return 0;
}

const struct Attack kViolationAttacks[] = {
    {"violate", Violate}, {"loud-name", LoudName}, {NULL, NULL}};
