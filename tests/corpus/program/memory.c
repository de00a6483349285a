// SPDX-License-Identifier: Apache-2.0
// Memory of every kind. argv[1] is how many MiB, all of them touched, in whole pages.
#include <pthread.h>
#include <sys/prctl.h>

#include "corpus.h"

static size_t Size(int argc, char** argv) {
  return (size_t)Argument(argc, argv, 1, 32) * (size_t)kMib;
}

static void Touch(char* bytes, size_t size) {
  for (size_t at = 0; at < size; at += kPage) *(volatile char*)(bytes + at) = 1;
}

// What the process holds, to be given back by Done.
static struct {
  char* bytes;
  size_t size;
} held[256];
static size_t held_count;

static char* Hold(char* bytes, size_t size) {
  if (bytes == MAP_FAILED || held_count == sizeof(held) / sizeof(held[0])) Cannot("mmap");
  held[held_count].bytes = bytes;
  held[held_count++].size = size;
  return bytes;
}

// Gives all back, so that its own clock sees that work, too, and says what that clock says.
static int Done(void) {
  while (held_count > 0) {
    --held_count;
    munmap(held[held_count].bytes, held[held_count].size);
  }
  return Finish(0);
}

static char* Map(size_t size, int kind) {
  return Hold(mmap(NULL, size, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0), size);
}

static char* MapAndTouch(size_t size, int kind) {
  char* bytes = Map(size, kind);
  Touch(bytes, size);
  return bytes;
}

static int Anonymous(int argc, char** argv) {
  MapAndTouch(Size(argc, argv), MAP_PRIVATE);
  return Done();
}

static int Shared(int argc, char** argv) {
  MapAndTouch(Size(argc, argv), MAP_SHARED);
  return Done();
}

static int Populate(int argc, char** argv) {
  Map(Size(argc, argv), MAP_PRIVATE | MAP_POPULATE);
  return Done();
}

static int Heap(int argc, char** argv) {
  for (size_t left = Size(argc, argv); left > 0; left -= kPage * 16) {
    char* piece = sbrk(kPage * 16);
    if (piece == (char*)-1) Cannot("sbrk");
    Touch(piece, kPage * 16);
  }
  sbrk(-(intptr_t)Size(argc, argv));
  return Done();
}

// Address space is no memory, nor is what is only read: that is one page of zeros.
static int Reserve(int argc, char** argv) {
  volatile char sum = 0;
  Map(Size(argc, argv) * 64, MAP_PRIVATE | MAP_NORESERVE);
  char* read_only = Map(Size(argc, argv), MAP_PRIVATE);
  for (size_t at = 0; at < Size(argc, argv); at += kPage) sum += read_only[at];
  return sum + Done();
}

// Gone at the end, but it was there.
static int Burst(int argc, char** argv) {
  MapAndTouch(Size(argc, argv), MAP_PRIVATE);
  Done();
  Nap(5000000);
  return Done();
}

// Five times the same, one after the other: never more than once.
static int Again(int argc, char** argv) {
  char* bytes = Map(Size(argc, argv), MAP_PRIVATE);
  for (int i = 0; i < 5; ++i) {
    Touch(bytes, Size(argc, argv));
    madvise(bytes, Size(argc, argv), MADV_DONTNEED);
  }
  return Done();
}

static int Grow(int argc, char** argv) {
  size_t size = Size(argc, argv) / 8;
  char* bytes = MapAndTouch(size, MAP_PRIVATE);
  held_count = 0;
  while (size < Size(argc, argv)) {
    bytes = mremap(bytes, size, size + Size(argc, argv) / 8, MREMAP_MAYMOVE);
    if (bytes == MAP_FAILED) Cannot("mremap");
    Touch(bytes + size, Size(argc, argv) / 8);
    size += Size(argc, argv) / 8;
  }
  Hold(bytes, size);
  return Done();
}

