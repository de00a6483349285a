// SPDX-License-Identifier: Apache-2.0
// CPU time of many processes, above all of those that nobody waits for. argv[1] is the total of
// all.
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>

#include "corpus.h"

static uint64_t Total(int argc, char** argv) { return Argument(argc, argv, 1, 100000000); }

static int Forks(int argc, char** argv) {
  const uint64_t count = Argument(argc, argv, 2, 4);
  for (uint64_t i = 0; i < count; ++i) {
    if (Fork() == 0) {
      BurnUntil(Total(argc, argv) / (count + 1));
      _exit(0);
    }
  }
  while (wait(NULL) > 0) continue;
  return Finish(Total(argc, argv));
}

// Children that are never waited for: zombies, when the parent ends.
static int UnwaitedOnes(int argc, char** argv) {
  const uint64_t count = Argument(argc, argv, 2, 3);
  const struct Gathering gathering = Gather();
  for (uint64_t i = 0; i < count; ++i) {
    if (Fork() == 0) Unwaited(Total(argc, argv) / (count + 1));
  }
  AwaitAll(gathering);
  return Finish(Total(argc, argv));
}

static int Ignored(int argc, char** argv) {
  signal(SIGCHLD, SIG_IGN);
  return UnwaitedOnes(argc, argv);
}

static int NoWait(int argc, char** argv) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = SIG_DFL;
  action.sa_flags = SA_NOCLDWAIT;
  if (sigaction(SIGCHLD, &action, NULL) != 0) Cannot("sigaction");
  return UnwaitedOnes(argc, argv);
}

// A session of its own, its parent gone.
static int Daemon(int argc, char** argv) {
  const struct Gathering gathering = Gather();
  const pid_t first = Fork();
  if (first == 0) {
    setsid();
    if (Fork() == 0) Unwaited(Total(argc, argv) / 2);
    _exit(0);
  }
  waitpid(first, NULL, 0);
  AwaitAll(gathering);
  return Finish(Total(argc, argv));
}

// Each generation makes the next, burns, and ends before its child.
static void Generation(uint64_t left, uint64_t share) {
  if (left > 0 && Fork() == 0) Generation(left - 1, share);
  Unwaited(share);
}

static int Orphans(int argc, char** argv) {
  const uint64_t count = Argument(argc, argv, 2, 3);
  const struct Gathering gathering = Gather();
  if (Fork() == 0) Generation(count - 1, Total(argc, argv) / (count + 1));
  AwaitAll(gathering);
  return Finish(Total(argc, argv));
}

// Orphans come back to it, and it does not wait for them either.
static int Subreaper(int argc, char** argv) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) Cannot("PR_SET_CHILD_SUBREAPER");
  return Orphans(argc, argv);
}

// Many children, one after the other.
static int Storm(int argc, char** argv) {
  const uint64_t count = Argument(argc, argv, 2, 20);
  for (uint64_t i = 0; i < count; ++i) {
    const pid_t child = Fork();
    if (child == 0) {
      BurnUntil(Total(argc, argv) / (2 * count));
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  return Finish(Total(argc, argv));
}

// The same without end, children dead before any tick of a clock. Each does a little: the kernel
// frees what is left of the dead in its own time, and they would only fill memory otherwise.
static int StormForever(int argc, char** argv) {
  (void)argc;
  (void)argv;
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    const pid_t child = fork();
    if (child == 0) {
      BurnThread(500000);
      _exit(0);
    }
    if (child < 0) sched_yield();
  }
}

static int VforkExec(int argc, char** argv) {
  char share[24];
  snprintf(share, sizeof(share), "%llu", (unsigned long long)Total(argc, argv) / 5);
  for (int i = 0; i < 4; ++i) {
    const pid_t child = vfork();
    if (child == 0) {
      execl("/proc/self/exe", "corpus", "burn", share, NULL);
      _exit(kCannot);
    }
    if (child < 0) Cannot("vfork");
    waitpid(child, NULL, 0);
  }
  return Finish(Total(argc, argv));
}

static int Spawn(int argc, char** argv) {
  char share[24];
  char* words[] = {(char*)"corpus", (char*)"burn", share, NULL};
  char* none[] = {NULL};
  pid_t child = 0;
  snprintf(share, sizeof(share), "%llu", (unsigned long long)Total(argc, argv) / 2);
  if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, words, none) != 0) Cannot("posix_spawn");
  waitpid(child, NULL, 0);
  return Finish(Total(argc, argv));
}

