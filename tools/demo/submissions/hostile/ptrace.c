// SPDX-License-Identifier: Apache-2.0
// Wants to trace.
#include <stdio.h>
#include <sys/ptrace.h>

int main(void) {
  printf("ptrace: %ld\n", ptrace(PTRACE_TRACEME, 0, 0, 0));
  return 42;
}
