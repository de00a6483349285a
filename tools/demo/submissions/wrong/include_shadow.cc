// SPDX-License-Identifier: Apache-2.0
// Wants the compiler to print a file of the host.
#include "/etc/shadow"
int main() { return 0; }