static uint64_t share_of_clone;

static int BurnInClone(void* unused) {
  (void)unused;
  BurnUntil(share_of_clone);
  _exit(0);
}

// A process that shares all memory with its parent, and is no thread of it.
static int CloneMemory(int argc, char** argv) {
  static char stack[64 * 1024] __attribute__((aligned(16)));
  share_of_clone = Total(argc, argv) / 2;
  const pid_t child = clone(BurnInClone, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
  if (child < 0) Cannot("clone");
  waitpid(child, NULL, 0);
  return Finish(Total(argc, argv));
}

// Its child has no exit signal: an ordinary wait does not see it.
static int CloneSilently(int argc, char** argv) {
  const struct Gathering gathering = Gather();
  const long child = syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
  if (child < 0) Cannot("clone");
  if (child == 0) Unwaited(Total(argc, argv) / 2);
  AwaitAll(gathering);
  return Finish(Total(argc, argv));
}

// As the first process of a new process namespace, which takes its unwaited children with it: their
// time is lost to wait4. Where that is refused, the same without a namespace; says which it was.
static int Namespace(int argc, char** argv) {
  const uint64_t share = Total(argc, argv) / 3;
  const int flags = CLONE_NEWUSER | CLONE_NEWPID;
  const struct Gathering gathering = Gather();
  const int kind = (int)Argument(argc, argv, 2, 0);
  long child = -1;
  if (kind == 0) {
    child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
  } else if (unshare(kind == 1 ? flags : CLONE_NEWPID) == 0) {
    child = Fork();
  }
  if (child != 0) dprintf(1, "namespace %s\n", child > 0 ? "made" : strerrorname_np(errno));
  if (child < 0) child = Fork();
  if (child == 0) {
    // With the first process of a namespace all others of it end.
    const struct Gathering inner = Gather();
    if (Fork() == 0) Unwaited(share);
    AwaitAll(inner);
    Unwaited(share);
  }
  AwaitAll(gathering);
  return Finish(Total(argc, argv));
}

// One that is stopped when all ends.
static int Stopped(int argc, char** argv) {
  int status;
  const pid_t child = Fork();
  if (child == 0) {
    BurnUntil(Total(argc, argv) / 2);
    AddToShared(OwnCpu());
    raise(SIGSTOP);
    _exit(0);
  }
  waitpid(child, &status, WUNTRACED);
  return Finish(Total(argc, argv));
}

// Stops itself while its child works on.
static int StoppedParent(int argc, char** argv) {
  (void)argc;
  (void)argv;
  if (Fork() == 0) BurnUntil(UINT64_MAX);
  raise(SIGSTOP);
  return kCannot;
}

static void Say(const struct Gathering* gathering) {
  if (write(gathering->fd[1], "x", 1) != 1) Cannot("write");
}

static void Hear(const struct Gathering* gathering) {
  char byte;
  if (read(gathering->fd[0], &byte, 1) != 1) Cannot("read");
}

// Ends while a child that has burned its share sleeps on.
static int Outlived(int argc, char** argv) {
  const struct Gathering gathering = Gather();
  if (Fork() == 0) {
    BurnUntil(Total(argc, argv) / 2);
    AddToShared(OwnCpu());
    Say(&gathering);
    for (;;) pause();
  }
  Hear(&gathering);
  return Finish(Total(argc, argv));
}

static int KilledChild(int argc, char** argv) {
  const struct Gathering gathering = Gather();
  const pid_t child = Fork();
  if (child == 0) {
    BurnUntil(Total(argc, argv) / 2);
    Say(&gathering);
    for (;;) pause();
  }
  Hear(&gathering);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return Finish(Total(argc, argv));
}

static int Nice(int argc, char** argv) {
  const pid_t child = Fork();
  if (child == 0) {
    setpriority(PRIO_PROCESS, 0, 10);
    BurnUntil(Total(argc, argv) / 2);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  return Finish(Total(argc, argv));
}

// Two that wake each other through pipes.
static int PingPong(int argc, char** argv) {
  const struct Gathering there = Gather();
  const struct Gathering back = Gather();
  char byte = 0;
  const pid_t child = Fork();
  if (child == 0) {
    close(there.fd[1]);
    while (read(there.fd[0], &byte, 1) == 1) Say(&back);
    _exit(0);
  }
  while (OwnCpu() < Total(argc, argv) / 4) {
    Say(&there);
    Hear(&back);
  }
  close(there.fd[1]);
  waitpid(child, NULL, 0);
  return Finish(Total(argc, argv));
}

// Each has one child and waits for it.
static void Chain(uint64_t depth, uint64_t share) {
  if (depth > 0) {
    const pid_t child = Fork();
    if (child == 0) Chain(depth - 1, share);
    waitpid(child, NULL, 0);
  }
  BurnUntil(share);
  _exit(0);
}

static int Deep(int argc, char** argv) {
  const uint64_t depth = Argument(argc, argv, 2, 6);
  const pid_t child = Fork();
  if (child == 0) Chain(depth - 1, Total(argc, argv) / (2 * depth));
  waitpid(child, NULL, 0);
  return Finish(Total(argc, argv));
}

// Ends; what it leaves begins to burn at that moment. Its time until it is killed is not the job's
// fault, but it is in the account.
static int Leftovers(int argc, char** argv) {
  const struct Gathering gathering = Gather();
  for (uint64_t i = Argument(argc, argv, 2, 1); i > 0; --i) {
    if (Fork() != 0) continue;
    char byte;
    setsid();
    close(gathering.fd[1]);
    while (read(gathering.fd[0], &byte, 1) < 0) continue;
    for (;;) continue;
  }
  return Finish(Total(argc, argv));
}

// A daemon works, and the first process only sleeps.
static int SleepingParent(int argc, char** argv) {
  (void)argc;
  (void)argv;
  if (Fork() == 0) {
    setsid();
    if (Fork() == 0) BurnUntil(UINT64_MAX);
    _exit(0);
  }
  for (;;) pause();
  return kCannot;
}

// Holds on to as many processes as there may be: argv[1] of them, each asleep. 3 when one more than
// that is refused, and 4 when not; `copes` makes of the refusal an ordinary end.
static int Crowd(int argc, char** argv) {
  const uint64_t count = Argument(argc, argv, 1, 4);
  for (uint64_t i = 0; i < count; ++i) {
    if (Fork() == 0) {
      for (;;) pause();
    }
  }
  if (argc < 3) return 0;
  const pid_t more = fork();
  if (more == 0) {
    for (;;) pause();
  }
  if (more > 0) return 4;
  return strcmp(argv[2], "copes") == 0 ? 0 : 3;
}

// Zombies count as processes.
static int Zombies(int argc, char** argv) {
  const uint64_t count = Argument(argc, argv, 1, 4);
  for (uint64_t i = 0; i < count; ++i) {
    if (Fork() == 0) _exit(0);
  }
  return fork() < 0 ? 3 : 4;
}

static int Bomb(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (;;) {
    const pid_t child = fork();
    if (child < 0) return 3;
    if (child == 0) {
      for (;;) pause();
    }
  }
}

const struct Case kTreeCases[] = {
    {"forks", Forks},
    {"unwaited", UnwaitedOnes},
    {"ignored", Ignored},
    {"no-wait", NoWait},
    {"daemon", Daemon},
    {"orphans", Orphans},
    {"subreaper", Subreaper},
    {"storm", Storm},
    {"storm-forever", StormForever},
    {"vfork-exec", VforkExec},
    {"spawn", Spawn},
    {"clone-memory", CloneMemory},
    {"clone-silently", CloneSilently},
    {"namespace", Namespace},
    {"stopped", Stopped},
    {"stopped-parent", StoppedParent},
    {"outlived", Outlived},
    {"killed-child", KilledChild},
    {"nice", Nice},
    {"ping-pong", PingPong},
    {"deep", Deep},
    {"leftovers", Leftovers},
    {"sleeping-parent", SleepingParent},
    {"crowd", Crowd},
    {"zombies", Zombies},
    {"bomb", Bomb},
    {NULL, NULL},
};
