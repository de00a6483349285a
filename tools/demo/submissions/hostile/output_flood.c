// SPDX-License-Identifier: Apache-2.0
// Prints for ever.
#include <string.h>
#include <unistd.h>

int main(void) {
  static char block[1 << 16];
  memset(block, 'x', sizeof block);
  for (;;) {
    if (write(1, block, sizeof block) < 0 && write(2, block, sizeof block) < 0) pause();
  }
}
