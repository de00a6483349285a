// SPDX-License-Identifier: Apache-2.0
// Never ends, uses the processor.
int main(void) {
  for (volatile unsigned long i = 0;; ++i) {
  }
}
