// SPDX-License-Identifier: Apache-2.0
// Attacks by processes: too many, too stubborn, too late; and against the init of the sandbox.
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "attack.h"

enum { kMostCopies = 253 };  // SCM_MAX_FD

// Forks until refused; prints how many there were, then all wait.
static int ForkBomb(int argc, char** argv) {
  (void)argc;
  (void)argv;
  long made = 0;
  for (;; ++made) {
    const pid_t child = fork();
    if (child < 0) break;
    if (child == 0) {
      for (;;) pause();
    }
    if (made > 5000) break;
  }
  printf("made %ld\n", made);
  return made > 0 ? 3 : 4;
}

// Every process makes two and ends, so that none is ever old.
static int QuickBomb(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (;;) {
    const pid_t first = fork();
    if (first == 0) {
      if (fork() > 0) _exit(0);
      continue;
    }
    if (first > 0) waitpid(first, NULL, 0);
  }
}

static void* Forever(void* unused) {
  (void)unused;
  for (;;) pause();
  return NULL;
}

static int ThreadBomb(int argc, char** argv) {
  (void)argc;
  (void)argv;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  long made = 0;
  pthread_t thread;
  while (made < 5000 && pthread_create(&thread, &attributes, Forever, NULL) == 0) ++made;
  printf("made %ld\n", made);
  return 3;
}

static int Zombies(int argc, char** argv) {
  (void)argc;
  (void)argv;
  long made = 0;
  for (; made < 5000; ++made) {
    const pid_t child = fork();
    if (child < 0) break;
    if (child == 0) _exit(0);
  }
  printf("made %ld\n", made);
  return 3;
}

