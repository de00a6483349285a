// SPDX-License-Identifier: Apache-2.0
// SIGFPE.
int main(int argc, char** argv) {
  (void)argv;
  volatile int zero = argc - argc;
  return 1000 / zero;
}
