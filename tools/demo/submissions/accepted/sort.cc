// SPDX-License-Identifier: Apache-2.0
// Sorts 2 * 10^5 numbers with std::sort.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <vector>

int main() {
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  size_t n = 0;
  std::cin >> n;
  std::vector<int64_t> values(n);
  for (int64_t& value : values) std::cin >> value;
  std::sort(values.begin(), values.end());
  for (int64_t value : values) std::cout << value << '\n';
  return 0;
}
