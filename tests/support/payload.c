// SPDX-License-Identifier: Apache-2.0
// What the tests run inside a sandbox: one static program, one behaviour per first argument. It is
// hostile where its name says so; whether it succeeded is judged from outside, never by its words.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "payload_notify.h"
#include "payload_talk.h"
#include "payload_usage.h"
#include "payload_watch.h"

extern char** environ;

static void Nap(long milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

static int WriteAll(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t put = write(fd, bytes, size);
    if (put < 0 && errno != EINTR) return 1;
    if (put > 0) {
      bytes += put;
      size -= (size_t)put;
    }
  }
  return 0;
}

static int Exit(char** argv) { return argv[2] != NULL ? atoi(argv[2]) : 0; }

static int Loop(char** argv) {
  volatile int on = 1;
  while (on) (void)argv;
  return 0;
}

static int Sleep(char** argv) {
  Nap(argv[2] != NULL ? atol(argv[2]) : 1000000);
  return 0;
}

static int ForkBomb(char** argv) {
  for (;;) {
    if (fork() < 0) return errno == EAGAIN ? 3 : 4;
    (void)argv;
  }
}

// Asks for more processes than it may have, copes with the refusal, and ends well.
static int ForkPolitely(char** argv) {
  for (int i = 0; i < 100; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      Nap(1000000);
      _exit(0);
    }
    if (pid < 0) return 0;
  }
  (void)argv;
  return 1;
}

// mmap and not malloc, which a compiler may see through.
static int Memory(char** argv) {
  const size_t size = 1 << 20;
  for (;;) {
    void* block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return 3;
    memset(block, 'm', size);
    (void)argv;
  }
}

// The child is killed for memory, the parent calls everything fine.
static int MemoryInChild(char** argv) {
  const pid_t pid = fork();
  if (pid == 0) _exit(Memory(argv));
  waitpid(pid, NULL, 0);
  return 0;
}

static int Flood(char** argv) {
  char block[4096];
  memset(block, 'f', sizeof(block));
  (void)argv;
  for (;;) {
    if (WriteAll(1, block, sizeof(block)) != 0) return 3;
  }
}

static int Abort(char** argv) {
  (void)argv;
  abort();
}

static int Segv(char** argv) {
  (void)argv;
  raise(SIGSEGV);
  return 0;
}

static int Sigsys(char** argv) {
  (void)argv;
  return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 3;
}

static int SigsysInChild(char** argv) {
  const pid_t pid = fork();
  if (pid == 0) _exit(Sigsys(argv));
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? 9 : 0;
}

// Leaves a daemon that writes argv[2] after argv[3] milliseconds; the parent is gone long before.
static int Daemon(char** argv) {
  if (fork() == 0) {
    setsid();
    if (fork() == 0) {
      for (int number = 1; number < 65; ++number) signal(number, SIG_IGN);
      close(0);
      close(1);
      close(2);
      Nap(atol(argv[3]));
      WriteCanary(argv[2]);
      _exit(0);
    }
    _exit(0);
  }
  wait(NULL);
  return 0;
}

static int WriteFile(char** argv) {
  const int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const size_t size = strlen(argv[3]);
  return fd < 0 || write(fd, argv[3], size) != (ssize_t)size ? errno : 0;
}

// "MODE UID GID LINK-OR-CONTENT".
static int ShowFile(char** argv) {
  struct stat info;
  if (lstat(argv[2], &info) != 0) return errno;
  char text[4096];
  ssize_t size = 0;
  if (S_ISLNK(info.st_mode)) {
    size = readlink(argv[2], text, sizeof(text));
  } else {
    const int fd = open(argv[2], O_RDONLY);
    size = fd < 0 ? -1 : read(fd, text, sizeof(text));
  }
  if (size < 0) return errno;
  printf("%o %u %u %.*s", (unsigned)info.st_mode & 07777, (unsigned)info.st_uid,
         (unsigned)info.st_gid, (int)size, text);
  return fflush(stdout);
}

static int IgnoreSignals(char** argv) {
  for (int number = 1; number < 65; ++number) signal(number, SIG_IGN);
  return Sleep(argv);
}

static int CloseStdio(char** argv) {
  close(0);
  close(1);
  close(2);
  Nap(50);
  return Exit(argv);
}

static int ForkAndWrite(char** argv) {
  if (WriteAll(1, "before\n", 7) != 0) return 3;
  const pid_t pid = fork();
  if (pid == 0) _exit(WriteAll(1, "child\n", 6));
  waitpid(pid, NULL, 0);
  (void)argv;
  return WriteAll(1, "parent\n", 7);
}

static int Cat(char** argv) {
  char block[65536];
  for (;;) {
    const ssize_t got = read(0, block, sizeof(block));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? 0 : 3;
    if (WriteAll(1, block, (size_t)got) != 0) return 4;
    (void)argv;
  }
}

