// SPDX-License-Identifier: Apache-2.0
// Never ends, uses nothing.
#include <unistd.h>
int main(void) {
  for (;;) sleep(1000);
}
