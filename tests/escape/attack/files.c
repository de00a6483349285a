// SPDX-License-Identifier: Apache-2.0
// Attacks on files whose success is seen on the host: what is bound read-only, what fills up.
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "attack.h"

static char* Join(const char* folder, const char* name) {
  static char path[8192];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  return path;
}

// Everything that could change a tree which holds `file` and `sub/`. Goes on after each refusal.
static int WriteEverything(int argc, char** argv) {
  if (argc < 2) return 98;
  const char* folder = argv[1];
  char file[4096];
  snprintf(file, sizeof(file), "%s/file", folder);
  Say("open_write", WriteFile(file, "pwned"));
  Say("open_append", TryOpen(file, O_WRONLY | O_APPEND));
  Say("open_truncate", TryOpen(file, O_RDONLY | O_TRUNC));
  Say("create", TryOpen(Join(folder, "new"), O_WRONLY | O_CREAT));
  Say("truncate", truncate(file, 0));
  Say("mkdir", mkdir(Join(folder, "made"), 0700));
  Say("rmdir", rmdir(Join(folder, "sub")));
  Say("symlink", symlink("/etc/shadow", Join(folder, "link")));
  Say("link", link(file, Join(folder, "hard")));
  Say("rename", rename(file, Join(folder, "renamed")));
  Say("chmod", chmod(file, 0777));
  Say("chown", chown(file, getuid(), getgid()));
  Say("utimes", utimes(file, NULL));
  Say("setxattr", syscall(SYS_setxattr, file, "user.pwned", "x", 1, 0));
  Say("mknod", mknod(Join(folder, "fifo"), S_IFIFO | 0600, 0));
  Say("unlink", unlink(file));
  // Writing through memory, and through the descriptor of a reader.
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  Say("map_shared",
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  char again[64];
  snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
  Say("reopen", WriteFile(again, "pwned"));
  Say("fchmod", fchmod(fd, 0777));
  Say("ftruncate", ftruncate(fd, 0));
  Say("fallocate", fallocate(fd, 0, 0, 1 << 20));
  return 0;
}

// A private mapping that is written through /proc/self/mem must not reach the file.
static int WriteThroughMemory(int argc, char** argv) {
  if (argc < 2) return 98;
  const int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
  char* map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  const int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  Say("open_memory", memory);
  for (int i = 0; i < 200; ++i) {
    (void)!pwrite(memory, "pwned", 5, (off_t)(uintptr_t)map);
    madvise(map, 4096, MADV_DONTNEED);
  }
  return 0;
}

// Removes the pages of a shared file from the host's cache, by advice about the file or about a
// mapping of it. The pages of a mapping must be in its tables for that, so they are read first.
static int Evict(int argc, char** argv) {
  if (argc < 3) return 98;
  const int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) return 3;
  const size_t size = (size_t)info.st_size;
  for (int i = 0; i < 5; ++i) {
    if (strcmp(argv[2], "file") == 0) {
      Say("evict", posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 ? 0 : -1);
      continue;
    }
    char* map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return 4;
    volatile char sum = 0;
    for (size_t at = 0; at < size; at += 4096) sum ^= map[at];
    Say("cold", madvise(map, size, MADV_COLD));
    Say("evict", madvise(map, size, MADV_PAGEOUT));
    munmap(map, size);
  }
  return 0;
}

// Every open descriptor beyond the standard three, and whether it leads out.
static int Descriptors(int argc, char** argv) {
  (void)argc;
  (void)argv;
  char name[64];
  char target[256];
  for (int fd = 3; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) continue;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(name, target, sizeof(target) - 1);
    target[size < 0 ? 0 : size] = 0;
    printf("descriptor %d %s\n", fd, target);
  }
  return 0;
}

// The first byte of each of the files, for those that can be read.
static int ReadFiles(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    char text[256];
    const int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (got < 0) continue;
    text[got] = 0;
    printf("%s: %s\n", argv[i], text);
  }
  return 0;
}

// As many files as can be made in a folder; prints how many.
static int ManyFiles(int argc, char** argv) {
  if (argc < 3) return 98;
  long made = 0;
  for (;; ++made) {
    char name[300];
    snprintf(name, sizeof(name), "%s/f%ld", argv[1], made);
    long result = -1;
    if (strcmp(argv[2], "file") == 0) result = TryOpen(name, O_WRONLY | O_CREAT);
    if (strcmp(argv[2], "folder") == 0) result = mkdir(name, 0700);
    if (strcmp(argv[2], "link") == 0) {
      memset(scratch, 'l', 4000);
      scratch[4000] = 0;
      result = symlink(scratch, name);
    }
    if (result < 0) break;
  }
  const int error = errno;
  printf("made %ld %s\n", made, strerrorname_np(error));
  return 0;
}

