// SPDX-License-Identifier: Apache-2.0
// Attacks on memory: all the places where bytes can be kept that are not the heap.
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>

#include "attack.h"

#define MIB (1L << 20)

static long Touch(long bytes, int flags) {
  char* map =
      mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (map == MAP_FAILED) return -1;
  for (long i = 0; i < bytes; i += 4096) map[i] = 1;
  return 0;
}

static int Heap(int argc, char** argv) {
  const long limit = argc > 1 ? atol(argv[1]) : 1 << 20;
  for (long i = 0; i < limit; ++i) {
    if (Touch(MIB, 0) != 0) return 5;
  }
  return 0;
}

// One call takes it all.
static int Populate(int argc, char** argv) {
  const long limit = argc > 1 ? atol(argv[1]) : 4096;
  return mmap(NULL, (size_t)(limit * MIB), PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED
             ? 5
             : 0;
}

static int Memfd(int argc, char** argv) {
  const long limit = argc > 1 ? atol(argv[1]) : 4096;
  signal(SIGXFSZ, SIG_IGN);
  for (long i = 0; i < limit; i += 16) {
    const int fd = (int)syscall(SYS_memfd_create, "hoard", 0);
    if (fd < 0) return 5;
    for (long n = 0; n < 16; ++n) {
      for (int k = 0; k < 16; ++k) {
        if (write(fd, scratch, sizeof(scratch)) < 0) return 6;
      }
    }
  }
  return 0;
}

static int Shm(int argc, char** argv) {
  const long limit = argc > 1 ? atol(argv[1]) : 4096;
  for (long i = 0; i < limit; i += 16) {
    const int id = shmget(IPC_PRIVATE, 16 * MIB, IPC_CREAT | 0600);
    if (id < 0) return 5;
    char* map = shmat(id, NULL, 0);
    if (map == (char*)-1) return 6;
    memset(map, 1, 16 * MIB);
    shmdt(map);
  }
  return 0;
}

static int Pipes(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (int i = 0; i < 50; ++i) {
    if (fork() != 0) continue;
    int ends[2];
    while (pipe(ends) == 0) {
      fcntl(ends[1], F_SETFL, O_NONBLOCK);
      while (write(ends[1], scratch, sizeof(scratch)) > 0) continue;
    }
    for (;;) pause();
  }
  Nap(1000);
  return 0;
}

// Descriptors in flight: each holds a socket that nobody can close.
static int InFlight(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (int round = 0; round < 3000; ++round) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) break;
    char control[CMSG_SPACE(sizeof(int) * 100)] = {0};
    struct iovec bytes = {scratch, 1};
    struct msghdr message = {0};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * 100);
    for (int i = 0; i < 100; ++i) memcpy(CMSG_DATA(header) + 4 * i, &ends[0], 4);
    while (sendmsg(ends[1], &message, MSG_DONTWAIT) > 0) continue;
    close(ends[0]);
    close(ends[1]);
  }
  return 0;
}

static int Timers(int argc, char** argv) {
  (void)argc;
  (void)argv;
  struct sigevent event = {0};
  event.sigev_notify = SIGEV_NONE;
  long made = 0;
  int timer;
  while (made < 20000 && syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) == 0) ++made;
  printf("made %ld\n", made);
  return 0;
}

static int Virtual(int argc, char** argv) {
  (void)argc;
  (void)argv;
  return mmap(NULL, 1UL << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) ==
                 MAP_FAILED
             ? 5
             : 0;
}

// Page tables without pages.
static int PageTables(int argc, char** argv) {
  (void)argc;
  (void)argv;
  char* map = mmap(NULL, 1UL << 42, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED) return 5;
  long sum = 0;
  for (unsigned long i = 0; i < 1UL << 42; i += 2 * MIB) sum += *(volatile char*)(map + i);
  return (int)sum;
}

static int Recurse(volatile char* above, int depth) {
  volatile char here[65536];
  here[0] = (char)depth;
  here[65535] = above[0];
  return Recurse(here, depth + 1) + here[0];
}

static int Stack(int argc, char** argv) {
  (void)argc;
  (void)argv;
  struct rlimit limit;
  getrlimit(RLIMIT_STACK, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_STACK, &limit);
  volatile char start = 0;
  return Recurse(&start, 0);
}

// In its children, while it is small itself.
static int Children(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (int i = 0; i < 20; ++i) {
    if (fork() == 0) {
      Touch(64 * MIB, 0);
      for (;;) pause();
    }
  }
  while (wait(NULL) > 0) continue;
  return 0;
}

// For a moment only.
static int Burst(int argc, char** argv) {
  const long bytes = (argc > 1 ? atol(argv[1]) : 48) * MIB;
  for (int i = 0; i < 10; ++i) {
    char* map =
        mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return 5;
    memset(map, 1, (size_t)bytes);
    munmap(map, (size_t)bytes);
    Nap(1);
  }
  return 0;
}

// Looks for the marker in memory and files that are given out fresh; leaves it for the next one.
static int Leftovers(int argc, char** argv) {
  if (argc < 2) return 98;
  const size_t size = 32 * MIB;
  char* map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memmem(map, size, argv[1], strlen(argv[1])) != NULL) puts("found in memory");
  const char* const places[] = {"/tmp/left", WORK "/left", "/dev/shm/left"};
  for (int i = 0; i < 3; ++i) {
    if (access(places[i], F_OK) == 0) printf("found %s\n", places[i]);
    const int fd = open(places[i], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    (void)!write(fd, argv[1], strlen(argv[1]));
  }
  for (size_t i = 0; i + 64 < size; i += 64) strcpy(map + i, argv[1]);
  return 0;
}

// Refuses itself memory, and copes with what it then does not get.
static int OwnAddressLimit(int argc, char** argv) {
  (void)argc;
  (void)argv;
  const struct rlimit few = {64 * MIB, 64 * MIB};
  if (setrlimit(RLIMIT_AS, &few) != 0) return 3;
  long got = 0;
  while (got < 400 && Touch(MIB, 0) == 0) ++got;
  printf("got %ld\n", got);
  return got < 400 && errno == ENOMEM ? 0 : 4;
}

// Fills the cache with the pages of FILE again and again, then takes so many MiB of its own.
static int FillCache(int argc, char** argv) {
  if (argc < 3) return 98;
  const int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) return 3;
  long seen = 0;
  for (int i = 0; i < 3; ++i) {
    ssize_t got;
    for (off_t at = 0; (got = pread(fd, scratch, sizeof(scratch), at)) > 0; at += got) seen += got;
  }
  volatile const char* map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) return 3;
  for (off_t at = 0; at < info.st_size; at += 4096) seen += map[at];
  printf("seen %ld\n", seen);
  fflush(stdout);
  return Touch(atol(argv[2]) * MIB, 0) == 0 ? 0 : 4;
}

const struct Attack kMemoryAttacks[] = {
    {"heap", Heap},
    {"populate", Populate},
    {"memfd", Memfd},
    {"shm", Shm},
    {"pipes", Pipes},
    {"in-flight", InFlight},
    {"timers", Timers},
    {"virtual", Virtual},
    {"page-tables", PageTables},
    {"stack", Stack},
    {"children", Children},
    {"burst", Burst},
    {"leftovers", Leftovers},
    {"own-address-limit", OwnAddressLimit},
    {"fill-cache", FillCache},
    {NULL, NULL},
};
