// SPDX-License-Identifier: Apache-2.0
// Guesses the number by halving.
#include <stdio.h>
#include <string.h>

int main(void) {
  int low = 1;
  int high = 1000;
  char answer[16] = "";
  while (low <= high) {
    const int guess = (low + high) / 2;
    printf("%d\n", guess);
    fflush(stdout);
    if (scanf("%15s", answer) != 1) return 1;
    if (strcmp(answer, "correct") == 0) return 0;
    if (strcmp(answer, "higher") == 0) low = guess + 1;
    if (strcmp(answer, "lower") == 0) high = guess - 1;
  }
  return 1;
}
