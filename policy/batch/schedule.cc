// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/schedule.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace cordon {

Schedule::Schedule(const std::vector<BatchTask>& tasks)
    : waiting_(tasks.size()), later_(tasks.size()), over_(tasks.size()), left_(tasks.size()) {
  for (size_t i = 0; i < tasks.size(); ++i) {
    waiting_[i] = tasks[i].after.size();
    if (waiting_[i] == 0) ready_.push(i);
    for (const size_t before : tasks[i].after) later_[before].push_back(i);
  }
}

std::optional<size_t> Schedule::Next() {
  if (ready_.empty()) return std::nullopt;
  const size_t next = ready_.top();
  ready_.pop();
  return next;
}

std::vector<Schedule::Skipped> Schedule::Ended(size_t task, bool good) {
  std::vector<Skipped> skipped;
  over_[task] = true;
  --left_;
  if (good) {
    for (const size_t next : later_[task]) {
      if (--waiting_[next] == 0 && !over_[next]) ready_.push(next);
    }
    return skipped;
  }
  // Whatever comes after it, at any distance.
  std::vector<size_t> bad = {task};
  for (size_t i = 0; i < bad.size(); ++i) {
    for (const size_t next : later_[bad[i]]) {
      if (over_[next]) continue;
      over_[next] = true;
      --left_;
      skipped.push_back({next, bad[i]});
      bad.push_back(next);
    }
  }
  return skipped;
}

std::vector<BatchTask> ShardOf(std::vector<BatchTask> tasks, size_t index, size_t count) {
  // Each job points to one before it in its group; the first points to itself.
  std::vector<size_t> parent(tasks.size());
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto root = [&](size_t at) {
    while (parent[at] != at) at = parent[at] = parent[parent[at]];
    return at;
  };
  for (size_t i = 0; i < tasks.size(); ++i) {
    for (const size_t before : tasks[i].after) {
      const size_t a = root(i);
      const size_t b = root(before);
      parent[std::max(a, b)] = std::min(a, b);
    }
  }
  std::vector<size_t> shard(tasks.size());
  std::vector<size_t> position(tasks.size());  // in the shard
  std::vector<BatchTask> mine;
  size_t groups = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const size_t at = root(i);
    if (at == i) shard[i] = groups++ % count;
    if (shard[at] != index - 1) continue;
    position[i] = mine.size();
    mine.push_back(std::move(tasks[i]));
  }
  for (BatchTask& task : mine) {
    for (size_t& before : task.after) before = position[before];
  }
  return mine;
}

}  // namespace cordon
