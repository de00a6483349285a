# SPDX-License-Identifier: Apache-2.0
"""Never ends, uses the processor."""

while True:
    pass
