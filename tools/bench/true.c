// SPDX-License-Identifier: Apache-2.0
// The smallest job: starts and ends.
int main(void) { return 0; }
