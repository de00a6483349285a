// SPDX-License-Identifier: Apache-2.0
// Doubles for ever.
#include <unistd.h>
int main(void) {
  for (;;) fork();
}