// Detached in every way, deaf to every signal; writes the file when its parent is long gone.
static int Daemon(int argc, char** argv) {
  if (argc < 2) return 98;
  sigset_t all;
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (fork() != 0) return 0;
  setsid();
  if (fork() != 0) _exit(0);
  for (int signal_number = 1; signal_number < 65; ++signal_number) {
    signal(signal_number, SIG_IGN);
  }
  prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  Nap(argc > 2 ? atol(argv[2]) : 400);
  const int fd = open(argv[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  (void)!write(fd, "outlived", 8);
  _exit(0);
}

// Sessions of their own, all signals ignored, all spinning; the first process leaves.
static int Swarm(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (int i = 0; i < 30; ++i) {
    if (fork() != 0) continue;
    setsid();
    for (int signal_number = 1; signal_number < 32; ++signal_number) {
      signal(signal_number, SIG_IGN);
    }
    for (;;) sched_yield();
  }
  return 0;
}

// Stops everything that it can, then itself.
static int StopAll(int argc, char** argv) {
  (void)argc;
  (void)argv;
  kill(getppid(), SIGSTOP);
  kill(1, SIGSTOP);
  kill(0, SIGSTOP);
  raise(SIGSTOP);
  Nap(60000);
  return 0;
}

static int KillAll(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (int signal_number = 1; signal_number < 65; ++signal_number) {
    if (signal_number == SIGCONT || signal_number == SIGCHLD) continue;
    kill(1, signal_number);
    kill(getppid(), signal_number);
  }
  for (pid_t pid = 3; pid < 70000; ++pid) kill(pid, SIGKILL);
  kill(-1, SIGKILL);
  kill(getpid(), SIGKILL);
  return 0;
}

// Gives the init of the sandbox the least of all priorities, and the job all the rest. For a while
// only: init is left a 3400th of a processor, and waits as often for what the host takes from an
// emulated one in its turn.
static int StarveInit(int argc, char** argv) {
  (void)argc;
  (void)argv;
  const struct sched_param none = {0};
  cpu_set_t first;
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  sched_setscheduler(1, SCHED_IDLE, &none);
  setpriority(PRIO_PROCESS, 1, 19);
  sched_setaffinity(1, sizeof(first), &first);
  for (int i = 0; i < 20; ++i) {
    if (fork() != 0) continue;
    for (const time_t begin = time(NULL); time(NULL) < begin + 20;) sched_yield();
    return 0;
  }
  Nap(50);
  return 21;
}

static int VforkHang(int argc, char** argv) {
  (void)argc;
  (void)argv;
  if (vfork() == 0) {
    for (;;) pause();
  }
  return 0;
}

static int IgnoreAll(int argc, char** argv) {
  (void)argc;
  (void)argv;
  sigset_t all;
  for (int signal_number = 1; signal_number < 65; ++signal_number) signal(signal_number, SIG_IGN);
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  for (;;) Nap(1000);
}

static void* EndLater(void* unused) {
  (void)unused;
  Nap(100);
  _exit(17);
  return NULL;
}

// The first thread leaves; another one ends the process.
static int LeaderLeaves(int argc, char** argv) {
  (void)argc;
  (void)argv;
  pthread_t thread;
  if (pthread_create(&thread, NULL, EndLater, NULL) != 0) return 3;
  pthread_exit(NULL);
}

static void* ExecNow(void* unused) {
  (void)unused;
  execl("/proc/self/exe", "attack", "exit", "18", NULL);
  return NULL;
}

static int ExecFromThread(int argc, char** argv) {
  (void)argc;
  (void)argv;
  pthread_t thread;
  if (pthread_create(&thread, NULL, ExecNow, NULL) != 0) return 3;
  pthread_join(thread, NULL);
  return 4;
}

static int Exit(int argc, char** argv) { return argc > 1 ? atoi(argv[1]) : 0; }

// Executes itself again and again.
static int ExecChain(int argc, char** argv) {
  const long left = argc > 1 ? atol(argv[1]) : 1000;
  char text[32];
  if (left == 0) return 19;
  snprintf(text, sizeof(text), "%ld", left - 1);
  execl("/proc/self/exe", "attack", "exec-chain", text, NULL);
  return 4;
}

// No argument at all, not even a name.
static int NoArguments(int argc, char** argv) {
  (void)argc;
  (void)argv;
  char* const none[] = {NULL};
  execve("/proc/self/exe", none, none);
  return 4;
}

static int CrashMany(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (int i = 0; i < 20; ++i) {
    if (fork() == 0) abort();
  }
  while (wait(NULL) > 0) continue;
  return access(WORK "/core", F_OK) == 0 ? 1 : 0;
}

// Signals without end between two processes.
static int SignalStorm(int argc, char** argv) {
  (void)argc;
  (void)argv;
  signal(SIGUSR1, SIG_IGN);
  const pid_t parent = getpid();
  for (int i = 0; i < 4; ++i) {
    if (fork() == 0) {
      for (;;) kill(parent, SIGUSR1);
    }
  }
  for (;;) kill(0, SIGCONT);
}

// Lowers its own limits, which must not look like the judge's.
static int LowerLimits(int argc, char** argv) {
  (void)argc;
  (void)argv;
  const struct rlimit second = {1, 2};
  signal(SIGXCPU, SIG_DFL);
  if (setrlimit(RLIMIT_CPU, &second) != 0) return 3;
  volatile int on = 1;
  while (on) continue;
  return 0;
}

static void* OpenMemory(void* unused) {
  (void)unused;
  Say("thread", TryOpen("/proc/self/mem", O_RDWR));
  return Forever(NULL);
}

// Each thread tries what Landlock forbids, then all wait to be looked at; with one that a child
// made.
static int ThreadsTry(int argc, char** argv) {
  (void)argc;
  (void)argv;
  // First: the child has what of their words stands in the buffer of stdout.
  if (fork() == 0) OpenMemory(NULL);
  pthread_t thread;
  for (int i = 0; i < 5; ++i) {
    if (pthread_create(&thread, NULL, OpenMemory, NULL) != 0) return 3;
  }
  OpenMemory(NULL);
  return 0;
}

// One signal that waits and one timer, which the kernel counts as one.
static int QueueOne(int argc, char** argv) {
  (void)argc;
  (void)argv;
  sigset_t waiting;
  sigemptyset(&waiting);
  sigaddset(&waiting, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &waiting, NULL);
  const union sigval none = {0};
  Say("signal", sigqueue(getpid(), SIGRTMIN, none));
  timer_t timer;
  Say("timer", timer_create(CLOCK_MONOTONIC, NULL, &timer));
  return 0;
}

// Takes what is counted by user, until it is refused: signals that wait, processes, room in pipes.
static int ExhaustUser(int argc, char** argv) {
  sigset_t waiting;
  sigemptyset(&waiting);
  sigaddset(&waiting, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &waiting, NULL);
  long queued = 0;
  const union sigval none = {0};
  while (queued < 200000 && sigqueue(getpid(), SIGRTMIN, none) == 0) ++queued;
  Say("signals", queued < 200000 ? -1 : queued);
  timer_t timer;
  Say("timer", timer_create(CLOCK_MONOTONIC, NULL, &timer));
  int ends[2];
  long room = 0;
  while (room < 4096 && pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0) ++room;
  Say("pipes", room < 4096 ? -1 : room);
  pid_t child = 0;
  long made = 0;
  while (made < 5000 && (child = fork()) > 0) ++made;
  if (child == 0) Forever(NULL);
  Say("processes", child);
  Nap(argc > 1 ? atol(argv[1]) : 0);
  return 0;
}

// One message with copies of a descriptor, which are in flight until somebody takes them.
static long SendCopies(int socket, int fd, size_t copies) {
  char byte = 0;
  struct iovec part = {&byte, 1};
  union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(kMostCopies * sizeof(int))];
  } control;
  memset(&control, 0, sizeof(control));
  control.head.cmsg_level = SOL_SOCKET;
  control.head.cmsg_type = SCM_RIGHTS;
  control.head.cmsg_len = CMSG_LEN(copies * sizeof(int));
  for (size_t i = 0; i < copies; ++i) {
    memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &fd, sizeof(int));
  }
  const struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = CMSG_SPACE(copies * sizeof(int))};
  return sendmsg(socket, &message, MSG_DONTWAIT);
}

