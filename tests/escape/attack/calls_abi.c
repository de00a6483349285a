// SPDX-License-Identifier: Apache-2.0
// The other doors to the kernel: i386, x32, the vsyscall page, numbers that are none; and the ways
// around a filter that threads, exec and handlers might offer.
#include <pthread.h>
#include <sys/prctl.h>

#include "attack.h"

#define CALL(name, ...) \
  static long name(void) { return syscall(__VA_ARGS__); }

CALL(X32Getpid, 0x40000000UL | 39)
CALL(X32Openat, 0x40000000UL | 257, AT_FDCWD, "/", 0)
CALL(X32Execve, 0x40000000UL | 520, 0, 0, 0)
CALL(X32Ptrace, 0x40000000UL | 521, 0, 0, 0, 0)
CALL(Alias512, 512)
CALL(Alias520, 520)
CALL(Alias547, 547)
CALL(MinusOne, -1)
CALL(Number1023, 1023)
CALL(Number4095, 4095)
CALL(NumberHuge, 0x3fffffffUL)

// The kernel looks at the lower half: this is getpid, and no other call.
static long WideGetpid(void) {
  return syscall(0x100000000UL | SYS_getpid) == syscall(SYS_getpid) ? 0 : 1;
}
static long WidePtrace(void) { return syscall(0x100000000UL | SYS_ptrace, 0, 0, 0, 0); }

static long Int80(long number, long first) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first) : "memory");
  if (result >= 0 || result < -4095) return result;
  errno = (int)-result;
  return -1;
}
static long Int80Getpid(void) { return Int80(20, 0); }
static long Int80Exit(void) { return Int80(1, 0); }
static long Int80Socketcall(void) { return Int80(102, 1); }
static long Int80Clone(void) { return Int80(120, 0x10000000); }

static long Vsyscall(void) {
  struct timespec* now = (struct timespec*)scratch;
  return ((long (*)(void*, void*))0xffffffffff600000UL)(now, NULL);
}

const struct Probe kAbiProbes[] = {
    {"x32_getpid", X32Getpid},
    {"x32_openat", X32Openat},
    {"x32_execve", X32Execve},
    {"x32_ptrace", X32Ptrace},
    {"alias_512", Alias512},
    {"alias_520", Alias520},
    {"alias_547", Alias547},
    {"minus_one", MinusOne},
    {"number_1023", Number1023},
    {"number_4095", Number4095},
    {"number_huge", NumberHuge},
    {"wide_getpid", WideGetpid},
    {"wide_ptrace", WidePtrace},
    {"int80_getpid", Int80Getpid},
    {"int80_exit", Int80Exit},
    {"int80_socketcall", Int80Socketcall},
    {"int80_clone", Int80Clone},
    {"vsyscall", Vsyscall},
    {NULL, NULL},
};

static void* Violate(void* unused) {
  (void)unused;
  syscall(SYS_ptrace, 0, 0, 0, 0);
  return NULL;
}

// A thread breaks the rule, the process goes on and ends well.
static int ThreadViolates(int argc, char** argv) {
  (void)argc;
  (void)argv;
  pthread_t thread;
  if (pthread_create(&thread, NULL, Violate, NULL) != 0) return 3;
  pthread_join(thread, NULL);
  puts("survived");
  return 0;
}

static void OnSigsys(int signal) {
  (void)signal;
  puts("caught");
  fflush(stdout);
  _exit(0);
}

// SIGSYS is caught, blocked and ignored before the rule is broken.
static int CatchSigsys(int argc, char** argv) {
  (void)argc;
  sigset_t all;
  signal(SIGSYS, argv[1] != NULL ? SIG_IGN : OnSigsys);
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  syscall(SYS_ptrace, 0, 0, 0, 0);
  puts("survived");
  return 0;
}

// The filter stays over exec and in every child.
static int ViolateAfterExec(int argc, char** argv) {
  (void)argc;
  (void)argv;
  execl("/proc/self/exe", "attack", "here", "ptrace_me", NULL);
  return 4;
}

// Every number in a child of its own; those that reach the kernel are printed, one a line.
static int Sweep(int argc, char** argv) {
  if (argc < 3) return 98;
  for (long number = atol(argv[1]); number < atol(argv[2]); ++number) {
    if (number == SYS_exit || number == SYS_exit_group || number == SYS_vfork) continue;
    const pid_t child = fork();
    if (child == 0) {
      alarm(2);
      const long result = syscall(number, 0, 0, 0, 0, 0, 0);
      _exit(result < 0 && errno == ENOSYS ? 1 : 0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
      printf("%ld killed\n", number);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) {
      printf("%ld reached\n", number);
    }
  }
  return 0;
}

// Sends itself the signal that a broken rule would bring, in each way that there is.
static int FakeViolation(int argc, char** argv) {
  if (argc < 2) return 98;
  signal(SIGSYS, SIG_DFL);
  if (strcmp(argv[1], "kill") == 0) kill(getpid(), SIGSYS);
  if (strcmp(argv[1], "tgkill") == 0) syscall(SYS_tgkill, getpid(), getpid(), SIGSYS);
  if (strcmp(argv[1], "timer") == 0) {
    struct sigevent event;
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGSYS;
    timer_t timer;
    const struct itimerspec soon = {{0, 0}, {0, 1000000}};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return 5;
    timer_settime(timer, 0, &soon, NULL);
  }
  if (strcmp(argv[1], "child") == 0) {
    const long child = syscall(SYS_clone, SIGSYS, 0, 0, 0, 0);
    if (child == 0) _exit(0);
  }
  Nap(200);
  return 7;
}

const struct Attack kCallAttacks[] = {
    {"thread-violates", ThreadViolates},      {"catch-sigsys", CatchSigsys},
    {"violate-after-exec", ViolateAfterExec}, {"sweep", Sweep},
    {"fake-violation", FakeViolation},        {NULL, NULL},
};
