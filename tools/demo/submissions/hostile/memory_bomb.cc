// SPDX-License-Identifier: Apache-2.0
// Takes memory and touches it until there is none.
#include <cstdlib>

int main() {
  constexpr size_t kStep = size_t{1} << 20;
  constexpr size_t kPage = 4096;
  for (;;) {
    volatile char* block = static_cast<volatile char*>(std::malloc(kStep));
    for (size_t at = 0; block != nullptr && at < kStep; at += kPage) block[at] = 1;
  }
}