// Has descriptors in flight between two sockets until it is refused, which the kernel counts by
// user as well; and keeps them there.
static int Flood(int argc, char** argv) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) return 3;
  long sent = 0;
  while (sent < 100 && SendCopies(ends[0], 0, kMostCopies) >= 0) ++sent;
  Say("in_flight", sent < 100 ? -1 : sent);
  Nap(argc > 1 ? atol(argv[1]) : 0);
  return 0;
}

// One descriptor in flight, for a program with few open files.
static int SendOne(int argc, char** argv) {
  (void)argc;
  (void)argv;
  const struct rlimit few = {64, 64};
  int ends[2];
  if (setrlimit(RLIMIT_NOFILE, &few) != 0) return 4;
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) return 3;
  Say("send_one", SendCopies(ends[0], 0, 1));
  return 0;
}

// What builds need of a host, so that nobody has to switch a layer off for it.
static int BuildNeeds(int argc, char** argv) {
  (void)argc;
  (void)argv;
  int ends[2];
  Say("chain", system("/bin/sh -c '/bin/sh -c \"/bin/sh -c true\"'") == 0 ? 0 : -1);
  const int lock = open(WORK "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  Say("flock", flock(lock, LOCK_EX));
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
  Say("fcntl_lock", fcntl(lock, F_SETLK, &range));
  Say("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  Say("inotify", (long)inotify_init1(IN_CLOEXEC));
  const int program = open("/bin/sh", O_RDONLY | O_CLOEXEC);
  Say("map_exec",
      mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, program, 0) == MAP_FAILED ? -1 : 0);
  return 0;
}

const struct Attack kProcessAttacks[] = {
    {"fork-bomb", ForkBomb},
    {"quick-bomb", QuickBomb},
    {"thread-bomb", ThreadBomb},
    {"zombies", Zombies},
    {"daemon", Daemon},
    {"swarm", Swarm},
    {"stop-all", StopAll},
    {"kill-all", KillAll},
    {"starve-init", StarveInit},
    {"vfork-hang", VforkHang},
    {"ignore-all", IgnoreAll},
    {"leader-leaves", LeaderLeaves},
    {"exec-from-thread", ExecFromThread},
    {"exit", Exit},
    {"exec-chain", ExecChain},
    {"no-arguments", NoArguments},
    {"crash-many", CrashMany},
    {"signal-storm", SignalStorm},
    {"lower-limits", LowerLimits},
    {"threads-try", ThreadsTry},
    {"exhaust-user", ExhaustUser},
    {"queue-one", QueueOne},
    {"flood-flight", Flood},
    {"send-one", SendOne},
    {"build-needs", BuildNeeds},
    {NULL, NULL},
};
