// SPDX-License-Identifier: Apache-2.0
// As many threads as there are, for ever.
#include <pthread.h>
#include <unistd.h>

namespace {
void* Wait(void*) {
  for (;;) pause();
}
}  // namespace

int main() {
  for (;;) {
    pthread_t thread;
    pthread_create(&thread, nullptr, Wait, nullptr);
  }
}