static int Recurse(size_t left) {
  volatile char frame[8 * kPage];
  Touch((char*)frame, sizeof(frame));
  return left <= sizeof(frame) ? frame[0] : Recurse(left - sizeof(frame)) + frame[0];
}

static int Stack(int argc, char** argv) {
  const int depth = Recurse(Size(argc, argv));
  char* here = (char*)((uintptr_t)&argc / kPage * kPage);
  madvise(here - Size(argc, argv), Size(argc, argv) - 8 * kPage, MADV_DONTNEED);
  return depth > 0 ? Done() : kCannot;
}

static pthread_barrier_t all_touched;

static void* TouchStack(void* size) {
  Recurse((size_t)(uintptr_t)size);
  pthread_barrier_wait(&all_touched);
  return NULL;
}

static int ThreadStacks(int argc, char** argv) {
  pthread_t threads[8];
  pthread_attr_t attributes;
  const size_t share = Size(argc, argv) / 8;
  pthread_barrier_init(&all_touched, NULL, 9);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, share + kMib);
  for (int i = 0; i < 8; ++i) {
    void* size = (void*)(uintptr_t)share;
    if (pthread_create(&threads[i], &attributes, TouchStack, size) != 0) Cannot("pthread_create");
  }
  pthread_barrier_wait(&all_touched);
  for (int i = 0; i < 8; ++i) pthread_join(threads[i], NULL);
  return Done();
}

static void Fill(int fd, size_t size) {
  static char bytes[16 * kPage];
  memset(bytes, 'x', sizeof(bytes));
  for (size_t put = 0; put < size; put += sizeof(bytes)) {
    if (write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes)) Cannot("write");
  }
}

static int Make(const char* path) {
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) Cannot(path);
  return fd;
}

// A file in the folder argv[2]: memory where that is a tmpfs, and on a disk only what the kernel
// keeps of it, and gives back when there is no room.
static int File(int argc, char** argv) {
  char path[256];
  snprintf(path, sizeof(path), "%s/file", argc > 2 ? argv[2] : "/tmp");
  const int fd = Make(path);
  Fill(fd, Size(argc, argv));
  close(fd);
  unlink(path);
  return Done();
}

static int UnlinkedFile(int argc, char** argv) {
  const int fd = Make("/tmp/unlinked");
  unlink("/tmp/unlinked");
  Fill(fd, Size(argc, argv));
  close(fd);
  return Done();
}

// Removed before the next is made: never more than one.
static int FilesInTurn(int argc, char** argv) {
  for (int i = 0; i < 3; ++i) {
    File(argc, argv);
  }
  return Done();
}

static int MappedFile(int argc, char** argv) {
  const int fd = Make("/tmp/mapped");
  const size_t size = Size(argc, argv);
  if (ftruncate(fd, (off_t)size) != 0) Cannot("ftruncate");
  Touch(Hold(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), size), size);
  if (ftruncate(fd, 0) != 0) Cannot("ftruncate");
  return Done();
}

// Pipes full of whole pages, as many as argv[1] says, 64 KiB each.
static int Pipes(int argc, char** argv) {
  static char page[kPage];
  for (uint64_t i = Argument(argc, argv, 1, 64); i > 0; --i) {
    const struct Gathering gathering = Gather();
    for (int pages = 0; pages < 16; ++pages) {
      if (write(gathering.fd[1], page, kPage) != kPage) Cannot("write");
    }
  }
  return Done();
}

// Children that all hold their share at the same time.
static int Children(int argc, char** argv) {
  const uint64_t count = Argument(argc, argv, 2, 4);
  const struct Gathering done = Gather();
  const struct Gathering go = Gather();
  char byte;
  for (uint64_t i = 0; i < count; ++i) {
    if (Fork() != 0) continue;
    close(go.fd[1]);
    MapAndTouch(Size(argc, argv) / count, MAP_PRIVATE);
    if (write(done.fd[1], "x", 1) != 1) Cannot("write");
    while (read(go.fd[0], &byte, 1) > 0) continue;
    _exit(0);
  }
  for (uint64_t i = 0; i < count; ++i) {
    if (read(done.fd[0], &byte, 1) != 1) Cannot("read");
  }
  close(go.fd[1]);
  while (wait(NULL) > 0) continue;
  return Done();
}

