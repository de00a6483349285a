// SPDX-License-Identifier: Apache-2.0
// Shortest path from vertex 1 to every other: Dijkstra with a binary heap.
#include <cstdint>
#include <functional>
#include <iostream>
#include <queue>
#include <utility>
#include <vector>

int main() {
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  size_t n = 0, m = 0;
  std::cin >> n >> m;
  std::vector<std::vector<std::pair<size_t, int64_t>>> edges(n + 1);
  for (size_t i = 0; i < m; ++i) {
    size_t from = 0, to = 0;
    int64_t length = 0;
    std::cin >> from >> to >> length;
    edges[from].push_back({to, length});
  }
  std::vector<int64_t> distance(n + 1, -1);
  using Entry = std::pair<int64_t, size_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> open;
  open.push({0, 1});
  while (!open.empty()) {
    auto [length, vertex] = open.top();
    open.pop();
    if (distance[vertex] >= 0) continue;
    distance[vertex] = length;
    for (const auto& [to, step] : edges[vertex]) {
      if (distance[to] < 0) open.push({length + step, to});
    }
  }
  for (size_t vertex = 1; vertex <= n; ++vertex) std::cout << distance[vertex] << '\n';
  return 0;
}
