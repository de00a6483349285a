// SPDX-License-Identifier: Apache-2.0
// Fills the disk: 10 GB in one file.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  static char block[1 << 20];
  memset(block, 0x5a, sizeof block);
  int fd = open("big", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) fd = open("/tmp/big", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) return 2;
  for (long long written = 0; written < 10000000000LL; written += (long long)sizeof block) {
    if (write(fd, block, sizeof block) < 0) {
      perror("write");
      return 3;
    }
  }
  return 42;
}
