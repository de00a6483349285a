# SPDX-License-Identifier: Apache-2.0
"""Dies of an exception of its own."""

raise RuntimeError("no idea")
