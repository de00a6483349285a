# SPDX-License-Identifier: Apache-2.0
"""Sorts 2 * 10^5 numbers with the built-in sort."""

import sys

numbers = sys.stdin.buffer.read().split()
values = sorted(map(int, numbers[1:int(numbers[0]) + 1]))
sys.stdout.write("\n".join(map(str, values)) + "\n")
