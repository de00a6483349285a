// SPDX-License-Identifier: Apache-2.0
// Guesses 1, 2, 3 and so on: too many guesses.
#include <stdio.h>

int main(void) {
  char answer[16] = "";
  for (int guess = 1; guess <= 1000; ++guess) {
    printf("%d\n", guess);
    fflush(stdout);
    if (scanf("%15s", answer) != 1) return 1;
    if (answer[0] == 'c') return 0;
  }
  return 1;
}
