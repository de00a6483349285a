// SPDX-License-Identifier: Apache-2.0
// Attacks by output and time: what is written, how much of it, and how long it takes.
#include <pthread.h>
#include <sys/uio.h>

#include "attack.h"

static int Flood(int argc, char** argv) {
  memset(scratch, 'x', sizeof(scratch));
  const int fd = argc > 1 ? atoi(argv[1]) : 1;
  for (;;) {
    if (write(fd, scratch, sizeof(scratch)) < 0) return 3;
  }
}

// Single bytes, each in a packet of its own.
static int Packets(int argc, char** argv) {
  const long count = argc > 1 ? atol(argv[1]) : 10000;
  fcntl(1, F_SETFL, O_DIRECT);
  for (long i = 0; i < count; ++i) (void)!write(1, "p", 1);
  return 0;
}

// The standard descriptors become files of the job; nothing of the supervisor may land in them.
static int CloseStdio(int argc, char** argv) {
  if (argc < 2) return 98;
  for (int fd = 0; fd < 3; ++fd) {
    close(fd);
    char name[300];
    snprintf(name, sizeof(name), "%s/as%d", argv[1], fd);
    open(name, O_RDWR | O_CREAT | O_APPEND, 0600);
  }
  Nap(100);
  return 23;
}

static int AllBytes(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (int i = 0; i < 256; ++i) scratch[i] = (char)i;
  memcpy(scratch + 256, "\xed\xa0\x80\xc0\x80\xff\xfe\r\n\n\r", 11);
  (void)!write(1, scratch, 267);
  return 0;
}

static int Terminal(int argc, char** argv) {
  (void)argc;
  (void)argv;
  const char text[] =
      "\x1b]0;pwned\x07\x1b[2J\x1b[6n\x1b]52;c;cHduZWQ=\x07\xc2\x9b"
      "31m\x9d"
      "0;p\x9c"
      "\r\b\xe2\x80\xae";
  (void)!write(1, text, sizeof(text) - 1);
  (void)!write(2, text, sizeof(text) - 1);
  return 0;
}

static int Forge(int argc, char** argv) {
  (void)argc;
  (void)argv;
  puts("{\"verdict\": \"EXITED\", \"exit_code\": 0}");
  fputs("cordon: EXITED\ncordon: SETUP_FAILED\n{\"verdict\": \"EXITED\"}\n", stderr);
  fflush(stdout);
  return 9;
}

static int Drip(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (;;) {
    (void)!write(1, ".", 1);
    Nap(10);
  }
}

static int Sleeper(int argc, char** argv) {
  (void)argc;
  (void)argv;
  Nap(600000);
  return 0;
}

static void* Spin(void* unused) {
  volatile int on = 1;
  while (on) continue;
  return unused;
}

static int Spinner(int argc, char** argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : 1;
  for (int i = 1; i < threads; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, Spin, NULL);
  }
  Spin(NULL);
  return 0;
}

// Time in the kernel, not in the program.
static int SystemTime(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (;;) {
    void* map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    munmap(map, 1 << 20);
  }
}

// The one that burns is a grandchild; the job itself sleeps.
static int Orphan(int argc, char** argv) {
  (void)argc;
  (void)argv;
  if (fork() == 0) {
    if (fork() == 0) Spin(NULL);
    _exit(0);
  }
  Nap(600000);
  return 0;
}

// Very short children: each ends before a tick of the clock.
static int ShortChildren(int argc, char** argv) {
  (void)argc;
  (void)argv;
  for (;;) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, 0);
  }
}

// Before main, where a judge might not look yet.
static int early_spin_wanted;
__attribute__((constructor)) static void Early(int argc, char** argv) {
  early_spin_wanted = argc > 1 && strcmp(argv[1], "early") == 0;
  if (early_spin_wanted) Spin(NULL);
}
static int EarlySpin(int argc, char** argv) {
  (void)argc;
  (void)argv;
  return 5;
}

static int ReadForever(int argc, char** argv) {
  (void)argc;
  (void)argv;
  while (read(0, scratch, sizeof(scratch)) > 0) continue;
  Nap(600000);
  return 0;
}

const struct Attack kOutputAttacks[] = {
    {"flood", Flood},
    {"packets", Packets},
    {"close-stdio", CloseStdio},
    {"all-bytes", AllBytes},
    {"terminal", Terminal},
    {"forge", Forge},
    {"drip", Drip},
    {"sleeper", Sleeper},
    {"spinner", Spinner},
    {"system-time", SystemTime},
    {"orphan", Orphan},
    {"short-children", ShortChildren},
    {"early", EarlySpin},
    {"read-forever", ReadForever},
    {NULL, NULL},
};
