// SPDX-License-Identifier: Apache-2.0
// The grader: has a number, argv[1], and says whether a guess is lower or higher. Exit status 0
// when it was guessed in ten.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  const int number = argc > 1 ? atoi(argv[1]) : 0;
  signal(SIGPIPE, SIG_IGN);  // a contestant that is gone is seen by the end of its guesses
  for (int left = 10; left > 0; --left) {
    int guess = 0;
    if (scanf("%d", &guess) != 1) return 1;
    puts(guess == number ? "correct" : guess < number ? "higher" : "lower");
    fflush(stdout);
    if (guess == number) return 0;
  }
  return 1;
}