// A child only reads what its parent has: that is not twice.
static int ForkReads(int argc, char** argv) {
  char* bytes = MapAndTouch(Size(argc, argv), MAP_PRIVATE);
  volatile char sum = 0;
  const pid_t child = Fork();
  if (child == 0) {
    for (size_t at = 0; at < Size(argc, argv); at += kPage) sum += bytes[at];
    _exit(0);
  }
  waitpid(child, NULL, 0);
  return Done();
}

// A child writes half of what it got: that half is there twice. argv[1] is the sum.
static int ForkWrites(int argc, char** argv) {
  const size_t size = Size(argc, argv) / 3 * 2;
  char* bytes = MapAndTouch(size, MAP_PRIVATE);
  const pid_t child = Fork();
  if (child == 0) {
    Touch(bytes, size / 2);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  return Done();
}

// Held by a process whose parent is gone, or is not waited for (argv[2]).
static int Abandoned(int argc, char** argv) {
  const struct Gathering gathering = Gather();
  const char* how = argc > 2 ? argv[2] : "daemon";
  if (strcmp(how, "ignored") == 0) signal(SIGCHLD, SIG_IGN);
  const pid_t child = Fork();
  if (child == 0) {
    if (strcmp(how, "daemon") == 0) {
      setsid();
      if (Fork() != 0) _exit(0);
    }
    char* bytes = MapAndTouch(Size(argc, argv), MAP_PRIVATE);
    munmap(bytes, Size(argc, argv));
    Unwaited(0);
  }
  AwaitAll(gathering);
  return Done();
}

static int ExecGives(int argc, char** argv) {
  MapAndTouch(Size(argc, argv), MAP_PRIVATE);
  execl("/proc/self/exe", "corpus", "anonymous", argv[1], NULL);
  Cannot("exec");
}

static int Slowly(int argc, char** argv) {
  for (size_t left = Size(argc, argv); left >= kMib; left -= kMib) {
    MapAndTouch(kMib, MAP_PRIVATE);
    Nap(1000000);
  }
  return Done();
}

// What cannot be had at all is refused, and the program takes it.
static int Polite(int argc, char** argv) {
  const struct rlimit small = {Size(argc, argv), Size(argc, argv)};
  if (setrlimit(RLIMIT_AS, &small) != 0) Cannot("setrlimit");
  // Volatile: a compiler may take it that a malloc whose memory is never used succeeds.
  void* volatile block = malloc(Size(argc, argv));
  return block == NULL ? 7 : kCannot;
}

// A child wants too much; the first process waits, and would report an ordinary end.
static int GreedyChild(int argc, char** argv) {
  const pid_t child = Fork();
  if (child == 0) _exit(Anonymous(argc, argv));
  waitpid(child, NULL, 0);
  Nap(60000000000u);
  return 0;
}

const struct Case kMemoryCases[] = {
    {"anonymous", Anonymous},
    {"shared", Shared},
    {"populate", Populate},
    {"heap", Heap},
    {"reserve", Reserve},
    {"burst", Burst},
    {"again", Again},
    {"grow", Grow},
    {"stack", Stack},
    {"thread-stacks", ThreadStacks},
    {"file", File},
    {"unlinked-file", UnlinkedFile},
    {"files-in-turn", FilesInTurn},
    {"mapped-file", MappedFile},
    {"pipes", Pipes},
    {"children", Children},
    {"fork-reads", ForkReads},
    {"fork-writes", ForkWrites},
    {"abandoned", Abandoned},
    {"exec-gives", ExecGives},
    {"slowly", Slowly},
    {"polite", Polite},
    {"greedy-child", GreedyChild},
    {NULL, NULL},
};
