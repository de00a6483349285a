// SPDX-License-Identifier: Apache-2.0
// Recurses for ever.
namespace {
int Deeper(volatile int* above) {
  volatile int here[1024];
  here[0] = *above + 1;
  return Deeper(here) + here[0];
}
}  // namespace

int main() {
  volatile int start = 0;
  return Deeper(&start);
}
