// SPDX-License-Identifier: Apache-2.0
// The order of jobs: what comes after something waits for it, and goes with it when it fails.
#include "policy/batch/schedule.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cordon {
namespace {

using testing::ElementsAre;

std::vector<BatchTask> Tasks(const std::vector<std::vector<size_t>>& after) {
  std::vector<BatchTask> tasks(after.size());
  for (size_t i = 0; i < after.size(); ++i) tasks[i].after = after[i];
  return tasks;
}

TEST(ScheduleTest, GoesThroughTheListInOrder) {
  const auto tasks = Tasks({{}, {}, {}});
  Schedule schedule(tasks);
  EXPECT_EQ(schedule.Next(), 0u);
  EXPECT_EQ(schedule.Next(), 1u);
  EXPECT_TRUE(schedule.Ended(1, true).empty());
  EXPECT_EQ(schedule.Next(), 2u);
  EXPECT_EQ(schedule.Next(), std::nullopt);
  schedule.Ended(0, true);
  EXPECT_FALSE(schedule.done());
  schedule.Ended(2, false);
  EXPECT_TRUE(schedule.done());
}

TEST(ScheduleTest, AJobWaitsForAllThatItComesAfter) {
  const auto tasks = Tasks({{1, 2}, {}, {}});
  Schedule schedule(tasks);
  EXPECT_EQ(schedule.Next(), 1u);
  EXPECT_EQ(schedule.Next(), 2u);
  EXPECT_EQ(schedule.Next(), std::nullopt);
  schedule.Ended(2, true);
  EXPECT_EQ(schedule.Next(), std::nullopt);
  schedule.Ended(1, true);
  EXPECT_EQ(schedule.Next(), 0u);
}

TEST(ScheduleTest, WhatComesAfterABadJobIsSkippedAtAnyDistanceAndOnce) {
  const auto tasks = Tasks({{}, {0}, {1}, {0, 2}, {}});
  Schedule schedule(tasks);
  EXPECT_EQ(schedule.Next(), 0u);
  std::set<size_t> skipped;
  for (const Schedule::Skipped& each : schedule.Ended(0, false)) {
    EXPECT_TRUE(skipped.insert(each.task).second);
  }
  EXPECT_THAT(skipped, ElementsAre(1u, 2u, 3u));
  EXPECT_EQ(schedule.Next(), 4u);
  EXPECT_EQ(schedule.Next(), std::nullopt);
  EXPECT_FALSE(schedule.done());
  schedule.Ended(4, true);
  EXPECT_TRUE(schedule.done());
}

// Random lists with random ends: each job starts once or is skipped once, never before what it
// comes after, and never behind a bad one.
TEST(ScheduleTest, HoldsOnRandomLists) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const size_t count = 1 + random() % 30;
    std::vector<std::vector<size_t>> after(count);
    std::vector<size_t> order(count);  // so that jobs also come after later ones
    std::iota(order.begin(), order.end(), size_t{0});
    std::shuffle(order.begin(), order.end(), random);
    for (size_t i = 1; i < count; ++i) {
      for (size_t n = random() % 3; n > 0; --n) after[order[i]].push_back(order[random() % i]);
    }
    const auto tasks = Tasks(after);
    Schedule schedule(tasks);
    std::vector<int> state(count);  // 0 not yet, 1 running, 2 good, 3 bad, 4 skipped
    std::vector<size_t> running;
    while (!schedule.done()) {
      if (const auto next = schedule.Next(); next.has_value()) {
        ASSERT_EQ(state[*next], 0);
        for (const size_t before : after[*next]) ASSERT_EQ(state[before], 2);
        state[*next] = 1;
        running.push_back(*next);
        if (random() % 2 == 0) continue;
      }
      ASSERT_FALSE(running.empty()) << "stuck";
      const size_t at = random() % running.size();
      const size_t task = running[at];
      running.erase(running.begin() + static_cast<ptrdiff_t>(at));
      const bool good = random() % 4 != 0;
      state[task] = good ? 2 : 3;
      for (const Schedule::Skipped& each : schedule.Ended(task, good)) {
        ASSERT_EQ(state[each.task], 0);
        state[each.task] = 4;
        ASSERT_GE(state[each.because], 3);
      }
    }
    for (const int each : state) EXPECT_GE(each, 2);
  }
}

// Jobs that are added one by one, before, while and after what they come after has run.
TEST(ScheduleTest, JobsThatAreAddedLaterStartOrAreSkippedAsIfTheyHadBeenThere) {
  Schedule schedule;
  EXPECT_TRUE(schedule.done());
  EXPECT_EQ(schedule.Add({}), std::nullopt);
  EXPECT_EQ(schedule.Add({}), std::nullopt);
  EXPECT_EQ(schedule.Next(), 0u);
  EXPECT_EQ(schedule.Next(), 1u);
  EXPECT_EQ(schedule.Add({0, 1}), std::nullopt);  // while they run
  schedule.Ended(0, true);
  EXPECT_EQ(schedule.Add({0}), std::nullopt);  // of one that was good
  EXPECT_EQ(schedule.Next(), 3u);
  const auto skipped = schedule.Ended(1, false);
  ASSERT_EQ(skipped.size(), 1u);
  EXPECT_EQ(skipped[0].task, 2u);
  EXPECT_EQ(schedule.Add({0, 1}), 1u);  // of one that was not
  EXPECT_EQ(schedule.Add({4, 3}), 4u);  // of one that was skipped
  EXPECT_EQ(schedule.Next(), std::nullopt);
  EXPECT_FALSE(schedule.done());
  schedule.Ended(3, true);
  EXPECT_TRUE(schedule.done());
  EXPECT_EQ(schedule.Add({3}), std::nullopt);
  EXPECT_EQ(schedule.Next(), 6u);
  EXPECT_FALSE(schedule.done());
}

TEST(ShardTest, EachJobIsInOneShardTogetherWithWhatItDependsOn) {
  auto tasks = Tasks({{}, {}, {0}, {}, {3}, {1, 4}, {}});
  for (size_t i = 0; i < tasks.size(); ++i) tasks[i].place = std::to_string(i);
  std::multiset<std::string> seen;
  for (size_t shard = 1; shard <= 3; ++shard) {
    const std::vector<BatchTask> mine = ShardOf(tasks, shard, 3);
    for (const BatchTask& task : mine) {
      seen.insert(task.place);
      const auto& before = tasks[static_cast<size_t>(std::stoi(task.place))].after;
      ASSERT_EQ(task.after.size(), before.size());
      for (size_t i = 0; i < before.size(); ++i) {
        ASSERT_LT(task.after[i], mine.size());
        EXPECT_EQ(mine[task.after[i]].place, std::to_string(before[i]));
      }
    }
  }
  EXPECT_THAT(seen, ElementsAre("0", "1", "2", "3", "4", "5", "6"));
  EXPECT_EQ(ShardOf(tasks, 1, 1).size(), 7u);
}

}  // namespace
}  // namespace cordon
