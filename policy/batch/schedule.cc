// SPDX-License-Identifier: Apache-2.0
#include "policy/batch/schedule.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace cordon {

Schedule::Schedule(const std::vector<BatchTask>& tasks)
    : waiting_(tasks.size()), later_(tasks.size()), state_(tasks.size()), left_(tasks.size()) {
  for (size_t i = 0; i < tasks.size(); ++i) {
    waiting_[i] = tasks[i].after.size();
    if (waiting_[i] == 0) ready_.push(i);
    for (const size_t before : tasks[i].after) later_[before].push_back(i);
  }
}

std::optional<size_t> Schedule::Add(const std::vector<size_t>& after) {
  const size_t task = state_.size();
  waiting_.push_back(0);
  later_.emplace_back();
  for (const size_t before : after) {
    if (state_[before] != State::kBad) continue;
    state_.push_back(State::kBad);
    return before;
  }
  for (const size_t before : after) {
    if (state_[before] == State::kGood) continue;
    later_[before].push_back(task);
    ++waiting_[task];
  }
  state_.push_back(State::kOpen);
  ++left_;
  if (waiting_[task] == 0) ready_.push(task);
  return std::nullopt;
}

std::optional<size_t> Schedule::Next() {
  if (ready_.empty()) return std::nullopt;
  const size_t next = ready_.top();
  ready_.pop();
  return next;
}

std::vector<Schedule::Skipped> Schedule::Ended(size_t task, bool good) {
  std::vector<Skipped> skipped;
  state_[task] = good ? State::kGood : State::kBad;
  --left_;
  if (good) {
    for (const size_t next : later_[task]) {
      if (--waiting_[next] == 0 && state_[next] == State::kOpen) ready_.push(next);
    }
    std::vector<size_t>().swap(later_[task]);
    return skipped;
  }
  // Whatever comes after it, at any distance.
  std::vector<size_t> bad = {task};
  for (size_t i = 0; i < bad.size(); ++i) {
    for (const size_t next : later_[bad[i]]) {
      if (state_[next] != State::kOpen) continue;
      state_[next] = State::kBad;
      --left_;
      skipped.push_back({next, bad[i]});
      bad.push_back(next);
    }
    std::vector<size_t>().swap(later_[bad[i]]);
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
