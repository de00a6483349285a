// SPDX-License-Identifier: Apache-2.0
// Sorts 2 * 10^5 numbers with a merge sort of its own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void merge_sort(long long* values, long long* scratch, size_t n) {
  if (n < 2) return;
  size_t half = n / 2;
  merge_sort(values, scratch, half);
  merge_sort(values + half, scratch, n - half);
  size_t left = 0, right = half;
  for (size_t i = 0; i < n; ++i) {
    if (right == n || (left < half && values[left] <= values[right])) {
      scratch[i] = values[left++];
    } else {
      scratch[i] = values[right++];
    }
  }
  memcpy(values, scratch, n * sizeof *values);
}

int main(void) {
  size_t n = 0;
  if (scanf("%zu", &n) != 1) return 1;
  long long* values = malloc(n * sizeof *values);
  long long* scratch = malloc(n * sizeof *scratch);
  if (values == NULL || scratch == NULL) return 1;
  for (size_t i = 0; i < n; ++i) {
    if (scanf("%lld", &values[i]) != 1) return 1;
  }
  merge_sort(values, scratch, n);
  for (size_t i = 0; i < n; ++i) printf("%lld\n", values[i]);
  free(values);
  free(scratch);
  return 0;
}
