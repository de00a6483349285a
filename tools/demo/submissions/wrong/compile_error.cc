// SPDX-License-Identifier: Apache-2.0
// Does not compile.
int main() { return forgotten; }
