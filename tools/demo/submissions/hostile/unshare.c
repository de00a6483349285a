// SPDX-License-Identifier: Apache-2.0
// Wants namespaces of its own, to be root in them.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>

int main(void) {
  printf("unshare: %d\n", unshare(CLONE_NEWUSER | CLONE_NEWNS));
  return 42;
}
