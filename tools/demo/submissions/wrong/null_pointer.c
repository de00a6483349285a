// SPDX-License-Identifier: Apache-2.0
// SIGSEGV.
int main(void) {
  int* volatile pointer = 0;
  return *pointer;
}
