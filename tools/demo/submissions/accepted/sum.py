# SPDX-License-Identifier: Apache-2.0
"""Sum of 10^6 numbers, all input read at once."""

import sys

numbers = sys.stdin.buffer.read().split()
print(sum(map(int, numbers[1:int(numbers[0]) + 1])))
