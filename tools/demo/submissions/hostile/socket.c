// SPDX-License-Identifier: Apache-2.0
// Wants the network.
#include <stdio.h>
#include <sys/socket.h>

int main(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  printf("socket: %d\n", fd);
  return fd < 0 ? 1 : 42;
}
