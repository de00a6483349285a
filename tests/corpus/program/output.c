// SPDX-License-Identifier: Apache-2.0
// Output: argv[1] bytes in all.
#include "corpus.h"

static char block[kPage];

static void Put(int fd, uint64_t size, size_t piece) {
  memset(block, 'o', sizeof(block));
  while (size > 0) {
    const size_t part = size < piece ? (size_t)size : piece;
    const ssize_t put = write(fd, block, part);
    if (put < 0) Cannot("write");
    size -= (uint64_t)put;
  }
}

static int Out(int argc, char** argv) {
  Put(1, Argument(argc, argv, 1, 0), kPage);
  return 0;
}

static int Err(int argc, char** argv) {
  Put(2, Argument(argc, argv, 1, 0), kPage);
  return 0;
}

static int Both(int argc, char** argv) {
  Put(1, Argument(argc, argv, 1, 0) / 2, kPage);
  Put(2, Argument(argc, argv, 1, 0) / 2, kPage);
  return 0;
}

static int Bytes(int argc, char** argv) {
  Put(1, Argument(argc, argv, 1, 0), 1);
  return 0;
}

// Without end.
static int Flood(int argc, char** argv) {
  for (;;) Put((int)Argument(argc, argv, 1, 1), kPage, kPage);
  return kCannot;
}

static int ChildFloods(int argc, char** argv) {
  if (Fork() == 0) Flood(argc, argv);
  for (;;) pause();
  return kCannot;
}

// One file of that size; `copes` ignores the signal and takes the error.
static int Grows(int argc, char** argv) {
  const uint64_t size = Argument(argc, argv, 1, 0);
  const int copes = argc > 2 && strcmp(argv[2], "copes") == 0;
  if (copes) signal(SIGXFSZ, SIG_IGN);
  const int fd = open("/tmp/grows", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) Cannot("open");
  for (uint64_t put = 0; put < size;) {
    const uint64_t part = size - put < kPage ? size - put : kPage;
    const ssize_t done = write(fd, block, (size_t)part);
    if (done < 0) return copes && errno == EFBIG ? 5 : kCannot;
    put += (uint64_t)done;
  }
  return 0;
}

static int CloseAll(int argc, char** argv) {
  close(0);
  close(1);
  close(2);
  return (int)Argument(argc, argv, 1, 23);
}

// Ends at once; the last word is its child's, in the pipe when the child is killed.
static int LastWord(int argc, char** argv) {
  const struct Gathering gathering = Gather();
  char byte;
  if (Fork() == 0) {
    Put(1, Argument(argc, argv, 1, 0), kPage);
    if (write(gathering.fd[1], "x", 1) != 1) Cannot("write");
    for (;;) pause();
  }
  return read(gathering.fd[0], &byte, 1) == 1 ? 0 : kCannot;
}

const struct Case kOutputCases[] = {
    {"out", Out},
    {"err", Err},
    {"both", Both},
    {"bytes", Bytes},
    {"flood", Flood},
    {"child-floods", ChildFloods},
    {"grows", Grows},
    {"close-all", CloseAll},
    {"last-word", LastWord},
    {NULL, NULL},
};
