// SPDX-License-Identifier: Apache-2.0
// Gives up with an exit code of its own.
int main() { return 3; }
