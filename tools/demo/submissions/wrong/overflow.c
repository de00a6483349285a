// SPDX-License-Identifier: Apache-2.0
// Wrong answer: sums in 32 bits.
#include <stdio.h>

int main(void) {
  int n = 0;
  unsigned sum = 0;
  if (scanf("%d", &n) != 1) return 1;
  for (int i = 0; i < n; ++i) {
    long long value = 0;
    if (scanf("%lld", &value) != 1) return 1;
    sum += (unsigned)value;
  }
  printf("%d\n", (int)sum);
  return 0;
}
