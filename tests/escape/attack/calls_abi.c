// SPDX-License-Identifier: Apache-2.0
// The other doors to the kernel: i386, x32, the vsyscall page, numbers that are none; and the ways
// around a filter that threads, exec and handlers might offer.
#include <pthread.h>
#include <setjmp.h>
#include <sys/prctl.h>
#include <ucontext.h>

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

// getpid of i386 in the 32-bit code segment, then a far jump back and `ret` in 64 bits; NULL with
// errno when there is no memory for it.
static void* Code32(void) {
  static const unsigned char code[] = {
      0xb8, 20,   0, 0, 0,           // mov eax, getpid
      0xcd, 0x80,                    // int 0x80
      0xea, 0,    0, 0, 0, 0x33, 0,  // jmp 0x33:back
      0xc3,                          // back: ret
  };
  unsigned char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (page == MAP_FAILED) return NULL;
  memcpy(page, code, sizeof(code));
  const unsigned back = (unsigned)(uintptr_t)page + sizeof(code) - 1;
  memcpy(page + 8, &back, sizeof(back));
  return page;
}

// By a far return. The stack lies where 32 bits reach it.
static uint64_t own_stack __attribute__((used));

static long FarGetpid(void) {
  char* page = Code32();
  if (page == NULL) return -1;
  long result;
  __asm__ volatile(
      "movq %%rsp, own_stack(%%rip)\n\t"
      "leaq 4096(%[page]), %%rsp\n\t"
      "leaq 1f(%%rip), %%rcx\n\t"
      "pushq %%rcx\n\t"
      "pushq $0x23\n\t"
      "pushq %[page]\n\t"
      "lretq\n"
      "1:\n\t"
      "movq own_stack(%%rip), %%rsp"
      : "=&a"(result)
      : [page] "d"(page)
      : "rcx", "rbx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
  return (int)result > 0 ? 0 : -1;
}

// By a signal frame whose code segment was changed.
static sigjmp_buf landing;
static void* frame_code;
static volatile int frame_result;

static void Landed(void) {
  long result;
  __asm__ volatile("" : "=a"(result));
  frame_result = (int)result;
  siglongjmp(landing, 1);
}

static void ForgeFrame(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number, (void)info;
  static uint64_t stack[4096];
  greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  stack[2048] = (uint64_t)(uintptr_t)Landed;
  registers[REG_RSP] = (greg_t)(uintptr_t)&stack[2048];
  registers[REG_RIP] = (greg_t)(uintptr_t)frame_code;
  registers[REG_CSGSFS] = (registers[REG_CSGSFS] & ~0xffffL) | 0x23;
}

static long FrameGetpid(void) {
  frame_code = Code32();
  if (frame_code == NULL) return -1;
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_sigaction = ForgeFrame;
  action.sa_flags = SA_SIGINFO;
  if (sigaction(SIGUSR1, &action, NULL) != 0) return -1;
  if (sigsetjmp(landing, 1) == 0) raise(SIGUSR1);
  return frame_result > 0 ? 0 : -1;
}

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
    {"far_getpid", FarGetpid},
    {"frame_getpid", FrameGetpid},
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
  if (strcmp(argv[1], "queue") == 0) {
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_code = SI_QUEUE;
    syscall(SYS_rt_sigqueueinfo, getpid(), SIGSYS, &info);
  }
  if (strcmp(argv[1], "child-sends") == 0 && fork() == 0) {
    kill(getppid(), SIGSYS);
    _exit(0);
  }
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
