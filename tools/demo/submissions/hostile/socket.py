# SPDX-License-Identifier: Apache-2.0
"""Wants the network."""

import socket

print(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
