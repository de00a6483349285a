// SPDX-License-Identifier: Apache-2.0
// SIGABRT.
#include <cstdlib>
int main() { std::abort(); }