// Writes to every place that can be written until none takes more; the files are unlinked but open.
static int FillEverything(int argc, char** argv) {
  signal(SIGXFSZ, SIG_IGN);
  long total = 0;
  for (int i = 1; i < argc; ++i) {
    for (int n = 0; n < 200; ++n) {
      char name[256];
      snprintf(name, sizeof(name), "%s/fill%d", argv[i], n);
      const int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      if (fd < 0) break;
      unlink(name);
      long put;
      long here = 0;
      while ((put = write(fd, scratch, sizeof(scratch))) > 0) here += put;
      total += here;
      if (here == 0) break;
    }
  }
  printf("wrote %ld\n", total);
  return 0;
}

// A file that claims to be huge.
static int Sparse(int argc, char** argv) {
  if (argc < 2) return 98;
  const long huge = 1L << 33;
  signal(SIGXFSZ, SIG_IGN);
  const int fd = open(Join(argv[1], "sparse"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  Say("ftruncate", ftruncate(fd, huge));
  Say("lseek", lseek(fd, huge, SEEK_SET) == huge ? 0 : -1);
  Say("write", write(fd, "x", 1));
  Say("fallocate", fallocate(fd, 0, huge, 4096));
  struct stat info;
  fstat(fd, &info);
  printf("size %ld\n", (long)info.st_size);
  return 0;
}

// Modes that stop a careless cleaner, names that steer a shell, folders without end.
static int Traps(int argc, char** argv) {
  (void)argc;
  (void)argv;
  const char* const names[] = {"-rf", "--", "\n", " .", "$(touch x)", "*", "\x1b[2J"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
    TryOpen(Join("/work", names[i]), O_WRONLY | O_CREAT);
  }
  int depth = 0;
  if (chdir("/tmp") != 0) return 3;
  while (depth < 1000 && mkdir("d", 0700) == 0 && chdir("d") == 0) ++depth;
  mkdir(WORK "/locked", 0700);
  TryOpen(WORK "/locked/inside", O_WRONLY | O_CREAT);
  chmod(WORK "/locked", 0);
  chmod("/work", 0);
  return depth > 100 ? 0 : 4;
}

// Changes the program that runs, FILE, while it runs: by writing, by another file of its name; and
// executes what then has its name. `rounds` says how often the new one ran.
static int ReplaceSelf(int argc, char** argv) {
  if (argc < 2) return 98;
  const char* self = argv[1];
  char other[4096];
  snprintf(other, sizeof(other), "%s.new", self);
  Say("write", TryOpen(self, O_WRONLY));
  Say("write_exe", TryOpen("/proc/self/exe", O_WRONLY));
  long rounds = 0;
  for (int i = 0; i < 10; ++i) {
    const int fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    const char script[] = "#!/bin/sh\nexit 33\n";
    if (fd < 0 || write(fd, script, sizeof(script) - 1) < 0) break;
    close(fd);
    if (rename(other, self) != 0) break;
    const pid_t child = fork();
    if (child == 0) {
      execl(self, self, NULL);
      _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    rounds += WIFEXITED(status) && WEXITSTATUS(status) == 33;
    unlink(self);
  }
  printf("rounds %ld\n", rounds);
  return 34;
}

// All bytes of FILE, which is the program that runs, by every way to its file or its memory.
static int DumpSelf(int argc, char** argv) {
  if (argc < 2) return 98;
  const char* const ways[] = {argv[1], "/proc/self/exe", "/proc/self/mem", "/proc/self/map_files",
                              "/proc/thread-self/exe"};
  for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); ++i) {
    const int fd = open(ways[i], O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      Say(ways[i], -1);
      continue;
    }
    ssize_t got;
    while ((got = read(fd, scratch, sizeof(scratch))) > 0) (void)!write(1, scratch, (size_t)got);
    close(fd);
  }
  const int fd = open(argv[1], O_PATH | O_CLOEXEC);
  char again[64];
  snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
  Say("reopened", TryOpen(again, O_RDONLY));
  Say("chmod", chmod(argv[1], 0755));
  char copy[] = WORK "/copy";
  Say("link", link(argv[1], copy));
  return 0;
}

const struct Attack kFileAttacks[] = {
    {"write-everything", WriteEverything},
    {"write-through-memory", WriteThroughMemory},
    {"evict", Evict},
    {"descriptors", Descriptors},
    {"read-files", ReadFiles},
    {"many-files", ManyFiles},
    {"fill-everything", FillEverything},
    {"sparse", Sparse},
    {"traps", Traps},
    {"replace-self", ReplaceSelf},
    {"dump-self", DumpSelf},
    {NULL, NULL},
};
