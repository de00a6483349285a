// SPDX-License-Identifier: Apache-2.0
// Sum of 10^6 numbers, read with scanf.
#include <stdio.h>

int main(void) {
  int n = 0;
  long long sum = 0;
  if (scanf("%d", &n) != 1) return 1;
  for (int i = 0; i < n; ++i) {
    long long value = 0;
    if (scanf("%lld", &value) != 1) return 1;
    sum += value;
  }
  printf("%lld\n", sum);
  return 0;
}
