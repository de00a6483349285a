# SPDX-License-Identifier: Apache-2.0
"""Takes memory and touches it until there is none."""

kept = []
while True:
    kept.append(b"\x5a" * (1 << 20))