static int Nul(char** argv) {
  const char bytes[] = {'a', 0, 'b', 0, 0, 27, '[', '3', '1', 'm', (char)0xff};
  (void)argv;
  return WriteAll(1, bytes, sizeof(bytes));
}

static int Echo(char** argv) {
  if (argv[2] != NULL && WriteAll(1, argv[2], strlen(argv[2])) != 0) return 3;
  if (argv[2] != NULL && argv[3] != NULL && WriteAll(2, argv[3], strlen(argv[3])) != 0) return 3;
  return 0;
}

static int Environment(char** argv) {
  for (char** each = environ; *each != NULL; ++each) printf("%s\n", *each);
  (void)argv;
  return 0;
}

// Every open descriptor, found by trying and not by asking /proc.
static int Descriptors(char** argv) {
  char found[4096];
  size_t used = 0;
  for (int fd = 0; fd < 4096 && used + 8 < sizeof(found); ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) used += (size_t)snprintf(found + used, 8, "%d ", fd);
  }
  (void)argv;
  return WriteAll(1, found, used);
}

static int Ids(char** argv) {
  gid_t groups[256];
  const int count = getgroups(256, groups);
  printf("uid %u gid %u groups %d pid %d\n", (unsigned)getuid(), (unsigned)getgid(), count,
         (int)getpid());
  (void)argv;
  return 0;
}

// Numeric entries of /proc: the processes that this one can see.
static int Processes(char** argv) {
  DIR* dir = opendir("/proc");
  const struct dirent* entry;
  if (dir == NULL) return 3;
  while ((entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') printf("%s ", entry->d_name);
  }
  closedir(dir);
  (void)argv;
  return 0;
}

static int BigFile(char** argv) {
  const int fd = open(argv[2], O_WRONLY | O_CREAT, 0666);
  char block[65536];
  memset(block, 'b', sizeof(block));
  for (;;) {
    if (write(fd, block, sizeof(block)) <= 0) return 3;
  }
}

static int Stop(char** argv) {
  (void)argv;
  raise(SIGSTOP);
  return 0;
}

// Exits 0 when the file cannot be opened for reading, 1 when it can.
static int CannotRead(char** argv) { return open(argv[2], O_RDONLY) < 0 ? 0 : 1; }

static int UnshareUser(char** argv) {
  (void)argv;
  return unshare(CLONE_NEWUSER) == 0 ? 0 : 3;
}

static int Hostname(char** argv) {
  struct utsname name;
  (void)argv;
  if (uname(&name) != 0) return 3;
  printf("%s %s", name.nodename, name.domainname);
  return 0;
}

static int KillInit(char** argv) {
  for (int number = 1; number < 65; ++number) kill(1, number);
  Nap(50);
  (void)argv;
  return 5;
}

// A grandchild that uses 60 ms of CPU time; nobody but the init waits for it.
static int BurningOrphan(char** argv) {
  (void)argv;
  if (fork() == 0) {
    if (fork() == 0) {
      struct timespec used = {0, 0};
      while (used.tv_sec == 0 && used.tv_nsec < 60000000) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
      }
      _exit(0);
    }
    _exit(0);
  }
  wait(NULL);
  Nap(400);
  return 0;
}

// From here on: the exit code is 0, or the errno of the first call that failed.
static int OpenToWrite(char** argv) { return open(argv[2], O_WRONLY) < 0 ? errno : 0; }

static int Truncate(char** argv) { return truncate(argv[2], 0) != 0 ? errno : 0; }

// A file from one new directory below argv[2] to another.
static int Move(char** argv) {
  if (chdir(argv[2]) != 0 || mkdir("a", 0700) != 0 || mkdir("b", 0700) != 0) return errno;
  if (open("a/file", O_WRONLY | O_CREAT, 0600) < 0) return errno;
  return rename("a/file", "b/file") != 0 ? errno : 0;
}

static int TcpSocketAt(uint32_t host, int port, int (*use)(int, const struct sockaddr*, socklen_t),
                       int* made) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_port = htons((uint16_t)port);
  address.sin_addr.s_addr = htonl(host);
  *made = socket(AF_INET, SOCK_STREAM, 0);
  if (*made < 0) return errno;
  return use(*made, (struct sockaddr*)&address, sizeof(address)) != 0 ? errno : 0;
}

static int TcpBind(char** argv) {
  int fd;
  return TcpSocketAt(INADDR_ANY, atoi(argv[2]), bind, &fd);
}

static int TcpConnect(char** argv) {
  int fd;
  return TcpSocketAt(INADDR_LOOPBACK, atoi(argv[2]), connect, &fd);
}

