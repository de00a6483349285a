// SPDX-License-Identifier: Apache-2.0
// Wants the host's passwords and the neighbour's answers; argv[2] is the path of the answers.
// Exit code 42 and the contents on stdout when anything could be read.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int dump(const char* path) {
  char text[4096];
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text);
  close(fd);
  if (n <= 0) return 0;
  printf("LEAK %s\n", path);
  fwrite(text, 1, (size_t)n, stdout);
  return 1;
}

int main(int argc, char** argv) {
  static const char* const kPrefixes[] = {
      "", "/proc/1/root", "/proc/self/root", "/proc/1/cwd/../..", "../../../../../..",
      "/proc/self/cwd/../../../..", "/proc/self/fd/0/../../..", "/dev/fd/3"};
  const char* wanted[] = {"/etc/shadow", argc > 2 ? argv[2] : "/etc/gshadow"};
  int leaks = 0;
  for (size_t w = 0; w < 2; ++w) {
    for (size_t p = 0; p < sizeof kPrefixes / sizeof *kPrefixes; ++p) {
      char path[8192];
      snprintf(path, sizeof path, "%s%s", kPrefixes[p], wanted[w]);
      leaks += dump(path);
    }
  }
  for (int fd = 3; fd < 64; ++fd) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    leaks += dump(path);
  }
  if (leaks == 0) puts("nothing");
  return leaks == 0 ? 0 : 42;
}
