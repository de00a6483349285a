// SPDX-License-Identifier: Apache-2.0
// Sum of 10^6 numbers, read with iostreams.
#include <cstdint>
#include <iostream>

int main() {
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  int n = 0;
  std::cin >> n;
  int64_t sum = 0;
  for (int64_t value = 0; n > 0 && std::cin >> value; --n) sum += value;
  std::cout << sum << '\n';
  return 0;
}