static int TcpToItself(char** argv) {
  int server;
  int client;
  const int bound = TcpSocketAt(INADDR_LOOPBACK, atoi(argv[2]), bind, &server);
  if (bound != 0 || listen(server, 1) != 0) return bound != 0 ? bound : errno;
  return TcpSocketAt(INADDR_LOOPBACK, atoi(argv[2]), connect, &client);
}

static int AbstractConnect(char** argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const size_t length = strlen(argv[2]);
  memcpy(address.sun_path + 1, argv[2], length);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
  if (fd < 0) return errno;
  return connect(fd, (struct sockaddr*)&address, size) != 0 ? errno : 0;
}

static int SignalChild(char** argv) {
  const pid_t pid = fork();
  if (pid == 0) Nap(1000000);
  (void)argv;
  return pid < 0 || kill(pid, SIGKILL) != 0 || waitpid(pid, NULL, 0) != pid ? errno : 0;
}

static int SignalInit(char** argv) {
  (void)argv;
  return kill(1, 0) != 0 ? errno : 0;
}

static void* SleepInThread(void* begun) {
  __atomic_store_n((int*)begun, 1, __ATOMIC_RELEASE);
  Nap(1000000);
  return NULL;
}

// To be looked at: says "ready" when its second thread, where it may have one, is there.
static int Posture(char** argv) {
  pthread_t thread;
  int begun = 0;
  if (pthread_create(&thread, NULL, SleepInThread, &begun) == 0) {
    while (!__atomic_load_n(&begun, __ATOMIC_ACQUIRE)) Nap(1);
  }
  if (WriteAll(1, "ready\n", 6) != 0) return 3;
  Nap(1000000);
  (void)argv;
  return 0;
}

static const struct {
  const char* name;
  int (*run)(char** argv);
} kModes[] = {
    {"exit", Exit},
    {"loop", Loop},
    {"sleep", Sleep},
    {"fork_bomb", ForkBomb},
    {"fork_politely", ForkPolitely},
    {"memory", Memory},
    {"memory_in_child", MemoryInChild},
    {"flood", Flood},
    {"abort", Abort},
    {"segv", Segv},
    {"sigsys", Sigsys},
    {"sigsys_in_child", SigsysInChild},
    {"daemon", Daemon},
    {"canary", Canary},
    {"canary_after", CanaryAfter},
    {"write_file", WriteFile},
    {"show_file", ShowFile},
    {"ignore_signals", IgnoreSignals},
    {"close_stdio", CloseStdio},
    {"fork_and_write", ForkAndWrite},
    {"cat", Cat},
    {"nul", Nul},
    {"echo", Echo},
    {"environment", Environment},
    {"descriptors", Descriptors},
    {"ids", Ids},
    {"processes", Processes},
    {"big_file", BigFile},
    {"stop", Stop},
    {"unshare_user", UnshareUser},
    {"hostname", Hostname},
    {"kill_init", KillInit},
    {"burning_orphan", BurningOrphan},
    {"cannot_read", CannotRead},
    {"open_to_write", OpenToWrite},
    {"truncate", Truncate},
    {"move", Move},
    {"tcp_bind", TcpBind},
    {"tcp_connect", TcpConnect},
    {"tcp_to_itself", TcpToItself},
    {"abstract_connect", AbstractConnect},
    {"signal_child", SignalChild},
    {"signal_init", SignalInit},
    {"posture", Posture},
    {"sockets", Sockets},
    {"socket_flood", SocketFlood},
    {"socket_in_threads", SocketInThreads},
    {"own_listener", OwnListener},
    {"talk_wait", TalkWait},
    {"talk_ask", TalkAsk},
    {"talk_close", TalkClose},
    {"talk_flood", TalkFlood},
    {"talk_hold", TalkHold},
    {"talk_slow", TalkSlow},
    {"talk_hear", TalkHear},
    {"leave_thread", LeaveThread},
    {"burn", Burn},
    {"burn_tree", BurnTree},
    {"hold", Hold},
    {"raise", Raise},
    {"seek_beyond", SeekBeyond},
    {"metronome", Metronome},
    {"trickle", Trickle},
    {"wait_in_vfork", WaitInVfork},
    {"switches", Switches},
    {"end_on_signal", EndOnSignal},
    {"use_and_sleep", UseAndSleep},
    {"ready_between", ReadyBetween},
    {"kill_all", KillAll},
    {"forge_health", ForgeHealth},
    {"lower_limits", LowerLimits},
};

// "stopped" before a mode: that one begins when somebody lets the program go on.
int main(int argc, char** argv) {
  if (argc > 2 && strcmp(argv[1], "stopped") == 0 && raise(SIGSTOP) == 0) {
    return main(argc - 1, argv + 1);
  }
  if (argc < 2) return 2;
  for (size_t i = 0; i < sizeof(kModes) / sizeof(kModes[0]); ++i) {
    if (strcmp(kModes[i].name, argv[1]) == 0) return kModes[i].run(argv);
  }
  return 2;
}
