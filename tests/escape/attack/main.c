// SPDX-License-Identifier: Apache-2.0
// Finds the attack or the probes by name. A probe runs in a child, so that one that is killed or
// hangs does not hide those after it; `here` runs it in the process itself, where no child can be
// made.
#include "attack.h"

char scratch[65536];

static const struct Probe* const kProbes[] = {
    kKernelProbes, kNamespaceProbes, kFileProbes, kProcessProbes,
    kSelfProbes,   kSocketProbes,    kAbiProbes,
};
static const struct Attack* const kAttacks[] = {
    kCallAttacks,   kFileAttacks, kProcessAttacks,   kMemoryAttacks,
    kOutputAttacks, kInfoAttacks, kViolationAttacks, kRandomAttacks,
};

void Nap(long milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

void Say(const char* name, long result) {
  const char* error = result < 0 ? strerrorname_np(errno) : NULL;
  if (result >= 0) {
    printf("%s ok:%ld\n", name, result);
  } else {
    printf("%s %s\n", name, error != NULL ? error : "E?");
  }
  fflush(stdout);
}

long WriteFile(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const long put = write(fd, text, strlen(text));
  const int error = errno;
  close(fd);
  errno = error;
  return put;
}

long TryOpen(const char* path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  close(fd);
  return 0;
}

// How a child ends that has said its result; any other end was the probe's doing.
enum { kSaid = 77 };

static void RunHere(const struct Probe* probe) {
  errno = 0;
  const long result = probe->run();
  Say(probe->name, result);
}

static void RunInChild(const struct Probe* probe) {
  fflush(stdout);
  const pid_t child = fork();
  if (child < 0) return Say(probe->name, -1);
  if (child == 0) {
    signal(SIGALRM, SIG_DFL);
    alarm(3);
    RunHere(probe);
    _exit(kSaid);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status)) {
    if (WEXITSTATUS(status) != kSaid) printf("%s ended:%d\n", probe->name, WEXITSTATUS(status));
    return;
  }
  if (WTERMSIG(status) == SIGALRM) {
    printf("%s hung\n", probe->name);
  } else {
    printf("%s killed:%d\n", probe->name, WTERMSIG(status));
  }
}

static int Wanted(const char* name, char** names) {
  if (*names == NULL) return 1;
  for (; *names != NULL; ++names) {
    if (strcmp(name, *names) == 0) return 1;
  }
  return 0;
}

static int RunProbes(char** names, void (*run)(const struct Probe*)) {
  int found = 0;
  for (size_t i = 0; i < sizeof(kProbes) / sizeof(kProbes[0]); ++i) {
    for (const struct Probe* probe = kProbes[i]; probe->name != NULL; ++probe) {
      if (!Wanted(probe->name, names)) continue;
      run(probe);
      ++found;
    }
  }
  return found > 0 ? 0 : 99;
}

int main(int argc, char** argv) {
  if (argc < 2) return 98;
  if (strcmp(argv[1], "probe") == 0) return RunProbes(argv + 2, RunInChild);
  if (strcmp(argv[1], "here") == 0) return RunProbes(argv + 2, RunHere);
  for (size_t i = 0; i < sizeof(kAttacks) / sizeof(kAttacks[0]); ++i) {
    for (const struct Attack* attack = kAttacks[i]; attack->name != NULL; ++attack) {
      if (strcmp(argv[1], attack->name) == 0) return attack->run(argc - 1, argv + 1);
    }
  }
  return 99;
}
