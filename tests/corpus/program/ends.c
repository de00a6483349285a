// SPDX-License-Identifier: Apache-2.0
// How programs end: codes, signals, faults, calls that a filter kills for.
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "corpus.h"

static int Exit(int argc, char** argv) { return (int)Argument(argc, argv, 1, 0); }

static int Raise(int argc, char** argv) {
  const int number = (int)Argument(argc, argv, 1, SIGKILL);
  signal(number, SIG_DFL);
  raise(number);
  return kCannot;
}

static int NullPointer(int argc, char** argv) {
  (void)argc;
  (void)argv;
  *(volatile int*)(uintptr_t)8 = 1;
  return kCannot;
}

static int Divide(int argc, char** argv) {
  volatile int zero = argv == NULL;
  volatile int quotient = argc / zero;
  return quotient;
}

static int Abort(int argc, char** argv) {
  (void)argc;
  (void)argv;
  abort();
}

static int IllegalInstruction(int argc, char** argv) {
  (void)argc;
  (void)argv;
  __builtin_trap();
}

// A page of a mapped file that the file does not have.
static int BeyondFile(int argc, char** argv) {
  (void)argc;
  (void)argv;
  const int fd = open("/work/short", O_RDWR | O_CREAT, 0600);
  volatile char* bytes = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (bytes == MAP_FAILED) Cannot("mmap of a file");
  bytes[0] = 1;
  return kCannot;
}

static int Overflow(uint64_t depth) {
  volatile char frame[kPage];
  frame[0] = (char)depth;
  return depth == 0 ? 0 : Overflow(depth - 1) + frame[0];
}

static int StackOverflow(int argc, char** argv) {
  (void)argc;
  (void)argv;
  const struct rlimit small = {1 << 20, 1 << 20};
  if (setrlimit(RLIMIT_STACK, &small) != 0) Cannot("setrlimit");
  return Overflow(1 << 20);
}

static int Alarm(int argc, char** argv) {
  const int which = (int)Argument(argc, argv, 1, ITIMER_REAL);
  const struct itimerval soon = {{0, 0}, {0, 20000}};
  if (setitimer((__itimer_which_t)which, &soon, NULL) != 0) Cannot("setitimer");
  if (which == ITIMER_REAL) Nap(60000000000u);
  for (;;) continue;
}

static int BrokenPipe(int argc, char** argv) {
  (void)argc;
  (void)argv;
  int ends[2];
  if (pipe(ends) != 0) Cannot("pipe");
  close(ends[0]);
  return write(ends[1], "x", 1) == 1 ? kCannot : 3;
}

static void* ExitAll(void* code) {
  Nap(5000000);
  exit((int)(intptr_t)code);
}

// A thread ends the whole process while the first one waits.
static int ExitFromThread(int argc, char** argv) {
  pthread_t thread;
  void* code = (void*)(intptr_t)Argument(argc, argv, 1, 9);
  if (pthread_create(&thread, NULL, ExitAll, code) != 0) Cannot("pthread_create");
  for (;;) pause();
  return kCannot;
}

// The first thread is gone when the process ends.
static int LeaderLeaves(int argc, char** argv) {
  pthread_t thread;
  void* code = (void*)(intptr_t)Argument(argc, argv, 1, 17);
  if (pthread_create(&thread, NULL, ExitAll, code) != 0) Cannot("pthread_create");
  ExitThread();
}

static void* Fault(void* unused) {
  (void)unused;
  *(volatile int*)(uintptr_t)8 = 1;
  return NULL;
}

static int FaultInThread(int argc, char** argv) {
  (void)argc;
  (void)argv;
  pthread_t thread;
  if (pthread_create(&thread, NULL, Fault, NULL) != 0) Cannot("pthread_create");
  pthread_join(thread, NULL);
  return kCannot;
}

static void* ExecNow(void* code) {
  execl("/proc/self/exe", "corpus", "exit", (char*)code, NULL);
  return NULL;
}

static int ExecFromThread(int argc, char** argv) {
  pthread_t thread;
  void* code = argc > 1 ? argv[1] : "18";
  if (pthread_create(&thread, NULL, ExecNow, code) != 0) Cannot("pthread_create");
  pthread_join(thread, NULL);
  return kCannot;
}

// Its child dies of a fault; that is the program's business as long as it copes.
static int ChildFaults(int argc, char** argv) {
  (void)argc;
  (void)argv;
  int status = 0;
  const pid_t child = Fork();
  if (child == 0) Fault(NULL);
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? 6 : kCannot;
}

// Faults in its own handler of the fault.
static void FaultAgain(int number) {
  signal(number, SIG_DFL);
  Fault(NULL);
}

static int FaultInHandler(int argc, char** argv) {
  (void)argc;
  (void)argv;
  signal(SIGSEGV, FaultAgain);
  Fault(NULL);
  return kCannot;
}

static int Call(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "";
  if (strcmp(name, "ptrace") == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
  } else if (strcmp(name, "mount") == 0) {
    syscall(SYS_mount, "none", "/work", "tmpfs", 0, "");
  } else if (strcmp(name, "socket") == 0) {
    socket(AF_INET, SOCK_STREAM, 0);
  } else if (strcmp(name, "bpf") == 0) {
    syscall(SYS_bpf, 0, 0, 0);
  } else if (strcmp(name, "unix") == 0) {
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EACCES ? 0 : kCannot;
  } else if (strcmp(name, "unknown") == 0) {
    return syscall(9999) < 0 && errno == ENOSYS ? 0 : kCannot;
  }
  return kCannot;
}

static void* CallInThread(void* unused) {
  (void)unused;
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  return NULL;
}

static int ThreadCalls(int argc, char** argv) {
  (void)argc;
  (void)argv;
  pthread_t thread;
  if (pthread_create(&thread, NULL, CallInThread, NULL) != 0) Cannot("pthread_create");
  pthread_join(thread, NULL);
  return kCannot;
}

static int ChildCalls(int argc, char** argv) {
  int status = 0;
  const pid_t child = Fork();
  if (child == 0) _exit(Call(argc, argv));
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? 12 : kCannot;
}

// Bytes of all arguments after the first.
static int Arguments(int argc, char** argv) {
  uint64_t bytes = 0;
  for (int i = 2; i < argc; ++i) bytes += strlen(argv[i]);
  return bytes == Argument(argc, argv, 1, 0) ? 0 : kCannot;
}

const struct Case kEndCases[] = {
    {"exit", Exit},
    {"raise", Raise},
    {"null", NullPointer},
    {"divide", Divide},
    {"abort", Abort},
    {"illegal", IllegalInstruction},
    {"beyond-file", BeyondFile},
    {"stack-overflow", StackOverflow},
    {"alarm", Alarm},
    {"broken-pipe", BrokenPipe},
    {"exit-from-thread", ExitFromThread},
    {"leader-leaves", LeaderLeaves},
    {"fault-in-thread", FaultInThread},
    {"exec-from-thread", ExecFromThread},
    {"child-faults", ChildFaults},
    {"fault-in-handler", FaultInHandler},
    {"call", Call},
    {"thread-calls", ThreadCalls},
    {"child-calls", ChildCalls},
    {"arguments", Arguments},
    {NULL, NULL},
};
