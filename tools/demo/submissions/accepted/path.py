# SPDX-License-Identifier: Apache-2.0
"""Shortest path from vertex 1 to every other: Dijkstra with heapq."""

import heapq
import sys


def main():
    data = list(map(int, sys.stdin.buffer.read().split()))
    n, m = data[0], data[1]
    edges = [[] for _ in range(n + 1)]
    for at in range(2, 2 + 3 * m, 3):
        edges[data[at]].append((data[at + 1], data[at + 2]))
    distance = [-1] * (n + 1)
    heap = [(0, 1)]
    while heap:
        length, vertex = heapq.heappop(heap)
        if distance[vertex] >= 0:
            continue
        distance[vertex] = length
        for to, step in edges[vertex]:
            if distance[to] < 0:
                heapq.heappush(heap, (length + step, to))
    sys.stdout.write("\n".join(map(str, distance[1:])) + "\n")


main()
