// SPDX-License-Identifier: Apache-2.0
// Forgets to flush: its guess stays in its own buffer, and both wait for the other one.
#include <stdio.h>

int main(void) {
  char answer[16] = "";
  printf("500\n");
  return scanf("%15s", answer) == 1 ? 0 : 1;
}
