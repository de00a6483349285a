// SPDX-License-Identifier: Apache-2.0
// Wants to mount.
#include <stdio.h>
#include <sys/mount.h>

int main(void) {
  printf("mount: %d\n", mount("none", "/tmp", "tmpfs", 0, ""));
  return 42;
}
